"""What instructions do to an image's configuration: pure functions from one to the next.

Everything that is expanded has been expanded. The rules are those of the Dockerfile reference and,
where it is silent, of BuildKit's dockerfile2llb.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from wherry.base.errors import InvalidError
from wherry.build.dockerfile import instructions as i
from wherry.oci.environment import mapping, merge
from wherry.oci.image import Healthcheck, ImageRunConfig
from wherry.oci.signals import parse_signal

DEFAULT_SHELL: Final = ("/bin/sh", "-c")
_PORT: Final = re.compile(
    r"(?P<first>[0-9]{1,5})(?:-(?P<last>[0-9]{1,5}))?(?:/(?P<protocol>[A-Za-z]+))?"
)
_PROTOCOLS: Final = frozenset({"tcp", "udp", "sctp"})
_HIGHEST_PORT: Final = 65535
replace = msgspec.structs.replace


class InstructionError(InvalidError):
    """An instruction is well-formed, but asks for what cannot be."""


def shell_of(config: ImageRunConfig) -> tuple[str, ...]:
    """Return the words before the text of a shell form."""
    return tuple(config.shell or DEFAULT_SHELL)


def command_words(config: ImageRunConfig, command: i.Command) -> list[str]:
    """Return the words of a command in either form."""
    return [*shell_of(config), *command.words] if command.shell else list(command.words)


def with_env(config: ImageRunConfig, pairs: Iterable[tuple[str, str]]) -> ImageRunConfig:
    """ENV."""
    return replace(config, env=merge(config.env or (), [f"{n}={v}" for n, v in pairs]))


def with_labels(config: ImageRunConfig, labels: Mapping[str, str]) -> ImageRunConfig:
    """LABEL."""
    return replace(config, labels={**(config.labels or {}), **labels}) if labels else config


def with_cmd(config: ImageRunConfig, command: i.Command) -> ImageRunConfig:
    """CMD."""
    return replace(config, cmd=command_words(config, command), args_escaped=False)


def with_entrypoint(
    config: ImageRunConfig, command: i.Command, *, keep_cmd: bool
) -> ImageRunConfig:
    """ENTRYPOINT; arguments of the base image's program mean nothing to another one."""
    words = command_words(config, command)
    return replace(config, entrypoint=words, cmd=config.cmd if keep_cmd else None)


def with_shell(config: ImageRunConfig, words: Sequence[str]) -> ImageRunConfig:
    """SHELL."""
    return replace(config, shell=list(words))


def with_user(config: ImageRunConfig, user: str) -> ImageRunConfig:
    """USER."""
    if not user:
        raise InstructionError("USER requires exactly one argument: the user's name is empty")
    return replace(config, user=user)


def with_workdir(config: ImageRunConfig, path: str) -> ImageRunConfig:
    """WORKDIR: relative to the one before."""
    if not path:
        raise InstructionError("cannot normalize nothing: WORKDIR is empty")
    joined = posixpath.join("/", config.working_dir, path)
    return replace(config, working_dir=clean(joined))


def with_volumes(config: ImageRunConfig, paths: Iterable[str]) -> ImageRunConfig:
    """VOLUME."""
    volumes: dict[str, Any] = dict(config.volumes or {})
    for path in paths:
        if not path.strip():
            raise InstructionError("VOLUME specified can not be an empty string")
        volumes[path.strip()] = {}
    return replace(config, volumes=volumes)


def with_ports(config: ImageRunConfig, ports: Iterable[str]) -> ImageRunConfig:
    """EXPOSE: numbers and ranges, each with a protocol or for TCP."""
    exposed: dict[str, Any] = dict(config.exposed_ports or {})
    for text in ports:
        exposed |= {port: {} for port in _ports(text)}
    return replace(config, exposed_ports=dict(sorted(exposed.items())))


def _ports(text: str) -> list[str]:
    # As `docker run --publish` writes them: what counts is the part inside the container.
    found = _PORT.fullmatch(text.rpartition(":")[2])
    if found is None:
        raise InstructionError(f"invalid containerPort: {text}")
    first = int(found["first"])
    last = int(found["last"] or first)
    protocol = (found["protocol"] or "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise InstructionError(f"invalid proto: {protocol}")
    if not 0 < first <= last <= _HIGHEST_PORT:
        raise InstructionError(f"invalid containerPort: {text}")
    return [f"{port}/{protocol}" for port in range(first, last + 1)]


def with_healthcheck(config: ImageRunConfig, wanted: i.Healthcheck) -> ImageRunConfig:
    """HEALTHCHECK."""
    test = list(wanted.test)
    check = Healthcheck(
        test=test,
        interval=wanted.interval,
        timeout=wanted.timeout,
        start_period=wanted.start_period,
        start_interval=wanted.start_interval,
        retries=wanted.retries,
    )
    return replace(config, healthcheck=check)


def with_stop_signal(config: ImageRunConfig, signal: str) -> ImageRunConfig:
    """STOPSIGNAL; a name is checked, and kept as it was written."""
    parse_signal(signal)
    return replace(config, stop_signal=signal)


def with_trigger(config: ImageRunConfig, trigger: str) -> ImageRunConfig:
    """ONBUILD."""
    return replace(config, on_build=[*(config.on_build or ()), trigger])


def environment_of(config: ImageRunConfig) -> dict[str, str]:
    """Return the variables of a configuration by name, in their order."""
    return mapping(config.env or ())


def clean(path: str) -> str:
    """Return an absolute path without `.`, `..` and doubled slashes."""
    normal = posixpath.normpath(path)
    return f"/{normal.lstrip('/')}"
