"""A build as lines, for logs: what BuildKit's plain progress prints.

    #3 [build 2/5] RUN make
    #3 0.512 text
    #3 DONE 1.2s

Each step or transfer has a number, in the order in which they begin. Where another one speaks in
between, `#3 ...` says that it is not over, and its first line comes again. Pure but for `write`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.cli.build.display import words
from wherry.cli.build.display.board import CACHED, FAILED, Board, Change, Step, Transfer
from wherry.cli.output.units import decimal_size

_QUIET_SECONDS = 5.0


class Plain:
    """Writes lines by `write`; `why` adds a reason to every step. `interval`: no ticks needed."""

    interval: float | None = None

    def __init__(
        self, write: Callable[[str], None], clock: Callable[[], float], *, why: bool = False
    ) -> None:
        self.board = Board()
        self._write = write
        self._clock = clock
        self._why = why
        self._numbers: dict[str, int] = {}
        self._current = ""
        self._told: dict[str, float] = {}

    def take(self, told: Mapping[str, Any]) -> None:
        """Take an event."""
        now = self._clock()
        change = self.board.take(told, now)
        if change.transfer is not None:
            self._moved(change.transfer, now)
        elif change.step is not None:
            self._step(change.step, change, now)
        elif change.event == "said":
            self._leave()
            self._write(f"{told.get('text', '')}\n")
        elif change.event == "finished":
            self._finish(told)

    def tick(self) -> None:
        """Nothing changes with time alone."""

    def close(self) -> None:
        """Say of what is still at work that nobody waits for it."""
        for step in self.board.running():
            self._turn_to(f"step {step.number}", step.name)
            self._close("CANCELED")

    def _turn_to(self, key: str, name: str) -> str:
        """Begin or go on to speak of something; returns how its lines begin."""
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        if self._current != key:
            self._leave()
            self._write(f"#{number} {name}\n")
            self._current = key
        return f"#{number}"

    def _leave(self) -> None:
        if self._current:
            self._write(f"#{self._numbers[self._current]} ...\n\n")
            self._current = ""

    def _close(self, text: str) -> None:
        """Say the last of something."""
        self._write(f"#{self._numbers[self._current]} {text}\n\n")
        self._current = ""

    def _step(self, step: Step, change: Change, now: float) -> None:
        if change.event == "wrote" and not change.lines:
            return
        mark = self._turn_to(f"step {step.number}", step.name)
        for line in change.lines:
            self._write(f"{mark} {now - step.began:.3f} {line}\n")
        if change.event != "ended":
            return
        if self._why:
            for reason in words.reasons(step):
                self._write(f"{mark} {reason}\n")
        if step.state == FAILED:
            self._close(f"ERROR: {step.error}")
        else:
            took = f"DONE {words.seconds(step.seconds)}"
            self._close("CACHED" if step.state == CACHED else took)

    def _moved(self, transfer: Transfer, now: float) -> None:
        title = transfer.title
        if transfer.ended:
            self._told.pop(title, None)
            if transfer.parts:
                self._turn_to(title, transfer.name)
                self._close(f"DONE {words.seconds(now - transfer.began)}")
                transfer.parts.clear()  # has been told
            return
        due = now - self._told.get(title, float("-inf")) >= _QUIET_SECONDS
        if transfer.parts and due:
            done, total = transfer.moved()
            mark = self._turn_to(title, transfer.name)
            if total and title in self._told:
                self._write(f"{mark} {decimal_size(done, 3)} / {decimal_size(total, 3)}\n")
            self._told[title] = now

    def _finish(self, told: Mapping[str, Any]) -> None:
        self.board.finished = told
        if told.get("image"):
            mark = self._turn_to("exporting", "exporting to image")
            self._write(f"{mark} writing image {told['image']} done\n")
            for name in told.get("names") or ():
                self._write(f"{mark} naming to {name} done\n")
            self._close("DONE")
