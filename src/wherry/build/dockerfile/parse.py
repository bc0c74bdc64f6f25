"""Reads a Dockerfile, or a single instruction.

    text  →  lines  →  directives, logical lines  →  instructions  →  stages

Only `DockerfileError` is raised, with the line; the first thing that is wrong ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from wherry.build.dockerfile.directives import read_directives
from wherry.build.dockerfile.errors import DockerfileError, GrammarError
from wherry.build.dockerfile.instructions import (
    Arg,
    Directives,
    Dockerfile,
    From,
    Instruction,
    Place,
    Stage,
)
from wherry.build.dockerfile.lines import Line, logical_lines, read_text, without_return
from wherry.build.dockerfile.statements import read_instruction

_DEFAULT_ESCAPE = Directives().escape


def parse(text: str | bytes, name: str = "Dockerfile") -> Dockerfile:
    """Read a Dockerfile; `name` is what errors call it."""
    written = read_text(text, name)
    shown = tuple(without_return(line) for line in written)
    directives, begin = read_directives(shown, name)
    file = _File(shown, name)
    for line in logical_lines(written, begin, directives.escape, name):
        file.add(line, directives.escape)
    if not file.stages:
        problem = "file with no instructions"
        if file.arguments:
            problem = "dockerfile contains no stages to build: it has no FROM"
        file.fail(problem, Place(len(shown), len(shown)))
    stages = tuple(
        Stage(index, start, tuple(found)) for index, (start, found) in enumerate(file.stages)
    )
    return Dockerfile(name, shown, directives, tuple(file.arguments), stages, file.comments)


def parse_instruction(
    text: str | bytes, *, escape: str = _DEFAULT_ESCAPE, name: str = "instruction"
) -> Instruction:
    """Read a text that is one instruction, its heredocs included, and begins no stage.

    For the triggers of ONBUILD and for `commit --change`; `name` is what errors call the text.
    """
    written = read_text(text, name)
    file = _File(tuple(without_return(line) for line in written), name)
    found = [file.read(line, escape) for line in logical_lines(written, 0, escape, name)]
    whole = Place(1, len(written))
    if len(found) != 1:
        file.fail(f"expected a single instruction, found {len(found)}", whole)
    if isinstance(found[0], From):
        file.fail("FROM begins a stage: it is not allowed here", whole)
    return found[0]


class _File:
    """A file that is being read."""

    def __init__(self, lines: Sequence[str], name: str) -> None:
        self._lines = lines
        self._name = name
        self.arguments: list[Arg] = []
        self.stages: list[tuple[From, list[Instruction]]] = []
        self.comments: dict[str, str] = {}

    def add(self, line: Line, escape: str) -> None:
        """Read a line and put it where it belongs."""
        instruction = self.read(line, escape)
        self._describe(instruction, line.comments)
        if isinstance(instruction, From):
            self.stages.append((instruction, []))
        elif self.stages:
            self.stages[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            self.arguments.append(instruction)
        else:
            self.fail(
                f"no build stage in current context: {instruction.keyword} comes before the first"
                " FROM",
                instruction.place,
            )

    def read(self, line: Line, escape: str) -> Instruction:
        """Read a line."""
        try:
            return read_instruction(line, escape)
        except GrammarError as error:
            self.fail(str(error), line.place)

    def fail(self, message: str, place: Place) -> NoReturn:
        """Raise an error about these lines."""
        raise DockerfileError(message, place, self._lines, self._name) from None

    def _describe(self, instruction: Instruction, comments: Sequence[str]) -> None:
        """Keep comments that begin with the name of what they stand above."""
        names: list[str] = []
        if isinstance(instruction, From) and instruction.alias:
            names = [instruction.alias]
        elif isinstance(instruction, Arg):
            names = [name for name, _ in instruction.values]
        for name in names:
            for comment in comments:
                if comment.startswith(f"{name} "):
                    self.comments.setdefault(name, comment.removeprefix(f"{name} "))
