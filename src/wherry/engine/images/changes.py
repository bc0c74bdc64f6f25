"""The instructions that `commit --change` and `import --change` take: pure.

They are those of a Dockerfile that change an image's configuration and nothing else.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from wherry.base.errors import InvalidError
from wherry.engine.spec.environment import merge
from wherry.oci.image import ImageRunConfig

Fields = dict[str, Any]
_HIGHEST_PORT: Final = 65535


def apply(config: ImageRunConfig, changes: Sequence[str]) -> ImageRunConfig:
    """Return a configuration with the changes; raises InvalidError that names the line."""
    fields: Fields = {}
    current = config
    for line in changes:
        name, _, rest = line.strip().partition(" ")
        try:
            change = _INSTRUCTIONS[name.upper()]
        except KeyError:
            known = ", ".join(sorted(_INSTRUCTIONS))
            raise InvalidError(f"{name.upper()} is not a valid change command: {known}") from None
        if not rest.strip():
            raise InvalidError(f"{name.upper()} requires at least one argument: {line}")
        fields = change(current, rest.strip())
        current = msgspec.structs.replace(current, **fields)
    names = {line.strip().partition(" ")[0].upper() for line in changes}
    if "ENTRYPOINT" in names and "CMD" not in names:
        # A command is arguments for the old entrypoint (moby, builder/dockerfile/dispatchers.go).
        current = msgspec.structs.replace(current, cmd=None)
    return current


def _words_or_shell(rest: str) -> list[str]:
    """Read the exec form, a JSON list, or the shell form."""
    try:
        words = json.loads(rest)
    except ValueError:
        words = None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return words
    return ["/bin/sh", "-c", rest]


def _cmd(_: ImageRunConfig, rest: str) -> Fields:
    return {"cmd": _words_or_shell(rest)}


def _entrypoint(_: ImageRunConfig, rest: str) -> Fields:
    return {"entrypoint": _words_or_shell(rest)}


def _pairs(rest: str) -> list[tuple[str, str]]:
    first = rest.split(None, 1)[0]
    if "=" not in first:
        name, _, value = rest.partition(" ")
        return [(name, value.strip())]
    found = []
    for word in _split(rest):
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise InvalidError(f"Syntax error - can't find = in {word!r}. Must be of the form: n=v")
        found.append((name, value))
    return found


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InvalidError(f"invalid change {text!r}: {error}") from None


def _env(config: ImageRunConfig, rest: str) -> Fields:
    return {"env": merge(config.env or (), [f"{name}={value}" for name, value in _pairs(rest)])}


def _label(config: ImageRunConfig, rest: str) -> Fields:
    return {"labels": {**(config.labels or {}), **dict(_pairs(rest))}}


def _expose(config: ImageRunConfig, rest: str) -> Fields:
    ports = dict(config.exposed_ports or {})
    for word in rest.split():
        found = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?", word)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not found or not 0 < first <= last <= _HIGHEST_PORT:
            raise InvalidError(f"invalid containerPort: {word}")
        for port in range(first, last + 1):
            ports[f"{port}/{found[3] or 'tcp'}"] = {}
    return {"exposed_ports": ports}


def _volume(config: ImageRunConfig, rest: str) -> Fields:
    words = _words_or_shell(rest) if rest.startswith("[") else rest.split()
    return {"volumes": {**(config.volumes or {}), **{word: {} for word in words}}}


def _user(_: ImageRunConfig, rest: str) -> Fields:
    return {"user": rest}


def _workdir(config: ImageRunConfig, rest: str) -> Fields:
    if not rest.startswith("/"):
        rest = f"{config.working_dir.rstrip('/')}/{rest}"
    return {"working_dir": rest}


def _onbuild(config: ImageRunConfig, rest: str) -> Fields:
    return {"on_build": [*(config.on_build or ()), rest]}


def _stopsignal(_: ImageRunConfig, rest: str) -> Fields:
    return {"stop_signal": rest}


_INSTRUCTIONS: Final[dict[str, Callable[[ImageRunConfig, str], Fields]]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _stopsignal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
