"""A thin client of the Engine API: HTTP/1.1 over whatever leads there, and nothing heavy to import.

It knows addresses (unix, TCP, TLS, ssh: `address` has what they share), framing, hijacked streams
and API errors, and the client's end of a build (`build`, with `context/`, `agent`, `unpack`); it
does not know flags or tables.
"""
