"""Rules on variables: those that nothing sets, and those that should not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from wherry.build.dockerfile.checks import rules
from wherry.build.dockerfile.checks.scope import Scope, Step, texts
from wherry.build.dockerfile.checks.subject import Subject
from wherry.build.dockerfile.errors import quoted
from wherry.build.dockerfile.instructions import Arg, Env, Warned
from wherry.build.dockerfile.suggest import with_suggestion

_FOR_THE_FRONTEND = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})
_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)


def undefined_arg_in_from(subject: Subject) -> Iterator[Warned]:
    """A FROM with a variable that no ARG before the first FROM declares."""
    for stage in subject.dockerfile.stages:
        for text in (stage.start.image, stage.start.platform):
            for name in dict.fromkeys(subject.outer.expand(text).unset):
                if name not in subject.names:
                    found = rules.UNDEFINED_ARG_IN_FROM.warned(stage.start.place, name)
                    message = with_suggestion(found.message, name, subject.names)
                    yield replace(found, message=message)


def undefined_var(subject: Subject) -> Iterator[Warned]:
    """A variable that is used before anything sets it."""
    for step in subject.steps:
        for scope, name in _undefined(step):
            if name not in _FOR_THE_FRONTEND:
                found = rules.UNDEFINED_VAR.warned(step.instruction.place, name)
                known = [f"${one}" for one in scope.values]
                message = with_suggestion(found.message, f"${name}", known)
                yield replace(found, message=message)


def _undefined(step: Step) -> Iterator[tuple[Scope, str]]:
    scope = step.scope
    for text, document in texts(step.instruction):
        for name in scope.undefined(scope.expand(text, document=document)):
            yield scope, name
    for scope, text in step.defaults():
        for name in scope.undefined(scope.expand(text)):
            yield scope, name


def invalid_default_arg_in_from(subject: Subject) -> Iterator[Warned]:
    """A base image that has no name unless the build is given arguments."""
    is_reference = subject.outside.is_reference
    for stage in subject.dockerfile.stages if is_reference else ():
        assert is_reference is not None
        if not is_reference(subject.defaults.expand(stage.start.image).text):
            place, image = stage.start.place, stage.start.image
            yield rules.INVALID_DEFAULT_ARG_IN_FROM.warned(place, image)


def secrets_used_in_arg_or_env(subject: Subject) -> Iterator[Warned]:
    """Names of secrets: what they hold stays in the image's history."""
    for step in subject.steps:
        match step.instruction:
            case Env():
                names = [step.scope.expand(name).text for name, _ in step.instruction.pairs]
            case Arg():
                names = [name for name, _ in step.instruction.values]
            case _:
                continue
        for name in names:
            if _SECRET.search(name) and not _HARMLESS.search(name):
                place, kind = step.instruction.place, step.instruction.keyword
                yield rules.SECRETS_USED_IN_ARG_OR_ENV.warned(place, kind, quoted(name))
