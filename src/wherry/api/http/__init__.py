"""HTTP/1.1 for one kind of server: h11 frames, this folder does the I/O.

Knows nothing of containers. A handler is given a `Request` and returns a response value; only a
`Hijack` sees the connection. That is what general servers lack: bytes that arrive behind a request
head, half-closed connections, and replies that begin before the request's body has ended.
"""
