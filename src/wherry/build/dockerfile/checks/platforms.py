"""Rules on platforms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wherry.build.dockerfile.checks import rules
from wherry.build.dockerfile.checks.subject import Subject, is_constant
from wherry.build.dockerfile.errors import quoted
from wherry.build.dockerfile.instructions import Warned

_TARGET = "TARGETPLATFORM"
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_SYSTEMS = frozenset(
    "aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris wasip1 "
    "windows zos".split()
)
_MACHINES = {
    "x86_64": "amd64",
    "x86-64": "amd64",
    "aarch64": "arm64",
    "armhf": "arm",
    "i386": "386",
}


def redundant_target_platform(subject: Subject) -> Iterator[Warned]:
    """FROM --platform=$TARGETPLATFORM: what it would be anyway."""
    for stage in subject.dockerfile.stages:
        expanded = subject.outer.expand(stage.start.platform)
        only = not expanded.unset and set(expanded.used) == {_TARGET}
        if only and expanded.text == subject.outer.values.get(_TARGET):
            place, text = stage.start.place, stage.start.platform
            yield rules.REDUNDANT_TARGET_PLATFORM.warned(place, text)


def from_platform_flag_const_disallowed(subject: Subject) -> Iterator[Warned]:
    """FROM --platform=linux/amd64, unless the stage's name says that it is meant so."""
    for stage in subject.dockerfile.stages:
        expanded = subject.outer.expand(stage.start.platform)
        if not expanded.text or not is_constant(expanded):
            continue
        parts = _parts(expanded.text)
        if parts and not any(part in stage.name for part in parts):
            place = stage.start.place
            yield rules.FROM_PLATFORM_FLAG_CONST_DISALLOWED.warned(place, quoted(expanded.text))


def invalid_base_image_platform(subject: Subject) -> Iterator[Warned]:
    """A base image for another machine than the one that is built for."""
    for stage in subject.built():
        base = subject.outside.bases.get(stage.index)
        if base is None or not base.platform or not base.wanted:
            continue
        # The variant may differ: machines of one kind run each other's programs.
        if base.platform.split("/")[:2] != base.wanted.split("/")[:2]:
            image = subject.outer.expand(stage.start.image).text
            found = (image, quoted(base.platform), quoted(base.wanted))
            yield rules.INVALID_BASE_IMAGE_PLATFORM.warned(stage.start.place, *found)


def _parts(platform: str) -> tuple[str, ...]:
    """Return system and machine of a platform as far as it names them; nothing if it is none."""
    parts = [part.partition("(")[0] for part in platform.lower().split("/")]
    if len(parts) > 3 or not all(_PART.fullmatch(part) for part in parts):
        return ()
    if len(parts) == 1:
        only = _MACHINES.get(parts[0], parts[0])
        return (only,) if only in _SYSTEMS else (only, "linux")
    return parts[0], _MACHINES.get(parts[1], parts[1])
