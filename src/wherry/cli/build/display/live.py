"""A build on a terminal: what has ended scrolls by and stays, what goes on is redrawn in place.

     => CACHED [base 1/2] FROM debian:12                                   0.0s
     => [base 2/2] RUN apt-get update                                      4.1s
    [+] 2/6 steps, 1 cached, 13.2s, 12MB/40MB, 3s left
     => [build 2/4] RUN make                                               9.1s
        cc -c main.c
     => sending context  12MB/40MB

A frame is one write: the cursor goes up to where the last frame began, lines are overwritten, and
the terminal is told not to wrap what will go again, so it neither flickers nor loses its place.
What is drawn is never higher than the screen. `close` leaves the cursor below what stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wherry.cli.build.display import words
from wherry.cli.build.display.board import CACHED, FAILED, Board, Step, Transfer
from wherry.cli.build.display.lines import shown
from wherry.cli.output.progress import Rate, time_left
from wherry.cli.output.units import decimal_size

REDRAW_SECONDS = 0.1
_TAIL = 6
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_TO_END, _BELOW = "\x1b[K", "\x1b[J"
_COLOURS = {CACHED: "36", FAILED: "31", "warning": "33", "dim": "2", "bold": "1"}


class Live:
    """Draws by `write`, onto a screen of `size()` columns and lines."""

    interval: float | None = REDRAW_SECONDS

    def __init__(
        self,
        write: Callable[[str], None],
        clock: Callable[[], float],
        size: Callable[[], tuple[int, int]],
        *,
        colours: bool = False,
        why: bool = False,
    ) -> None:
        self.board = Board()
        self._write = write
        self._clock = clock
        self._size = size
        self._colours = colours
        self._why = why
        self._rate = Rate()
        self._begun = clock()
        self._drawn = 0
        self._last_draw = float("-inf")
        self._above: list[str] = []

    def take(self, told: Mapping[str, Any]) -> None:
        """Take an event; it is shown with the next frame."""
        now = self._clock()
        change = self.board.take(told, now)
        if change.event == "ended" and change.step is not None:
            self._stay(change.step)
        elif change.transfer is not None:
            self._moved(change.transfer, now)
        elif change.event == "said":
            self._above.append(shown(str(told.get("text", ""))))

    def tick(self) -> None:
        """Draw, if it is time."""
        if self._clock() - self._last_draw >= REDRAW_SECONDS:
            self._draw(self._frame())

    def close(self) -> None:
        """Replace what was drawn by what stays."""
        now = self._clock()
        for step in self.board.running():
            took = words.seconds(now - step.began)
            self._above.append(self._row(f" => CANCELED {shown(step.name)}", took))
        seen = self._drawn or self.board.order
        stays = [words.totals(self.board, now - self._begun)] if seen else []
        if self.board.finished is not None:
            stays += [f" => {line}" for line in words.result(self.board.finished)]
        self._above += [self._coloured(line, "bold") for line in stays[:1]] + stays[1:]
        if self._above or self._drawn:
            self._draw([])

    def _stay(self, step: Step) -> None:
        """Have an ended step shown for good."""
        mark = {CACHED: "CACHED ", FAILED: "ERROR "}.get(step.state, "")
        row = self._row(f" => {mark}{shown(step.name)}", words.seconds(step.seconds))
        self._above.append(self._coloured(row, step.state))
        if self._why:
            self._above += [self._coloured(f"    {line}", "dim") for line in words.reasons(step)]

    def _moved(self, transfer: Transfer, now: float) -> None:
        """Have something that has arrived shown for good, once."""
        if transfer.ended and transfer.parts:
            took = words.seconds(now - transfer.began)
            self._above.append(self._row(f" => {transfer.name}", took))
            transfer.parts.clear()

    def _frame(self) -> list[str]:
        """Return the lines of what goes on, as many as the screen has room for."""
        now = self._clock()
        room = max(self._size()[1] - 1, 0)  # the cursor stands below it
        head = words.totals(self.board, now - self._begun) + self._estimate(now)
        running, moving = self.board.running(), self.board.moving(now)
        rows = [
            self._row(f" => {transfer.name}{_so_far(transfer.moved())}", "") for transfer in moving
        ][: max(room - 1 - len(running), 0)]
        left = room - 1 - len(rows)
        each = min(max(left // len(running) - 1, 0), _TAIL) if running else 0
        for step in running[: max(left, 0)]:
            rows.append(self._row(f" => {shown(step.name)}", words.seconds(now - step.began)))
            rows += [self._dim(f"    {line}") for line in _tail(step, each)]
        return [self._coloured(self._row(head, ""), "bold"), *rows][:room]

    def _dim(self, text: str) -> str:
        return self._coloured(self._row(text, ""), "dim")

    def _estimate(self, now: float) -> str:
        """Say how much is to be moved, and how long that takes."""
        pairs = [transfer.moved() for transfer in self.board.moving(now)]
        done, total = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        if not total:
            return ""
        rate = self._rate.of("", done, now)
        left = f", {time_left((total - done) / rate)} left" if rate else ""
        return f", {decimal_size(done, 3)}/{decimal_size(total, 3)}{left}"

    def _row(self, text: str, right: str) -> str:
        """Return a line with something at its right end, the text cut where that is in the way."""
        columns = max(self._size()[0] - 1, 10)
        room = columns - (len(right) + 1 if right else 0)
        if len(text) > room:
            text = text[: max(room - 1, 0)] + "…"
        return f"{text:<{room}} {right}" if right else text

    def _coloured(self, text: str, kind: str) -> str:
        code = _COLOURS.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if code and self._colours else text

    def _draw(self, frame: list[str]) -> None:
        above, below = (
            "".join(f"{line}{_TO_END}\n" for line in part) for part in (self._above, frame)
        )
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._write(f"{up}\r{above}{_NO_WRAP}{below}{_BELOW}{_WRAP}")
        self._above.clear()
        self._drawn = len(frame)
        self._last_draw = self._clock()


def _tail(step: Step, count: int) -> list[str]:
    lines = [line for _, line in step.tail]
    if unfinished := step.unfinished:
        lines.append(unfinished)
    return [shown(line) for line in lines[-count:]] if count else []


def _so_far(moved: tuple[int, int]) -> str:
    done, total = moved
    return f"  {decimal_size(done, 3)}/{decimal_size(total, 3)}" if total else ""
