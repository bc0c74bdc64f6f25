"""An event of GET /events, with the fields that clients before API 1.52 read."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Actor(msgspec.Struct, rename="pascal"):
    """What the event is about."""

    id: str = msgspec.field(name="ID")
    attributes: dict[str, str]


class EventMessage(msgspec.Struct, omit_defaults=True):
    """One line of the stream; `status`, `id` and `from` only for containers and images."""

    type: str = msgspec.field(name="Type")
    action: str = msgspec.field(name="Action")
    actor: Actor = msgspec.field(name="Actor")
    time: int
    time_nano: int = msgspec.field(name="timeNano")
    status: str = ""
    id: str = ""
    origin: str = msgspec.field(default="", name="from")
    scope: str | None = None


def event_message(
    kind: str, action: str, actor: str, attributes: Mapping[str, str], time_ns: int
) -> EventMessage:
    """Return the line for an event."""
    legacy = kind in ("container", "image")
    return EventMessage(
        kind,
        action,
        Actor(actor, dict(attributes)),
        time_ns // 1_000_000_000,
        time_ns,
        status=action if legacy else "",
        id=actor if legacy else "",
        origin=attributes.get("image", "") if kind == "container" else "",
        scope="local",
    )
