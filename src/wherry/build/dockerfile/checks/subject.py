"""What all rules look at: the file, its surroundings, and what follows from both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wherry.base.values import dataclass
from wherry.build.dockerfile import words
from wherry.build.dockerfile.checks.outside import Outside
from wherry.build.dockerfile.checks.scope import Given, Scope, Step, first_scope, outer_scope
from wherry.build.dockerfile.ignore import Matcher
from wherry.build.dockerfile.instructions import Dockerfile, Instruction, Shell, Stage, Workdir


@dataclass(frozen=True, slots=True)
class Subject:
    """A file under examination.

    outer: the variables of FROM instructions; defaults: the same as if nobody had given arguments.
    steps: the instructions of the stages that are built, in the order of the file.
    """

    dockerfile: Dockerfile
    outside: Outside
    ignored: Matcher | None
    outer: Scope
    defaults: Scope
    steps: Sequence[Step]

    @property
    def names(self) -> frozenset[str]:
        """The variables that a FROM may use."""
        return self.outer.declared | self.outer.values.keys()

    def built(self) -> Iterator[Stage]:
        """Yield the stages that are built."""
        wanted = self.outside.stages
        for stage in self.dockerfile.stages:
            if wanted is None or stage.index in wanted:
                yield stage


def subject(
    dockerfile: Dockerfile,
    arguments: Mapping[str, str | None],
    ignored: Matcher | None,
    outside: Outside,
) -> Subject:
    """Return the file with the variables of each place."""
    outer = outer_scope(dockerfile, outside, arguments)
    given = Given(arguments, outer.values)
    wanted = outside.stages
    steps, ends = list[Step](), dict[str, Scope]()
    for stage in dockerfile.stages:
        image = outer.expand(stage.start.image).text
        scope = ends.get(image.lower()) or first_scope(stage, image, outside, outer.escape)
        for instruction in stage.instructions:
            if wanted is None or stage.index in wanted:
                steps.append(Step(stage, instruction, scope, given))
            scope = _below(scope.after(instruction, given), instruction)
        if stage.name:
            ends[stage.name] = scope
    defaults = outer_scope(dockerfile, outside, {})
    return Subject(dockerfile, outside, ignored, outer, defaults, steps)


def _below(scope: Scope, instruction: Instruction) -> Scope:
    match instruction:
        case Shell():
            return replace(scope, own_shell=True)
        case Workdir():
            return replace(scope, workdir=True)
    return scope


def keyword(instruction: Instruction) -> str:
    """Return an instruction's name as it was written."""
    return instruction.text.split(maxsplit=1)[0]


def is_constant(expanded: words.Expanded) -> bool:
    """Say whether a text asked for no variable."""
    return not expanded.used and not expanded.unset
