"""The instructions that `commit --change` and `import --change` take: pure.

They are those of a Dockerfile that change an image's configuration and nothing else, read and
applied as a build would; variables are those of the image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from wherry.base.errors import InvalidError
from wherry.build.dockerfile import instructions as i
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.parse import parse_instruction
from wherry.build.graph import configure
from wherry.build.graph.variables import Scope
from wherry.oci.image import ImageRunConfig


def apply(config: ImageRunConfig, changes: Sequence[str]) -> ImageRunConfig:
    """Return a configuration with the changes; raises InvalidError that names the line."""
    cmd_set = False
    for line in changes:
        name = line.strip().partition(" ")[0].upper()
        if name not in _NAMES:
            known = ", ".join(sorted(_NAMES))
            raise InvalidError(f"{name} is not a valid change command: {known}")
        try:
            instruction = parse_instruction(line)
            scope = Scope("\\", configure.environment_of(config))
            config = _APPLY[type(instruction)](config, scope, instruction, cmd_set)
        except DockerfileError as error:
            raise InvalidError(f"invalid change {line!r}: {error.message}") from error
        except InvalidError as error:
            raise InvalidError(f"invalid change {line!r}: {error}") from error
        cmd_set = cmd_set or isinstance(instruction, i.Cmd)
    return config


def _env(config: ImageRunConfig, scope: Scope, told: i.Env, _: bool) -> ImageRunConfig:
    return configure.with_env(config, [(scope.expand(n), scope.expand(v)) for n, v in told.pairs])


def _label(config: ImageRunConfig, scope: Scope, told: i.Label, _: bool) -> ImageRunConfig:
    labels = {scope.expand(name): scope.expand(value) for name, value in told.pairs}
    return configure.with_labels(config, labels)


def _expose(config: ImageRunConfig, scope: Scope, told: i.Expose, _: bool) -> ImageRunConfig:
    ports = [port for text in told.ports for port in scope.expand_words(text)]
    return configure.with_ports(config, ports)


_APPLY: Final[Mapping[type, Callable[[ImageRunConfig, Scope, Any, bool], ImageRunConfig]]] = {
    i.Cmd: lambda config, _, told, __: configure.with_cmd(config, told.command),
    i.Entrypoint: lambda config, _, told, keep: configure.with_entrypoint(
        config, told.command, keep_cmd=keep
    ),
    i.Env: _env,
    i.Expose: _expose,
    i.Healthcheck: lambda config, _, told, __: configure.with_healthcheck(config, told),
    i.Label: _label,
    i.Onbuild: lambda config, _, told, __: configure.with_trigger(config, told.trigger),
    i.Stopsignal: lambda config, scope, told, __: configure.with_stop_signal(
        config, scope.expand(told.signal)
    ),
    i.User: lambda config, scope, told, __: configure.with_user(config, scope.expand(told.user)),
    i.Volume: lambda config, scope, told, __: configure.with_volumes(
        config, map(scope.expand, told.paths)
    ),
    i.Workdir: lambda config, scope, told, __: configure.with_workdir(
        config, scope.expand(told.path)
    ),
}
_NAMES: Final = frozenset(kind.__name__.upper() for kind in _APPLY)
