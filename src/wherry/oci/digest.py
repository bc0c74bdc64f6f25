"""Digests: `algorithm:hex`, the name of a sequence of bytes (OCI image-spec, descriptor.md)."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from wherry.base.errors import InvalidError

Digest = NewType("Digest", str)

_HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_SHAPE = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)")


class InvalidDigestError(InvalidError):
    """The text is not a digest that this engine can verify."""

    def __init__(self, text: str) -> None:
        super().__init__(f"invalid digest: {text[:160]!r}")


def parse_digest(text: str) -> Digest:
    """Check `text` and return it as a digest; sha256, sha384 and sha512 in lower-case hex only."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise InvalidDigestError(text)
    algorithm, encoded = match.groups()
    length = _HEX_LENGTHS.get(algorithm)
    if length is None or len(encoded) != length or not re.fullmatch("[0-9a-f]+", encoded):
        raise InvalidDigestError(text)
    return Digest(text)


def algorithm_of(digest: Digest) -> str:
    """Return the part before the colon."""
    return digest.partition(":")[0]


def encoded_of(digest: Digest) -> str:
    """Return the hexadecimal part."""
    return digest.partition(":")[2]


def digest_bytes(data: bytes, algorithm: str = "sha256") -> Digest:
    """Compute the digest of `data`."""
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")
