"""Rules on how things are called and written: casing, names of stages, comments, empty lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.build.dockerfile.checks import rules
from wherry.build.dockerfile.checks.options import comments_above
from wherry.build.dockerfile.checks.subject import Subject, keyword
from wherry.build.dockerfile.errors import quoted
from wherry.build.dockerfile.instructions import Arg, Dockerfile, From, Instruction, Place, Warned

_RESERVED = frozenset({"context", "scratch"})


def stage_name_casing(subject: Subject) -> Iterator[Warned]:
    """FROM … AS Name."""
    for stage in subject.dockerfile.stages:
        words = _words(stage.start)
        if len(words) == 3 and words[2] != words[2].lower():
            yield rules.STAGE_NAME_CASING.warned(stage.start.place, words[2])


def from_as_casing(subject: Subject) -> Iterator[Warned]:
    """FROM … as …, from … AS …; a FROM of mixed case is another rule's."""
    for stage in subject.dockerfile.stages:
        words, written = _words(stage.start), keyword(stage.start)
        if len(words) < 3 or written not in (written.lower(), written.upper()):
            continue
        expected = words[1].lower() if written == written.lower() else words[1].upper()
        if words[1] != expected:
            yield rules.FROM_AS_CASING.warned(stage.start.place, words[1], written)


def consistent_instruction_casing(subject: Subject) -> Iterator[Warned]:
    """All keywords in capitals or none; what most of them are is right."""
    instructions = [
        instruction
        for stage in subject.dockerfile.stages
        for instruction in (stage.start, *stage.instructions)
    ]
    written = [keyword(instruction) for instruction in instructions]
    lower = sum(word == word.lower() for word in written)
    upper = sum(word == word.upper() for word in written)
    casing = "lowercase" if lower > upper else "uppercase"
    for instruction, word in zip(instructions, written, strict=True):
        if word != (word.lower() if lower > upper else word.upper()):
            yield rules.CONSISTENT_INSTRUCTION_CASING.warned(instruction.place, word, casing)


def duplicate_stage_name(subject: Subject) -> Iterator[Warned]:
    """Two stages of one name."""
    seen = set[str]()
    for stage in subject.dockerfile.stages:
        if stage.name and stage.name in seen:
            yield rules.DUPLICATE_STAGE_NAME.warned(stage.start.place, quoted(stage.name))
        seen.add(stage.name)


def reserved_stage_name(subject: Subject) -> Iterator[Warned]:
    """Names that mean something else."""
    for stage in subject.dockerfile.stages:
        if stage.name in _RESERVED:
            yield rules.RESERVED_STAGE_NAME.warned(stage.start.place, quoted(stage.name))


def no_empty_continuation(subject: Subject) -> Iterator[Warned]:
    """A blank line in the middle of an instruction; it is found at the instruction's last line."""
    for instruction in _instructions(subject.dockerfile):
        last = _last_of_blank(subject.dockerfile, instruction)
        if last:
            yield rules.NO_EMPTY_CONTINUATION.warned(Place(last, last))


def invalid_definition_description(subject: Subject) -> Iterator[Warned]:
    """A comment on a stage or an argument that does not begin with its name."""
    for instruction in _instructions(subject.dockerfile):
        names = _described(instruction)
        comments = comments_above(subject.dockerfile, instruction.place.first)
        if not names or not comments:
            continue
        if comments[-1][1:].strip().split(" ")[0] not in names:
            name = names[0] if len(names) == 1 else "<arg_key>"
            place = instruction.place
            yield rules.INVALID_DEFINITION_DESCRIPTION.warned(place, instruction.keyword, name)


def _described(instruction: Instruction) -> Sequence[str]:
    if isinstance(instruction, From):
        return [instruction.alias] if instruction.alias else []
    return [name for name, _ in instruction.values] if isinstance(instruction, Arg) else []


def _instructions(dockerfile: Dockerfile) -> Iterator[Instruction]:
    yield from dockerfile.arguments
    for stage in dockerfile.stages:
        yield stage.start
        yield from stage.instructions


def _words(start: From) -> Sequence[str]:
    """Return the words of a FROM without its name and its flags."""
    words = start.text.split()[1:]
    while words and words[0].startswith("--"):
        words = words[1:]
    return words


def _last_of_blank(dockerfile: Dockerfile, instruction: Instruction) -> int:
    """Return the last line of an instruction that has a blank one in it, 0 if it has none.

    The lines of documents below it do not count.
    """
    blank, goes_on, at = False, True, instruction.place.first
    while goes_on and at <= min(instruction.place.last, len(dockerfile.lines)):
        line = dockerfile.lines[at - 1].rstrip("\r\n")
        is_first = at == instruction.place.first
        if not line.strip() and not is_first:
            blank = True
        elif is_first or not line.lstrip().startswith("#"):
            goes_on = _continues(line, dockerfile.directives.escape)
        at += 1
    return at - 1 if blank else 0


def _continues(line: str, escape: str) -> bool:
    """Say whether a line ends with an escape character that is not escaped itself."""
    line = line.rstrip(" \t")
    return line == escape or (line.endswith(escape) and line[-2] != escape)
