"""The state of a build as its events tell it: steps, transfers, sentences, findings. Pure.

Time comes in with every event. Steps that change no files are not counted and not shown. What
belongs to no step is a transfer: its parts (`debian:12 0bc1…`) are one line, by their first words.
"""

from __future__ import annotations

import base64
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from wherry.base.values import dataclass, field
from wherry.cli.build.display.lines import Lines
from wherry.cli.output.progress import MOVING, Layer

KEPT_LINES = 50
WAITING, RUNNING, CACHED, DONE, FAILED = "waiting", "running", "cached", "done", "failed"
ENDED = (CACHED, DONE, FAILED)
_VERBS = ("pushing", "sending")
# What is said of an image as a whole, and what is said of it last.
_WHOLE = ("Status:", "Digest:", "Pulling from", "The push refers to")
_LAST = ("Status:", "commit ")
_PUSHED = ": digest: "
_FRESH_SECONDS = 3.0


@dataclass(slots=True)
class Step:
    """A step. `place` is like `build 2/5`; `tail` has seconds since it began, and a line."""

    number: int
    text: str
    line: int
    place: str
    state: str = WAITING
    began: float = 0.0
    seconds: float = 0.0
    why: str = ""
    changed: Sequence[str] = ()
    error: str = ""
    tail: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    streams: dict[str, Lines] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called: its place and what it does."""
        return f"[{self.place}] {' '.join(self.text.split())}"

    @property
    def unfinished(self) -> str:
        """A line that is being written."""
        return next((line for s in self.streams.values() if (line := s.unfinished)), "")


@dataclass(slots=True)
class Transfer:
    """Something that moves and belongs to no step, with all its parts."""

    title: str
    began: float
    updated: float = 0.0
    parts: dict[str, Layer] = field(default_factory=dict)
    ended: bool = False

    @property
    def name(self) -> str:
        """What is done, to what."""
        if self.title.startswith(_VERBS):
            return self.title
        return f"{'fetching' if '://' in self.title else 'pulling'} {self.title}"

    def moved(self) -> tuple[int, int]:
        """Return how far the present kind of work is, and how far it goes; bytes."""
        for kind in MOVING:
            pairs = [part.work[kind] for part in self.parts.values() if kind in part.work]
            done, total = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
            if done < total:
                return done, total
        return 0, 0

    def update(self, part: str, told: Mapping[str, Any], now: float) -> None:
        """Take an event."""
        self.updated = now
        status = str(told.get("status", ""))
        self.ended = self.ended or status.startswith(_LAST) or _PUSHED in status
        if status.startswith(_WHOLE) or _PUSHED in status:
            return
        current, total = int(told.get("current") or 0), int(told.get("total") or 0)
        layer = self.parts.setdefault(part, Layer())
        layer.update(status, {"current": current, "total": total})
        if list(self.parts) == [""]:
            # A download says no more than how far it is.
            whole = "://" in self.title and 0 < total <= current
            self.ended = self.ended or layer.final or whole

    def shows(self, now: float) -> bool:
        """Whether it is worth a line: nobody says when something of unknown size has ended."""
        fresh = now - self.updated < _FRESH_SECONDS
        return not self.ended and bool(self.parts) and (fresh or self.moved()[1] > 0)


@dataclass(frozen=True, slots=True)
class Change:
    """What an event has changed: a step, with lines that it has completed, or a transfer."""

    event: str
    step: Step | None = None
    lines: Sequence[str] = ()
    transfer: Transfer | None = None


class Board:
    """All that is known. `order` are the steps that count, as they are in the file."""

    def __init__(self) -> None:
        self.steps: dict[int, Step] = {}
        self.order: list[Step] = []
        self.transfers: dict[str, Transfer] = {}
        self.found: list[Mapping[str, Any]] = []
        self.finished: Mapping[str, Any] | None = None

    def take(self, told: Mapping[str, Any], now: float) -> Change:
        """Take an event."""
        event = str(told.get("event", ""))
        step = self.steps.get(told.get("number", -1))
        if event == "planned":
            self._plan(told)
        elif event == "moved":
            return Change(event, transfer=self._move(told, now))
        elif event == "found":
            self.found.append(told)
        elif event == "finished":
            self.finished = told
        elif step is None or step.state in ENDED:
            return Change("said" if event == "said" else "")
        elif event == "began":
            step.state, step.began = RUNNING, now
        elif event == "wrote":
            return Change(event, step, _wrote(step, told, now))
        elif event == "ended":
            return Change(event, step, _ended(step, told, now))
        return Change(event, step)

    def _plan(self, told: Mapping[str, Any]) -> None:
        planned = [step for step in told.get("steps", ()) if not step.get("note")]
        totals = Counter(step["stage"] for step in planned)
        places: Counter[str] = Counter()
        for one in planned:
            stage = one["stage"]
            places[stage] += 1
            count = f"{places[stage]}/{totals[stage]}"
            place = count if _is_only(stage, totals) else f"{stage} {count}"
            step = Step(one["number"], one["text"], int(one.get("line") or 0), place)
            self.steps[step.number] = step
            self.order.append(step)

    def _move(self, told: Mapping[str, Any], now: float) -> Transfer:
        title, part = _titled(str(told.get("what", "")))
        transfer = self.transfers.get(title)
        if transfer is None or (transfer.ended and part):
            transfer = self.transfers[title] = Transfer(title, now)
        transfer.update(part, told, now)
        return transfer

    def running(self) -> list[Step]:
        """Return the steps that are at work, in the order of the file."""
        return [step for step in self.order if step.state == RUNNING]

    def failed(self) -> Step | None:
        """Return the step that has failed."""
        return next((step for step in self.order if step.state == FAILED), None)

    def moving(self, now: float) -> list[Transfer]:
        """Return what is on its way."""
        return [transfer for transfer in self.transfers.values() if transfer.shows(now)]

    def count(self, *states: str) -> int:
        """Return how many steps are in one of these states."""
        return sum(step.state in states for step in self.order)


def _wrote(step: Step, told: Mapping[str, Any], now: float) -> list[str]:
    stream = step.streams.setdefault(str(told.get("stream", "")), Lines())
    lines = stream.feed(base64.b64decode(told.get("data", "")))
    step.tail.extend((now - step.began, line) for line in lines)
    return lines


def _ended(step: Step, told: Mapping[str, Any], now: float) -> list[str]:
    """End a step; returns what it has written without an end of the line."""
    if step.state == WAITING:
        step.began = now
    lines = [line for stream in step.streams.values() for line in stream.finish()]
    step.tail.extend((now - step.began, line) for line in lines)
    step.seconds = float(told.get("seconds") or 0.0)
    step.why, step.changed = str(told.get("why", "")), told.get("changed") or ()
    step.error = str(told.get("error", ""))
    step.state = FAILED if step.error else CACHED if told.get("cached") else DONE
    return lines


def _is_only(stage: str, totals: Mapping[str, int]) -> bool:
    """Whether a stage needs no name: it is the only one, and has none of its own."""
    return len(totals) == 1 and stage.startswith("stage-")


def _titled(what: str) -> tuple[str, str]:
    """Return which transfer is spoken of, and which part of it."""
    words = what.split(" ")
    count = 2 if words[0] in _VERBS else 1
    return " ".join(words[:count]), " ".join(words[count:])
