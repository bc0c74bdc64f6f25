"""Evaluates one stage: instructions become actions, with every variable put in.

Needs the configuration of the stage's base and nothing else of the world; so the same file, options
and base always give the same plan. Errors name the line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from wherry.base.errors import WherryError
from wherry.base.values import dataclass, field
from wherry.build.dockerfile import instructions as i
from wherry.build.dockerfile.errors import DockerfileError
from wherry.build.dockerfile.heredocs import opening
from wherry.build.dockerfile.parse import parse_instruction
from wherry.build.graph import configure, mounts
from wherry.build.graph.actions import (
    SCRIPTS,
    Action,
    CopyFiles,
    Execute,
    FromContext,
    Inline,
    MakeDirectory,
    Note,
    Origin,
    Paths,
    Remote,
    Source,
    StagePlan,
)
from wherry.build.graph.variables import PREDEFINED, Given, Scope
from wherry.oci.environment import DEFAULT_PATH
from wherry.oci.image import ImageRunConfig

_NETWORKS: Final = {"": "", "default": "", "none": "none", "host": "host"}
_NETWORK_ENTITLEMENT: Final = "network.host"
_INSECURE_ENTITLEMENT: Final = "security.insecure"


@dataclass(slots=True)
class Surroundings:
    """What a stage needs to know of the rest of the build.

    `origin` finds what `--from` names, seen from a stage; `is_remote` tells addresses from paths.
    """

    dockerfile: i.Dockerfile
    given: Given
    outer: Callable[[str], str | None]
    origin: Callable[[str, int], Origin]
    is_remote: Callable[[str], bool]
    network: str = ""
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Base:
    """What a stage begins with: where its files are from, its configuration, inherited ARGs."""

    origin: Origin
    config: ImageRunConfig
    author: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)


def evaluate(stage: i.Stage, base: Base, around: Surroundings) -> StagePlan:
    """Return the plan of a stage; its actions are numbered from 0, FROM included."""
    return _Evaluator(stage, base, around).plan()


class _Evaluator:
    def __init__(self, stage: i.Stage, base: Base, around: Surroundings) -> None:
        self._stage = stage
        self._base = base
        self._around = around
        self._config = msgspec.structs.replace(base.config, on_build=None)
        self._author = base.author
        self._cmd_set = False
        self._actions: list[Action] = []
        self._scope = Scope(around.dockerfile.directives.escape, arguments=dict(base.arguments))
        if "PATH" not in configure.environment_of(self._config):
            self._config = configure.with_env(self._config, [("PATH", DEFAULT_PATH)])
        self._scope.environment = configure.environment_of(self._config)

    def plan(self) -> StagePlan:
        start = self._stage.start
        note = Note(number=0, place=start.place, text=start.text, created_by=start.text)
        for trigger in self._base.config.on_build or ():
            self._take(_triggered(trigger, start))
        for instruction in self._stage.instructions:
            self._take(instruction)
        return StagePlan(
            self._stage.index,
            self._stage.name,
            self._base.origin,
            note,
            tuple(self._actions),
            self._config,
            self._author,
            dict(self._scope.arguments),
        )

    def _take(self, instruction: i.Instruction) -> None:
        with _placed(instruction, self._around.dockerfile):
            _HANDLERS[type(instruction)](self, instruction)

    def _common(self, instruction: i.Instruction, created_by: str) -> dict[str, Any]:
        return {
            "number": len(self._actions) + 1,
            "place": instruction.place,
            "text": instruction.text,
            "created_by": created_by,
        }

    def _note(self, instruction: i.Instruction, said: str) -> None:
        created_by = f"{instruction.keyword} {said}"
        self._actions.append(Note(**self._common(instruction, created_by)))

    def _pairs(self, pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
        expand = self._scope.expand
        # All at once: none of them sees what another one of the same instruction sets.
        return [(expand(name), expand(value)) for name, value in pairs]

    def arg(self, told: i.Arg) -> None:
        self._scope.declare(told, self._around.given, self._around.outer)
        names = [n if v is None else f"{n}={v}" for n, v in told.values]
        self._note(told, " ".join(names))

    def env(self, told: i.Env) -> None:
        pairs = self._pairs(told.pairs)
        self._config = configure.with_env(self._config, pairs)
        self._scope.environment = configure.environment_of(self._config)
        self._note(told, " ".join(f"{name}={value}" for name, value in pairs))

    def label(self, told: i.Label) -> None:
        pairs = self._pairs(told.pairs)
        self._config = configure.with_labels(self._config, dict(pairs))
        self._note(told, " ".join(f"{name}={value}" for name, value in pairs))

    def maintainer(self, told: i.Maintainer) -> None:
        self._author = told.author
        self._note(told, told.author)

    def cmd(self, told: i.Cmd) -> None:
        self._config = configure.with_cmd(self._config, told.command)
        self._cmd_set = True
        self._note(told, json.dumps(self._config.cmd or []))

    def entrypoint(self, told: i.Entrypoint) -> None:
        self._config = configure.with_entrypoint(self._config, told.command, keep_cmd=self._cmd_set)
        self._note(told, json.dumps(self._config.entrypoint or []))

    def shell(self, told: i.Shell) -> None:
        self._config = configure.with_shell(self._config, told.words)
        self._note(told, json.dumps(list(told.words)))

    def healthcheck(self, told: i.Healthcheck) -> None:
        self._config = configure.with_healthcheck(self._config, told)
        self._note(told, json.dumps(list(told.test)))

    def onbuild(self, told: i.Onbuild) -> None:
        self._config = configure.with_trigger(self._config, told.trigger)
        self._note(told, told.trigger)

    def stopsignal(self, told: i.Stopsignal) -> None:
        signal = self._scope.expand(told.signal)
        self._config = configure.with_stop_signal(self._config, signal)
        self._note(told, signal)

    def user(self, told: i.User) -> None:
        user = self._scope.expand(told.user)
        self._config = configure.with_user(self._config, user)
        self._note(told, user)

    def volume(self, told: i.Volume) -> None:
        paths = [self._scope.expand(path) for path in told.paths]
        self._config = configure.with_volumes(self._config, paths)
        self._note(told, " ".join(paths))

    def expose(self, told: i.Expose) -> None:
        ports = [word for text in told.ports for word in self._scope.expand_words(text)]
        self._config = configure.with_ports(self._config, ports)
        self._note(told, " ".join(ports))

    def workdir(self, told: i.Workdir) -> None:
        self._config = configure.with_workdir(self._config, self._scope.expand(told.path))
        path = self._config.working_dir
        common = self._common(told, f"WORKDIR {path}")
        self._actions.append(MakeDirectory(**common, path=path, user=self._config.user))

    def run(self, told: i.Run) -> None:
        network, insecure = self._privileges(told)
        arguments, script = self._run_arguments(told)
        visible = self._scope.visible_arguments()
        environment = [f"{name}={value}" for name, value in visible.items()]
        shown = [f"|{len(environment)}", *environment] if environment else []
        self._actions.append(
            Execute(
                **self._common(told, " ".join(["RUN", *shown, *arguments])),
                arguments=tuple(arguments),
                environment=(*environment, *(self._config.env or ())),
                user=self._config.user,
                working_directory=self._config.working_dir or "/",
                network=network,
                insecure=insecure,
                script=script,
                mounts=tuple(self._mounts(told)),
                silent_environment=tuple(self._proxies(visible)),
            )
        )

    def _run_arguments(self, told: i.Run) -> tuple[list[str], Inline | None]:
        """Return the words to execute, and a script that they expect at SCRIPTS.

        A lone heredoc is the script itself, run by its own interpreter where it names one;
        otherwise the shell reads heredocs as in any script.
        """
        if not told.heredocs:
            return configure.command_words(self._config, told.command), None
        shell = configure.shell_of(self._config)
        only, text = told.heredocs[0], told.command.text
        if opening(text) is not None:
            if only.content.startswith("#!"):
                script = Inline(only.name, only.content.encode("utf-8", "surrogateescape"))
                return [f"{SCRIPTS}/{only.name}"], script
            return [*shell, only.content], None
        documents = "".join(f"\n{one.content}{one.name}" for one in told.heredocs)
        return [*shell, text + documents], None

    def _privileges(self, told: i.Run) -> tuple[str, bool]:
        if told.network not in _NETWORKS:
            raise configure.InstructionError(f"unsupported network mode {told.network!r}")
        network = _NETWORKS[told.network] or self._around.network
        insecure = told.security == "insecure"
        for needed, wanted in (
            (_NETWORK_ENTITLEMENT, told.network == "host"),
            (_INSECURE_ENTITLEMENT, insecure),
        ):
            if wanted and needed not in self._around.allowed:
                raise configure.InstructionError(
                    f"{needed} is not allowed: give the build --allow {needed} if you trust it"
                )
        return network, insecure

    def _mounts(self, told: i.Run) -> Iterator[Any]:
        here = self._config.working_dir or "/"
        for flag in told.mounts:
            yield mounts.planned(flag, self._scope.expand, self._origin, here)

    def _origin(self, name: str) -> Origin:
        return self._around.origin(name, self._stage.index)

    def _proxies(self, visible: Mapping[str, str]) -> Iterator[str]:
        for name, value in self._around.given.values.items():
            if name in PREDEFINED and name not in visible and value is not None:
                yield f"{name}={value}"

    def copy(self, told: i.Copy) -> None:
        origin = self._origin(told.source_stage) if told.source_stage else FromContext()
        sources = self._sources(told.sources, told.heredocs, origin)
        self._copy(told, sources, parents=told.parents, unpack=False)

    def add(self, told: i.Add) -> None:
        sources: list[Source] = []
        checksum = self._scope.expand(told.checksum)
        for source in self._sources(told.sources, told.heredocs, FromContext()):
            if isinstance(source, Paths) and self._around.is_remote(source.patterns[0]):
                keep = bool(told.keep_git_dir)
                sources.append(Remote(source.patterns[0], checksum, keep))
            else:
                sources.append(source)
        if checksum and len(sources) != 1:
            raise configure.InstructionError("checksum can't be specified for multiple sources")
        if checksum and not isinstance(sources[0], Remote):
            raise configure.InstructionError("checksum requires an HTTP(S) or Git source")
        self._copy(told, sources, parents=False, unpack=told.unpack)

    def _copy(
        self,
        told: i.Copy | i.Add,
        sources: list[Source],
        *,
        parents: bool,
        unpack: bool | None,
    ) -> None:
        expand = self._scope.expand
        written = expand(told.destination)
        directory = written.endswith(("/", "/.")) or written in (".", "..", "")
        if len(sources) > 1 and not directory:
            raise configure.InstructionError(
                f"When using {told.keyword} with more than one source file, the destination must be"
                " a directory and end with a /"
            )
        shown = " ".join([told.keyword, *map(_shown, sources), written])
        self._actions.append(
            CopyFiles(
                **self._common(told, shown),
                keyword=told.keyword,
                sources=tuple(sources),
                destination=configure.clean(posixpath.join("/", self._config.working_dir, written)),
                directory=directory,
                chown=expand(told.chown),
                chmod=expand(told.chmod),
                link=told.link,
                parents=parents,
                excludes=tuple(expand(pattern) for pattern in told.excludes),
                unpack=unpack,
            )
        )

    def _sources(
        self, written: tuple[str, ...], heredocs: tuple[i.Heredoc, ...], origin: Origin
    ) -> list[Source]:
        documents = {_opening(one): one for one in heredocs}
        found: list[Source] = []
        for text in written:
            if document := documents.get(text):
                found.append(self._inline(document))
            else:
                found.append(Paths(origin, (self._scope.expand(text),)))
        return found

    def _inline(self, document: i.Heredoc) -> Inline:
        content = document.content
        if document.expand:
            content = self._scope.expand_document(content)
        return Inline(document.name, content.encode("utf-8", "surrogateescape"))


_HANDLERS: Final[Mapping[type, Callable[[_Evaluator, Any], None]]] = {
    i.Add: _Evaluator.add,
    i.Arg: _Evaluator.arg,
    i.Cmd: _Evaluator.cmd,
    i.Copy: _Evaluator.copy,
    i.Entrypoint: _Evaluator.entrypoint,
    i.Env: _Evaluator.env,
    i.Expose: _Evaluator.expose,
    i.Healthcheck: _Evaluator.healthcheck,
    i.Label: _Evaluator.label,
    i.Maintainer: _Evaluator.maintainer,
    i.Onbuild: _Evaluator.onbuild,
    i.Run: _Evaluator.run,
    i.Shell: _Evaluator.shell,
    i.Stopsignal: _Evaluator.stopsignal,
    i.User: _Evaluator.user,
    i.Volume: _Evaluator.volume,
    i.Workdir: _Evaluator.workdir,
}


def _opening(document: i.Heredoc) -> str:
    """Return how a heredoc stands in its instruction: quotes and tabs aside."""
    return f"<<{document.name}"


def _shown(source: Source) -> str:
    if isinstance(source, Inline):
        return f"<<{source.name}"
    return source.address if isinstance(source, Remote) else " ".join(source.patterns)


def _triggered(trigger: str, start: i.From) -> i.Instruction:
    """Parse a trigger of the base image; it counts as standing on the FROM's lines."""
    # Whatever escapes the file has: the trigger was written for another one.
    parsed = parse_instruction(trigger)
    return dataclasses.replace(parsed, place=start.place)


@contextlib.contextmanager
def _placed(instruction: i.Instruction, file: i.Dockerfile) -> Iterator[None]:
    """Say where in the file an error belongs."""
    try:
        yield
    except DockerfileError:
        raise
    except WherryError as error:
        raise DockerfileError.at(file, instruction.place, str(error)) from error
