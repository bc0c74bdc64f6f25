"""The functions of `--format` templates: Go's built-in ones and docker's. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from wherry.cli.output import shapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Missing:
    """A key that a map does not have; Go prints it as `<no value>`."""

    def __repr__(self) -> str:
        return "<no value>"


class Record(dict[str, "Any"]):
    """A row of a list: it has fields, and as JSON it is escaped for HTML, as docker does."""


MISSING = Missing()
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nil": None}


def show(value: Any, *, name: str = "", typed: bool = False, inside: bool = False) -> str:
    """Return a value as Go's fmt prints it with %v; `typed` objects are structs, not maps."""
    if value is None:
        return _nothing(name, typed=typed, inside=inside)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + " ".join(show(x, typed=typed, inside=True) for x in value) + "]"
    if isinstance(value, dict):
        if typed and not shapes.is_map(name) and shapes.is_struct(value):
            texts = (show(x, name=key, typed=True, inside=True) for key, x in value.items())
            return "{" + " ".join(texts) + "}"
        pairs = (f"{key}:{show(value[key], typed=typed, inside=True)}" for key in sorted(value))
        return "map[" + " ".join(pairs) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _nothing(name: str, *, typed: bool, inside: bool) -> str:
    if typed and name in shapes.LISTS:
        return "[]"
    if typed and shapes.is_map(name):
        return "map[]"
    return "<nil>" if inside or typed else "<no value>"


def truth(value: Any) -> bool:
    """Return Go's idea of whether a value is set."""
    return bool(value) and value is not MISSING


def to_json(value: Any) -> str:
    """Return compact JSON as Go writes it; what cannot be data is left out."""
    row = isinstance(value, Record)
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if not callable(item)}
    if value is MISSING:
        value = None
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if row:
        for character in "<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            # A map of texts has the empty text for what it does not have.
            texts = all(isinstance(item, str) for item in value.values())
            value = value.get(key, "" if texts else MISSING)
        elif value is None:
            value = ""
        elif isinstance(key, int) and isinstance(value, list | str) and 0 <= key < len(value):
            value = value[key]
        elif isinstance(key, int) and isinstance(value, list | str):
            raise ValueError(f"index out of range: {key}")
        else:
            raise ValueError("cannot index it like this")
    return value


def _printf(pattern: str, *arguments: Any) -> str:
    """Format with Go's verbs; %v, %s, %d, %q, %t, %x, %f and widths."""
    rest = list(arguments)
    out, at = "", 0
    while (start := pattern.find("%", at)) >= 0:
        out += pattern[at:start]
        end = start + 1
        while end < len(pattern) and pattern[end] in "+-# 0123456789.":
            end += 1
        verb = pattern[end : end + 1]
        at = end + 1
        if verb == "%":
            out += "%"
            continue
        out += _verb(pattern[start + 1 : end], verb, rest.pop(0)) if rest else f"%!{verb}(MISSING)"
    return out + pattern[at:]


def _verb(width: str, verb: str, value: Any) -> str:
    if verb == "q":
        return json.dumps(show(value), ensure_ascii=False)
    if verb and verb in "dxXof" and isinstance(value, int | float):
        return str(f"%{width}{verb}" % value)
    return str(f"%{width.replace('#', '').replace('+', '')}s" % show(value))


def _equal(first: Any, *others: Any) -> bool:
    return any(first == other for other in others)


def _and(first: Any, *others: Any) -> Any:
    for value in others:
        if not truth(first):
            break
        first = value
    return first


def _or(first: Any, *others: Any) -> Any:
    for value in others:
        if truth(first):
            break
        first = value
    return first


def _join(values: Iterable[Any], separator: str) -> str:
    return separator.join(show(value) for value in values or ())


def _pad(text: Any, left: int, right: int) -> str:
    shown = show(text)
    return " " * left + shown + " " * right if shown else ""


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    return value[start:end]


def _truncate(text: Any, length: int) -> str:
    if not isinstance(text, str) or not isinstance(length, int):
        raise TypeError("expected a text, then a length")
    return text[:length]


def _print(*values: Any) -> str:
    """Join values; Go puts a space between two that are both no texts."""
    out = ""
    for n, value in enumerate(values):
        spaced = n and not isinstance(value, str) and not isinstance(values[n - 1], str)
        out += (" " if spaced else "") + show(value)
    return out


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": _and,
    "eq": _equal,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "index": _index,
    "join": _join,
    "json": to_json,
    "le": lambda a, b: a <= b,
    "len": lambda value: 0 if value is None else len(value),
    "lower": lambda text: show(text).lower(),
    "lt": lambda a, b: a < b,
    "ne": lambda a, b: a != b,
    "not": lambda value: not truth(value),
    "or": _or,
    "pad": _pad,
    "print": _print,
    "printf": _printf,
    "println": lambda *values: " ".join(show(value) for value in values) + "\n",
    "slice": _slice,
    "split": lambda text, separator: show(text).split(separator),
    "title": lambda text: show(text).title(),
    "truncate": _truncate,
    "upper": lambda text: show(text).upper(),
}
