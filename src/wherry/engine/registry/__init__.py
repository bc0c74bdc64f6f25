"""The engine's own images as a registry: the backend that `wherryd --registry` serves.

    names.py      which repository has which of the engine's references
    contents.py   what repositories have, looked up in the store
    received.py   blobs that were pushed and that no image names yet
    uploads.py    blobs on their way in
    manifests.py  a manifest that is put becomes an image
    backend.py    the port of the registry's HTTP side over all of these
    guard.py      who may do what, with accounts and without

Nothing is kept twice: what is served is read from where the engine has it, what is pushed lies
where a pull would have put it. So an engine that pushes to its own registry, or pulls from it,
copies nothing. Only images of one platform are kept here, as by the engine: neither indexes nor
artifacts.
"""
