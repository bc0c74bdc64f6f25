"""What a build may ask of the user's ssh agent: which keys there are, and signatures.

Everything else (adding, removing, locking) is answered by the agent with a failure, because it is
passed on as an extension that nobody knows: so answers keep their order. Pure; the protocol is that
of draft-miller-ssh-agent: messages of four bytes of length, one of type, and the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.base.errors import InvalidError

LIST_KEYS, SIGN, _EXTENSION = 11, 13, 27
LARGEST = 1 << 18
_LENGTH = 4
_NAME = b"nothing@wherry"


def message(kind: int, rest: bytes = b"") -> bytes:
    """Return one message."""
    return (len(rest) + 1).to_bytes(_LENGTH, "big") + bytes([kind]) + rest


REFUSED = message(_EXTENSION, len(_NAME).to_bytes(_LENGTH, "big") + _NAME)


class BrokenMessageError(InvalidError):
    """What a step has sent to the agent is no message."""


class Asking:
    """Turns what a step sends, in any pieces, into what the agent is to get."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Return the messages that `data` completes; raises BrokenMessageError."""
        self._held += data
        return b"".join(self._complete())

    def _complete(self) -> Iterator[bytes]:
        while len(self._held) > _LENGTH:
            length = int.from_bytes(self._held[:_LENGTH], "big")
            if not 0 < length <= LARGEST:
                raise BrokenMessageError(f"a step sent the ssh agent {length} bytes at once")
            end = _LENGTH + length
            if len(self._held) < end:
                return
            kind = self._held[_LENGTH]
            yield bytes(self._held[:end]) if kind in (LIST_KEYS, SIGN) else REFUSED
            del self._held[:end]
