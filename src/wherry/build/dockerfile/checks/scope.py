"""Which variables are set at each place of a file, and what each text expands to there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field
from wherry.build.dockerfile import words
from wherry.build.dockerfile.checks.outside import Outside
from wherry.build.dockerfile.instructions import (
    Add,
    Arg,
    Copy,
    Dockerfile,
    Env,
    Instruction,
    Label,
    Run,
    Stage,
    Stopsignal,
    User,
    Volume,
    Workdir,
)

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SCRATCH = "scratch"
_NOTHING = words.Expanded("")


@dataclass(frozen=True, slots=True)
class Given:
    """The build arguments, and the arguments of the file before its first FROM."""

    arguments: Mapping[str, str | None]
    outer: Mapping[str, str]

    def get(self, name: str, default: str | None) -> str | None:
        """Return what an ARG is set to, None if that is its own default or nothing."""
        given = self.arguments.get(name)
        return self.outer.get(name) if given is None and default is None else given


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables at one place.

    `declared` have an ARG, with a value or without. `whole` is False where a base image of which
    nothing is known may have set others. `own_shell` and `workdir`: an instruction has set one.
    """

    escape: str
    values: Mapping[str, str] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    whole: bool = True
    own_shell: bool = False
    workdir: bool = False

    def expand(self, text: str, *, document: bool = False) -> words.Expanded:
        """Expand a text; what cannot be expanded is an error of the build, and nothing here."""
        expand = words.expand_document if document else words.expand
        try:
            return expand(text, self.values.get, self.escape)
        except InvalidError:
            return _NOTHING

    def undefined(self, expanded: words.Expanded) -> Iterator[str]:
        """Yield the variables of a text that nothing has set."""
        if self.whole:
            for name in dict.fromkeys(expanded.unset):
                if name not in self.declared:
                    yield name

    def after(self, instruction: Instruction, given: Given) -> Scope:
        """Return the variables below an instruction."""
        match instruction:
            case Env():
                pairs = {
                    self.expand(name).text: self.expand(value).text
                    for name, value in instruction.pairs
                }
                return replace(self, values={**self.values, **pairs})
            case Arg():
                scope = self
                for name, default in instruction.values:
                    scope = scope.with_argument(name, default, given)
                return scope
        return self

    def with_argument(self, name: str, default: str | None, given: Given) -> Scope:
        """Return the variables below one argument of an ARG."""
        value = given.get(name, default)
        if value is None and default is not None:
            value = self.expand(default).text
        values = self.values if value is None else {**self.values, name: value}
        return replace(self, values=values, declared=self.declared | {name})


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction of a stage and the variables where it stands."""

    stage: Stage
    instruction: Instruction
    scope: Scope
    given: Given

    def defaults(self) -> Iterator[tuple[Scope, str]]:
        """Yield the defaults of an ARG that count, and the variables that each of them sees."""
        if isinstance(self.instruction, Arg):
            scope = self.scope
            for name, default in self.instruction.values:
                if default is not None and self.given.get(name, default) is None:
                    yield scope, default
                scope = scope.with_argument(name, default, self.given)


def outer_scope(
    dockerfile: Dockerfile, outside: Outside, arguments: Mapping[str, str | None]
) -> Scope:
    """Return the variables of the FROM instructions."""
    given = Given(arguments, outside.platform)
    known = {name: arguments.get(name) or value for name, value in outside.platform.items()}
    scope = Scope(dockerfile.directives.escape, known)
    for arg in dockerfile.arguments:
        for name, default in arg.values:
            scope = scope.with_argument(name, default, given)
    return scope


def texts(instruction: Instruction) -> Iterator[tuple[str, bool]]:
    """Yield the texts of an instruction that are expanded; True for the content of a document.

    Not those of ARG, which see the arguments before them, and not those of EXPOSE, where the rule
    on undefined variables does not look.
    """
    yield from ((text, False) for text in _words(instruction))
    if isinstance(instruction, Copy | Add):
        yield from ((heredoc.content, True) for heredoc in instruction.heredocs if heredoc.expand)


def _words(instruction: Instruction) -> Sequence[str]:
    match instruction:
        case Env() | Label():
            return [text for pair in instruction.pairs for text in pair]
        case Add():
            flags = [instruction.chown, instruction.chmod, instruction.checksum]
            return [*flags, *sources(instruction), instruction.destination]
        case Copy():
            flags = [instruction.chown, instruction.chmod]
            return [*flags, *sources(instruction), instruction.destination]
        case Run():
            return [value for mount in instruction.mounts for _, value in mount.pairs]
        case Workdir():
            return [instruction.path]
        case User():
            return [instruction.user]
        case Stopsignal():
            return [instruction.signal]
        case Volume():
            return instruction.paths
    return ()


def sources(instruction: Copy | Add) -> Sequence[str]:
    """Return the sources that are no documents."""
    if not instruction.heredocs:
        return instruction.sources
    return [source for source in instruction.sources if not source.startswith("<<")]


def first_scope(stage: Stage, image: str, outside: Outside, escape: str) -> Scope:
    """Return what a stage begins with that has no other stage below it."""
    base = outside.bases.get(stage.index)
    values = {"PATH": _PATH, **(base.environment if base else {})}
    whole = base is not None or image == _SCRATCH
    return Scope(escape, values, whole=whole, own_shell=base is not None and base.own_shell)
