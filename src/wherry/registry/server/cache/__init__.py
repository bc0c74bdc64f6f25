"""The backend that keeps what other registries have, fetched when it is asked for.

    backend.py       which repository is whose, and what a cache refuses
    place.py         a cached repository, as these hand it to each other
    reading.py       the bytes of a blob that is kept
    routes.py        names, prefixes, upstreams: pure
    upstream.py      one other registry: requests to it, and what its failures mean
    manifests.py     when to ask the upstream, and what is served when it is away
    blobs.py         a blob is fetched once, whoever waits for it
    flight.py        one blob on its way: read, verified and kept at the same time
    singleflight.py  callers with the same question share the answer

What is kept lies in repositories of the registry itself, so it is listed, collected and retained
like everything else. Times of the last check of a tag are in memory: other processes, or this one
after a restart, ask the upstream once more.
"""
