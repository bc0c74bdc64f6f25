"""A thin client of the Engine API: HTTP/1.1 over a unix or TCP socket, and nothing heavy to import.

It knows addresses, framing, hijacked streams and API errors, and the client's end of a build
(`build`, with `context/`, `agent`, `unpack`); it does not know flags or tables.
"""
