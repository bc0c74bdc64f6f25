"""`RUN --mount=type=cache,target=/x,...`: read, and checked as far as that goes without variables.

The flag is a line of CSV. A value with a `$` in it is checked when it has been expanded, by whoever
plans the mount; only `from` may have none. Switches come out as "true" and "false", types and ways
of sharing in small letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from wherry.build.dockerfile.directives import BOOLEANS
from wherry.build.dockerfile.errors import GrammarError, quoted
from wherry.build.dockerfile.instructions import MountFlag
from wherry.build.dockerfile.suggest import with_suggestion

_TYPES: Final = ("bind", "cache", "secret", "ssh", "tmpfs")
_SHARING: Final = ("locked", "private", "shared")
_TARGET: Final = ("target", "dst", "destination")
_SOURCE: Final = ("source", "src")
_READ_ONLY: Final = ("readonly", "ro", "readwrite", "rw")
_OWNER: Final = ("mode", "uid", "gid")
_KEYS: Final = frozenset(
    {"type", "from", "id", "sharing", "required", "size", "env"}
    | {*_TARGET, *_SOURCE, *_READ_ONLY, *_OWNER}
)
_WITHOUT_VALUE: Final = frozenset({*_READ_ONLY, "required"})
_NUMBERS: Final[Mapping[str, int]] = {"mode": 8, "uid": 10, "gid": 10}
_HIGHEST: Final = 2**32 - 1
_DIGITS: Final = 16
_OWNED: Final = ("cache", "secret", "ssh")
_ON_PATHS: Final = ("bind", "cache", "tmpfs")


def read_mount(text: str) -> MountFlag:
    """Read a `--mount`. Raises `GrammarError`."""
    pairs = tuple(_pair(field) for field in _fields(text))
    mount = MountFlag(pairs, text)
    kind = mount.get("type", default="bind")
    if "$" not in kind:
        _check_keys(mount, kind)
        if kind == "secret":
            _check_secret(mount)
        elif kind in _ON_PATHS and not mount.get(*_TARGET):
            raise GrammarError(f'invalid mount target "": {kind} mounts need target=PATH')
    return mount


def _fields(text: str) -> Iterator[str]:
    """Part a line of CSV."""
    if not text:
        raise GrammarError("failed to parse csv mounts: EOF: --mount needs type=TYPE,target=PATH")
    at = 0
    while at <= len(text):
        if text.startswith('"', at):
            field, at = _quoted_field(text, at + 1)
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            field, at = text[at:end], end
            if '"' in field:
                raise GrammarError('failed to parse csv mounts: bare " in non-quoted field')
        yield field
        at += 1


def _quoted_field(text: str, at: int) -> tuple[str, int]:
    """Read what a quote has begun; two quotes are one. Return it and where the comma is."""
    pieces: list[str] = []
    while (end := text.find('"', at)) >= 0:
        pieces.append(text[at:end])
        at = end + 1
        if not text.startswith('"', at):
            break
        pieces.append('"')
        at += 1
    if end < 0 or (at < len(text) and text[at] != ","):
        raise GrammarError('failed to parse csv mounts: extraneous or missing " in quoted-field')
    return "".join(pieces), at


def _pair(field: str) -> tuple[str, str]:
    key, equals, value = field.partition("=")
    key = key.lower()
    if key not in _KEYS:
        if not equals:
            raise GrammarError(f"invalid field '{field}' must be a key=value pair")
        raise GrammarError(with_suggestion(f"unexpected key '{key}' in '{field}'", key, _KEYS))
    if not equals:
        if key not in _WITHOUT_VALUE:
            raise GrammarError(f"invalid field '{field}' must be a key=value pair")
        return key, "true"
    if key == "from" and "$" in value[:-1]:
        raise GrammarError(
            f"'{key}' doesn't support variable expansion, define alias stage instead"
        )
    return key, value if "$" in value else _checked(key, value)


def _checked(key: str, value: str) -> str:
    if key in _WITHOUT_VALUE:
        if value not in BOOLEANS:
            raise GrammarError(f"invalid value for {key}: {value}")
        return "true" if BOOLEANS[value] else "false"
    if key in _NUMBERS:
        if not _is_number(value, _NUMBERS[key]):
            raise GrammarError(f"invalid value {value} for {key}")
    elif key == "type":
        return _one_of(value, _TYPES, "mount type")
    elif key == "sharing":
        return _one_of(value, _SHARING, "sharing value")
    return value


def _is_number(text: str, base: int) -> bool:
    digits = "01234567" if base == 8 else "0123456789"
    if not text or len(text) > _DIGITS or text.strip(digits):
        return False
    return int(text, base) <= _HIGHEST


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    if value.lower() not in known:
        raise GrammarError(with_suggestion(f"unsupported {what} {quoted(value)}", value, known))
    return value.lower()


def _check_keys(mount: MountFlag, kind: str) -> None:
    """Refuse keys that mean nothing for a type of mount."""
    for key, _ in mount.pairs:
        if (key == "required" and kind not in ("secret", "ssh")) or (
            key == "size" and kind != "tmpfs"
        ):
            raise GrammarError(f"unexpected key '{key}' for mount type '{kind}'")
        if key in _OWNER and kind not in _OWNED:
            raise GrammarError(f'{key} not allowed for "{kind}" type mounts')
        if key == "sharing" and kind not in ("cache", "secret"):
            raise GrammarError(f"invalid cache sharing set for {kind} mount")


def _check_secret(mount: MountFlag) -> None:
    if mount.get("from"):
        raise GrammarError("secret mount should not have a from")
    if mount.get("sharing"):
        raise GrammarError("secret mount should not define sharing")
    if not mount.get(*_SOURCE, *_TARGET, "id"):
        raise GrammarError("invalid secret mount. one of source, target required")
    if mount.get(*_SOURCE) and mount.get("id"):
        raise GrammarError("both source and id can't be set")
