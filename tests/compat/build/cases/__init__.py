"""The corpus: every case by area. A name is said once, and is a name that an image can have."""

from __future__ import annotations

from compat.build.cases import (
    archives,
    arguments,
    attributes,
    commands,
    copying,
    destinations,
    directives,
    errors,
    expansion,
    heredocs,
    ignoring,
    layers,
    metadata,
    mounts,
    pairs,
    running,
    stages,
    triggers,
)
from compat.build.cases.model import Case

ALL: tuple[Case, ...] = (
    *directives.CASES,
    *arguments.CASES,
    *expansion.CASES,
    *pairs.CASES,
    *stages.CASES,
    *heredocs.CASES,
    *running.CASES,
    *copying.CASES,
    *destinations.CASES,
    *attributes.CASES,
    *archives.CASES,
    *ignoring.CASES,
    *commands.CASES,
    *metadata.CASES,
    *triggers.CASES,
    *layers.CASES,
    *mounts.CASES,
    *errors.CASES,
)
