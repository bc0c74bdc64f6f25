"""What is kept: blobs, layers, images, containers' writable layers, what builds made, the database.

Plain blocking code that any thread may call. `wherry.store.store.Store` opens all of it; the parts
know each other only through the values that they hand over. It knows no HTTP, no registry and no
running container: a snapshot leaves here as a list of mounts.
"""
