"""Rules on how instructions are used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wherry.base.errors import InvalidError
from wherry.build.dockerfile import words
from wherry.build.dockerfile.checks import rules
from wherry.build.dockerfile.checks.scope import Step, sources
from wherry.build.dockerfile.checks.subject import Subject, keyword
from wherry.build.dockerfile.errors import quoted
from wherry.build.dockerfile.ignore import Matcher, clean
from wherry.build.dockerfile.instructions import (
    Add,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Warned,
    Workdir,
)

_ONCE = (Cmd, Entrypoint, Healthcheck)
_REMOTE = re.compile(r"https?://|ssh://|git://|[a-zA-Z0-9_-]+@[a-zA-Z0-9.-]+:")
_ALL_OF_THE_ROOT = frozenset({"*", "**", "**/*"})


def json_args_recommended(subject: Subject) -> Iterator[Warned]:
    """CMD and ENTRYPOINT as a text for a shell that nobody has chosen."""
    for step in subject.steps:
        if isinstance(step.instruction, Cmd | Entrypoint):
            command = step.instruction.command
            if command.shell and not step.scope.own_shell:
                place, name = step.instruction.place, keyword(step.instruction)
                yield rules.JSON_ARGS_RECOMMENDED.warned(place, name)


def maintainer_deprecated(subject: Subject) -> Iterator[Warned]:
    """MAINTAINER."""
    for stage in subject.dockerfile.stages:
        for instruction in stage.instructions:
            if isinstance(instruction, Maintainer):
                yield rules.MAINTAINER_DEPRECATED.warned(instruction.place)


def multiple_instructions_disallowed(subject: Subject) -> Iterator[Warned]:
    """Two of what counts once; the one that does not count is found, called as the later one."""
    for stage in subject.built():
        last = dict[type[Instruction], Instruction]()
        for instruction in stage.instructions:
            if not isinstance(instruction, _ONCE):
                continue
            before = last.get(type(instruction))
            if before is not None:
                name = keyword(instruction)
                yield rules.MULTIPLE_INSTRUCTIONS_DISALLOWED.warned(before.place, name)
            last[type(instruction)] = instruction


def legacy_key_value_format(subject: Subject) -> Iterator[Warned]:
    """ENV and LABEL without an equals sign."""
    for step in subject.steps:
        if isinstance(step.instruction, Env | Label) and step.instruction.legacy:
            place, name = step.instruction.place, keyword(step.instruction)
            yield rules.LEGACY_KEY_VALUE_FORMAT.warned(place, name)


def workdir_relative_path(subject: Subject) -> Iterator[Warned]:
    """A directory that depends on the base image's; only the first WORKDIR of a line of stages."""
    for step in subject.steps:
        if isinstance(step.instruction, Workdir) and not step.scope.workdir:
            expanded = step.scope.expand(step.instruction.path)
            known = step.scope.whole or not expanded.unset
            if known and not expanded.text.startswith("/"):
                place = step.instruction.place
                yield rules.WORKDIR_RELATIVE_PATH.warned(place, quoted(expanded.text))


def copy_ignored_file(subject: Subject) -> Iterator[Warned]:
    """Sources that the context does not have because .dockerignore says so.

    With exceptions among the patterns nothing is found: a part of what is ignored may be there.
    """
    matcher = subject.ignored
    if matcher is None or matcher.exceptions:
        return
    for step in subject.steps:
        instruction = step.instruction
        if not isinstance(instruction, Copy | Add) or (
            isinstance(instruction, Copy) and instruction.source_stage
        ):
            continue
        for text in sources(instruction):
            source = step.scope.expand(text).text
            if source and not _REMOTE.match(source) and _is_ignored(clean(source), matcher):
                verb = "Copy" if isinstance(instruction, Copy) else "Add"
                shown = quoted(clean(source))
                yield rules.COPY_IGNORED_FILE.warned(instruction.place, verb, shown)


def _is_ignored(source: str, matcher: Matcher) -> bool:
    """The root itself is never ignored, but it may be that nothing in it is left."""
    if source in (".", "/"):
        return not _ALL_OF_THE_ROOT.isdisjoint(matcher.patterns)
    return matcher.ignored(source)


def expose_proto_casing(subject: Subject) -> Iterator[Warned]:
    """EXPOSE 80/TCP."""
    for step, port in _ports(subject):
        protocol = port.rpartition(":")[2].partition("/")[2]
        if protocol != protocol.lower() and protocol.lower() in ("tcp", "udp", "sctp"):
            yield rules.EXPOSE_PROTO_CASING.warned(step.instruction.place, port)


def expose_invalid_format(subject: Subject) -> Iterator[Warned]:
    """EXPOSE 8080:80: which port of the host is not for the image to say."""
    for step, port in _ports(subject):
        if port.rpartition(":")[0]:
            yield rules.EXPOSE_INVALID_FORMAT.warned(step.instruction.place, port)


def _ports(subject: Subject) -> Iterator[tuple[Step, str]]:
    for step in subject.steps:
        if isinstance(step.instruction, Expose):
            scope = step.scope
            for text in step.instruction.ports:
                try:
                    found = words.expand_words(text, scope.values.get, scope.escape)
                except InvalidError:
                    continue
                yield from ((step, port) for port in found)
