"""JSON into typed values, from any thread.

msgspec learns what a type looks like when the type is first used, and while one thread has it do
so, another that uses the same type reads what is half learnt: the process dies (seen with 0.22). So
each type is learnt here, under a lock, before it is used; afterwards nothing is waited for. What is
decoded without a type needs none of this.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar

import msgspec

Value = TypeVar("Value")

_learning: Final = threading.Lock()
_learnt: Final[set[Any]] = set()


def read(data: bytes | str, kind: type[Value]) -> Value:
    """Decode JSON as `kind`; raises msgspec.ValidationError, msgspec.DecodeError."""
    if kind not in _learnt:
        _learn(kind)
    return msgspec.json.decode(data, type=kind)


def shaped(plain: object, kind: type[Value]) -> Value:
    """Return plain dictionaries and lists as `kind`; raises msgspec.ValidationError."""
    if kind not in _learnt:
        _learn(kind)
    return msgspec.convert(plain, kind)


def _learn(kind: type[Value]) -> None:
    with _learning:
        msgspec.json.Decoder(kind)
        _learnt.add(kind)
