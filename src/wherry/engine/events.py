"""Events: what happened to which object, as a stream with a short memory.

The latest events are kept so that `since` can be answered; a subscriber that reads too slowly is
dropped rather than buffered for without bound. Lives on the event loop.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping

from wherry.base.values import dataclass, field

_REMEMBERED = 1024
_BEHIND_AT_MOST = 8192
_NANO = 1_000_000_000
# Actions that carry a value after a colon match a filter without it.
_FUZZY = ("health_status", "exec_create", "exec_start")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `attributes` are labels and what is known by name."""

    type: str
    action: str
    actor_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    time_ns: int = 0


class Events:
    """The stream of events."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._past: deque[Event] = deque(maxlen=_REMEMBERED)
        self._subscribers: set[asyncio.Queue[Event]] = set()

    @property
    def subscribers(self) -> int:
        """How many streams are being read."""
        return len(self._subscribers)

    def emit(
        self, type_: str, action: str, actor_id: str, attributes: Mapping[str, str] | None = None
    ) -> None:
        """Tell everybody that something happened just now."""
        event = Event(type_, action, actor_id, dict(attributes or {}), self._clock())
        self._past.append(event)
        for queue in list(self._subscribers):
            if queue.qsize() >= _BEHIND_AT_MOST:
                self._subscribers.discard(queue)
            else:
                queue.put_nowait(event)

    async def stream(
        self, since_ns: int | None, until_ns: int | None, filters: Mapping[str, list[str]]
    ) -> AsyncIterator[Event]:
        """Yield events from `since_ns` on, only new ones where it is None, until `until_ns`."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            past = list(self._past) if since_ns is not None or until_ns is not None else []
            for event in past:
                in_time = (since_ns or 0) <= event.time_ns <= (until_ns or event.time_ns)
                if in_time and matches(event, filters):
                    yield event
            while True:
                try:
                    following = await self._next(queue, until_ns)
                except TimeoutError:
                    return
                if matches(following, filters):
                    yield following
        finally:
            self._subscribers.discard(queue)

    async def _next(self, queue: asyncio.Queue[Event], until_ns: int | None) -> Event:
        if until_ns is None:
            return await queue.get()
        left = (until_ns - self._clock()) / _NANO
        if left <= 0:
            raise TimeoutError
        return await asyncio.wait_for(queue.get(), left)


def matches(event: Event, filters: Mapping[str, list[str]]) -> bool:
    """Tell whether an event passes: any of the values of a key, for every key."""
    return all(
        any(_matches_one(event, key, value) for value in values)
        for key, values in filters.items()
        if values
    )


def _matches_one(event: Event, key: str, value: str) -> bool:
    if key == "event":
        return _action_matches(event.action, value)
    if key == "type":
        return event.type == value
    if key == "scope":
        return value == "local"
    if key == "label":
        name, separator, wanted = value.partition("=")
        found = event.attributes.get(name)
        return found is not None and (not separator or found == wanted)
    if key == "image":
        return _image_matches(event, value)
    if key != event.type:
        return False
    name = event.attributes.get("name", "")
    return event.actor_id.startswith(value) or value.lstrip("/") == name


def _action_matches(action: str, value: str) -> bool:
    if action == value:
        return True
    return value in _FUZZY and action.startswith(f"{value}:")


def _image_matches(event: Event, value: str) -> bool:
    known = [event.attributes.get("image", "")]
    if event.type == "image":
        known = [event.actor_id, event.attributes.get("name", "")]
    bare = re.sub(r":[^/:]*$", "", value)
    return any(name in (value, bare) or re.sub(r":[^/:]*$", "", name) == value for name in known)
