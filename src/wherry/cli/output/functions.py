"""The functions of `--format` templates: Go's built-in ones and docker's. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Missing:
    """A key that a map does not have; Go prints it as `<no value>`."""

    def __repr__(self) -> str:
        return "<no value>"


MISSING = Missing()
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nil": None}


def show(value: Any, *, inside: bool = False) -> str:
    """Return a value as Go's fmt prints it with %v."""
    if value is None:
        return "<nil>" if inside else "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + " ".join(show(item, inside=True) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{key}:{show(value[key], inside=True)}" for key in sorted(value))
        return "map[" + " ".join(pairs) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def truth(value: Any) -> bool:
    """Return Go's idea of whether a value is set."""
    return bool(value) and value is not MISSING


def to_json(value: Any) -> str:
    """Return compact JSON as Go writes it; what cannot be data is left out."""
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if not callable(item)}
    if value is MISSING:
        value = None
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if value is None or value is MISSING:
            return MISSING
        value = value.get(key, MISSING) if isinstance(value, dict) else value[key]
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
    if verb in "dxXof" and isinstance(value, int | float):
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


def _print(*values: Any) -> str:
    return "".join(show(value) for value in values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": _and,
    "eq": _equal,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "index": _index,
    "join": _join,
    "json": to_json,
    "le": lambda a, b: a <= b,
    "len": len,
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
    "truncate": lambda text, length: show(text)[:length],
    "upper": lambda text: show(text).upper(),
}
