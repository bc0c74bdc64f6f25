"""JSON shapes of the Docker Engine API as typed values, for the server and for the client.

No I/O and no policy. Go matches keys without regard to case and sends null for empty lists: lists
and maps that a client may send are `None`-able here, and `wherry.wire.decode` folds case.
Durations are in nanoseconds and sizes in bytes unless a field says otherwise.
"""
