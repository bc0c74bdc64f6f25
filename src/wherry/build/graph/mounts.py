"""`RUN --mount` with its variables put in: pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Final

from wherry.build.dockerfile.instructions import MountFlag
from wherry.build.graph.actions import FromContext, FromScratch, Mount, Origin
from wherry.build.graph.configure import InstructionError, clean

_FALSE: Final = ("false", "0", "no")
_TRUE: Final = ("true", "1", "yes", "")
_UNITS: Final = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SHARING: Final = ("shared", "private", "locked")


def planned(
    flag: MountFlag,
    expand: Callable[[str], str],
    origin: Callable[[str], Origin],
    working_directory: str,
) -> Mount:
    """Return a mount; `origin` finds what `from=` names."""
    given = _Given(flag, expand)
    kind = given.text("type") or "bind"
    build = _KINDS.get(kind)
    if build is None:
        raise InstructionError(f"unsupported mount type {kind!r} in --mount={flag.text}")
    return build(given, origin, working_directory)


class _Given:
    def __init__(self, flag: MountFlag, expand: Callable[[str], str]) -> None:
        self._flag = flag
        self._expand = expand

    def text(self, *names: str) -> str:
        return self._expand(self._flag.get(*names))

    def has(self, *names: str) -> bool:
        return any(key in names for key, _ in self._flag.pairs)

    def target(self, working_directory: str) -> str:
        path = self.text("target", "dst", "destination")
        return clean(posixpath.join("/", working_directory, path)) if path else ""

    def flag(self, *names: str) -> bool:
        if not self.has(*names):
            return False
        value = self.text(*names).lower()
        if value not in (*_TRUE, *_FALSE):
            raise self.wrong(names[0], value)
        return value in _TRUE

    def number(self, name: str, default: int, base: int = 10) -> int:
        value = self.text(name)
        if not value:
            return default
        try:
            number = int(value, base)
        except ValueError:
            raise self.wrong(name, value) from None
        if number < 0:
            raise self.wrong(name, value)
        return number

    def size(self) -> int:
        value = self.text("size").lower()
        if not value:
            return 0
        bare = value[:-1] if value.endswith("b") and not value[:-1].isdecimal() else value
        unit = bare[-1:] if not bare[-1:].isdecimal() else ""
        digits = bare.removesuffix(unit)
        if unit not in _UNITS or not digits.isdecimal():
            raise self.wrong("size", value)
        return int(digits) * _UNITS[unit]

    def wrong(self, name: str, value: str) -> InstructionError:
        return InstructionError(f"invalid value {value!r} for {name} in --mount={self._flag.text}")

    @property
    def whole(self) -> str:
        return self._flag.text


def _required_target(given: _Given, working_directory: str) -> str:
    target = given.target(working_directory)
    if not target or target == "/":
        raise InstructionError(f'invalid mount target "{target}" in --mount={given.whole}')
    return target


def _bind(given: _Given, origin: Callable[[str], Origin], working_directory: str) -> Mount:
    name = given.text("from")
    return Mount(
        "bind",
        _required_target(given, working_directory),
        origin=origin(name) if name else FromContext(),
        source=clean(posixpath.join("/", given.text("source", "src"))),
        # Read-only unless it is asked for otherwise; what is written then is thrown away.
        read_only=not (given.flag("rw", "readwrite") or _denied(given)),
    )


def _denied(given: _Given) -> bool:
    return given.has("ro", "readonly") and not given.flag("ro", "readonly")


def _cache(given: _Given, origin: Callable[[str], Origin], working_directory: str) -> Mount:
    target = _required_target(given, working_directory)
    sharing = given.text("sharing") or "shared"
    if sharing not in _SHARING:
        raise given.wrong("sharing", sharing)
    name = given.text("from")
    return Mount(
        "cache",
        target,
        origin=origin(name) if name else FromScratch(),
        source=clean(posixpath.join("/", given.text("source", "src"))),
        id=given.text("id") or target,
        read_only=given.flag("ro", "readonly"),
        sharing=sharing,
        mode=given.number("mode", 0o755, 8),
        uid=given.number("uid", 0),
        gid=given.number("gid", 0),
    )


def _tmpfs(given: _Given, _: Callable[[str], Origin], working_directory: str) -> Mount:
    return Mount("tmpfs", _required_target(given, working_directory), size=given.size())


def _secret(given: _Given, _: Callable[[str], Origin], working_directory: str) -> Mount:
    target, variable = given.target(working_directory), given.text("env")
    identity = given.text("id") or posixpath.basename(given.text("source", "src", "target"))
    if not identity:
        identity = posixpath.basename(target) or variable
    if not identity:
        raise InstructionError("invalid secret mount: it needs an id or a target")
    if not target and not variable:
        target = f"/run/secrets/{posixpath.basename(identity)}"
    return Mount(
        "secret",
        target,
        id=identity,
        mode=given.number("mode", 0o400, 8),
        uid=given.number("uid", 0),
        gid=given.number("gid", 0),
        required=given.flag("required"),
        variable=variable,
    )


def _ssh(given: _Given, _: Callable[[str], Origin], working_directory: str) -> Mount:
    return Mount(
        "ssh",
        given.target(working_directory),
        id=given.text("id") or "default",
        mode=given.number("mode", 0o600, 8),
        uid=given.number("uid", 0),
        gid=given.number("gid", 0),
        required=given.flag("required"),
    )


_KINDS: Final[dict[str, Callable[[_Given, Callable[[str], Origin], str], Mount]]] = {
    "bind": _bind,
    "cache": _cache,
    "tmpfs": _tmpfs,
    "secret": _secret,
    "ssh": _ssh,
}
