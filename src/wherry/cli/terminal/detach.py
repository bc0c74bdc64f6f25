"""Detach keys: the sequence that leaves a container running, ctrl-p ctrl-q by default. Pure."""

from __future__ import annotations

from wherry.cli.errors import UsageError

DEFAULT = "ctrl-p,ctrl-q"
_CONTROL = {"@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, "_": 31}


def parse_keys(text: str) -> bytes:
    """Read keys such as `ctrl-p,ctrl-q` or `a,b`."""
    found = bytearray()
    for key in text.split(","):
        if len(key) == 1:
            found += key.encode()
            continue
        letter = key[5:] if key.startswith("ctrl-") else ""
        if len(letter) == 1 and letter.isascii() and letter.isalpha():
            found.append(ord(letter.lower()) - ord("a") + 1)
        elif letter in _CONTROL:
            found.append(_CONTROL[letter])
        else:
            raise UsageError(f"Unknown character: '{key}'")
    return bytes(found)


class DetachFilter:
    """Holds back typed bytes while they could be the sequence."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._matched = 0
        self.detached = False

    def feed(self, data: bytes) -> bytes:
        """Return what is to be sent on; `detached` is set once the sequence is complete."""
        if not self._keys or not (self._matched or self._keys[0] in data):
            return data
        out = bytearray()
        for byte in data:
            if byte == self._keys[self._matched]:
                self._matched += 1
                if self._matched == len(self._keys):
                    self.detached = True
                    break
                continue
            out += self._keys[: self._matched]
            self._matched = 0
            if byte == self._keys[0]:
                self._matched = 1
            else:
                out.append(byte)
        return bytes(out)
