"""The configuration of the image that a build has made, with its history: pure.

Times are those of the layers, so that a build of which all is in the cache gives the same image
again; SOURCE_DATE_EPOCH takes the place of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wherry.base.values import dataclass
from wherry.build.graph.actions import Action, FromContext, FromImage, FromStage, StagePlan
from wherry.build.graph.configure import with_labels
from wherry.build.graph.plan import Plan
from wherry.oci.digest import Digest
from wherry.oci.image import HistoryEntry, ImageConfig, Platform, RootFs
from wherry.wire.times import rfc3339_nano

COMMENT = "wherry.build"


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a step, by its number: whether it made a layer, and when in nanoseconds."""

    layer: bool
    created: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the configuration depends on besides the plan; `bases` are by reference."""

    made: Mapping[int, Made]
    bases: Mapping[str, ImageConfig]
    diff_ids: Sequence[Digest]
    platform: Platform
    now_ns: int
    epoch_ns: int | None = None
    labels: Mapping[str, str] | None = None


def image_config(plan: Plan, facts: Facts) -> ImageConfig:
    """Return the configuration of the target."""
    target = plan.target
    base = _base(plan, target, facts)
    history, latest = _history(plan, target, facts)
    created = latest or (base.created if base else None) or rfc3339_nano(facts.now_ns)
    if facts.epoch_ns is not None:
        created = rfc3339_nano(facts.epoch_ns)
    begun = base or ImageConfig(
        facts.platform.architecture, facts.platform.os, facts.platform.variant
    )
    return msgspec.structs.replace(
        begun,
        created=created,
        author=target.author,
        config=with_labels(target.config, facts.labels or {}),
        rootfs=RootFs(list(facts.diff_ids)),
        history=_dated(history, created, facts),
        docker_version="",
        container="",
    )


def _base(plan: Plan, stage: StagePlan, facts: Facts) -> ImageConfig | None:
    """Return the configuration of the image at the very bottom."""
    while isinstance(stage.base, FromStage):
        stage = plan.stage(stage.base.index)
    return facts.bases[stage.base.reference] if isinstance(stage.base, FromImage) else None


def _history(plan: Plan, stage: StagePlan, facts: Facts) -> tuple[list[HistoryEntry], str | None]:
    """Return the entries up to a stage's end, and the time of the latest layer made here."""
    entries: list[HistoryEntry] = []
    latest: str | None = None
    if isinstance(stage.base, FromStage):
        entries, latest = _history(plan, plan.stage(stage.base.index), facts)
    elif isinstance(stage.base, FromImage):
        entries = list(facts.bases[stage.base.reference].history or ())
    actions: list[Action] = [*stage.actions]
    if isinstance(stage.base, FromContext):
        actions.insert(0, stage.start)
    for action in actions:
        made = facts.made.get(action.number)
        if made is not None and made.layer:
            latest = rfc3339_nano(made.created)
        entries.append(
            HistoryEntry(
                created=latest,
                created_by=action.created_by,
                comment=COMMENT,
                empty_layer=made is None or not made.layer,
            )
        )
    return entries, latest


def _dated(entries: Sequence[HistoryEntry], created: str, facts: Facts) -> list[HistoryEntry]:
    """Give entries of this build a time where they have none: before their first layer."""
    return [
        msgspec.structs.replace(entry, created=created)
        if entry.comment == COMMENT and (entry.created is None or facts.epoch_ns is not None)
        else entry
        for entry in entries
    ]
