"""The Engine API over HTTP: framing, versions, routes, and the words and shapes clients expect.

Knows the engine's verbs and the wire's shapes, and decides nothing itself: a route reads a request,
calls one verb, and renders what comes back. Nothing below knows JSON, status codes or versions.
"""
