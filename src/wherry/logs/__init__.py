"""Container output on disk: written by the keeper, read by the engine, never by both sides at once.

`layout` draws the files, `record` is their index's shape, `writer` is the only one who writes,
`reader`, `follower` and `watch` only read. A container's output survives the death of whoever
writes it: see `writer` for why no byte is lost or doubled.
"""
