"""Progress of pull, push, load and the like, from the engine's stream of messages.

On a terminal: a line per layer that is being worked on and one total with rate and estimate, all
redrawn in place; when the layers are done, one line tells what it was. Elsewhere, and on a dumb
terminal: docker's plain lines, one per change of state. Time comes in as a function.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from time import monotonic

from wherry.cli.errors import CommandError
from wherry.cli.output import width
from wherry.cli.output.units import decimal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

REDRAW_SECONDS = 0.1
WINDOW_SECONDS = 5.0
SETTLED_SECONDS = 0.5
FINAL = (
    "Sent",
    "Pull complete",
    "Already exists",
    "Pushed",
    "Layer already exists",
    "Mounted from",
)
QUIET = ("Pulling fs layer", "Waiting", "Preparing")
MOVING = ("Downloading", "Pushing", "Extracting", "Sending")


class Layer:
    """What is known of one layer: for each kind of work, how far it is."""

    __slots__ = ("status", "work")

    def __init__(self) -> None:
        self.status = ""
        self.work: dict[str, tuple[int, int]] = {}

    def update(self, status: str, detail: dict[str, Any]) -> None:
        """Take a message."""
        self.status = status
        current, total = detail.get("current") or 0, detail.get("total") or 0
        if status in MOVING and total:
            self.work[status] = min(current, total), total
            if status == "Extracting" and "Downloading" in self.work:
                self._complete("Downloading")
        elif status in ("Verifying Checksum", "Download complete"):
            self._complete("Downloading")
        elif self.final:
            for kind in self.work:
                self._complete(kind)

    def _complete(self, kind: str) -> None:
        if kind in self.work:
            total = self.work[kind][1]
            self.work[kind] = total, total

    @property
    def final(self) -> bool:
        """Whether nothing is left to do."""
        return self.status.startswith(FINAL)

    @property
    def active(self) -> bool:
        """Whether it is worth a line."""
        return not self.final and not self.status.startswith(QUIET)

    def text(self) -> str:
        """Return what its line says."""
        done, total = self.work.get(self.status, (0, 0))
        if done < total:
            return f"{self.status} {decimal_size(done, 3)}/{decimal_size(total, 3)}"
        return self.status


class Rate:
    """How fast it goes, over the last seconds."""

    def __init__(self) -> None:
        self._kind = ""
        self._samples: list[tuple[float, int]] = []

    def of(self, kind: str, done: int, now: float) -> float:
        """Return bytes per second; 0 as long as nobody can tell."""
        if kind != self._kind or (self._samples and done < self._samples[-1][1]):
            self._kind, self._samples = kind, []
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_SECONDS:
            del self._samples[0]
        then, before = self._samples[0]
        return (done - before) / (now - then) if now - then >= SETTLED_SECONDS else 0.0


class Progress:
    """Shows messages as they come."""

    def __init__(
        self, out: TextIO, *, quiet: bool = False, clock: Callable[[], float] = monotonic
    ) -> None:
        self._out = out
        self._quiet = quiet
        self._clock = clock
        self._live = out.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._layers: dict[str, Layer] = {}
        self._rate = Rate()
        self._drawn = 0
        self._last_draw = 0.0
        self._begun = clock()

    def show(self, messages: Iterable[dict[str, Any]]) -> list[Any]:
        """Show all messages and return their `aux` values; raises CommandError for a failure."""
        extra = []
        for message in messages:
            if "error" in message or "errorDetail" in message:
                detail = message.get("errorDetail") or {}
                self._erase()
                raise CommandError(str(detail.get("message") or message.get("error", "")))
            if "aux" in message:
                extra.append(message["aux"])
            elif not self._quiet:
                self._take(message)
        self._finish()
        self._out.flush()
        return extra

    def _take(self, message: dict[str, Any]) -> None:
        detail = message.get("progressDetail") or {}
        identity, status = str(message.get("id") or ""), str(message.get("status") or "")
        if "stream" in message:
            self._line(str(message["stream"]).rstrip("\n"))
        elif self._live and identity and not status.startswith("Pulling from"):
            self._update(identity, status, detail)
        elif not detail.get("current"):
            self._line(f"{identity}: {status}" if identity else status)

    def _update(self, identity: str, status: str, detail: dict[str, Any]) -> None:
        layer = self._layers.setdefault(identity, Layer())
        changed = layer.status != status
        layer.update(status, detail)
        if changed or self._clock() - self._last_draw >= REDRAW_SECONDS:
            self._draw()

    def _line(self, text: str) -> None:
        if all(layer.final for layer in self._layers.values()):
            self._finish()
        self._erase()
        self._out.write(f"{text}\n")
        if self._layers:
            self._draw()
        self._out.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _draw(self) -> None:
        columns, height = width.size(self._out.fileno())
        self._erase()
        active = [(name, layer) for name, layer in self._layers.items() if layer.active]
        lines = [f"{name}: {layer.text()}" for name, layer in active[: max(height - 2, 1)]]
        lines.append(self.total())
        self._out.write("".join(f"{line[: columns - 1]}\n" for line in lines))
        self._out.flush()
        self._drawn = len(lines)
        self._last_draw = self._clock()

    def _finish(self) -> None:
        """Replace what was drawn by one line that stays."""
        if self._live and self._layers:
            self._erase()
            self._out.write(f"{self.summary()}\n")
        self._layers.clear()

    def total(self) -> str:
        """Return the line for all layers together: done, of how much, how fast, how much longer."""
        complete = sum(layer.final for layer in self._layers.values())
        text = f"Total: {complete}/{len(self._layers)} layers"
        for kind in MOVING:
            done, total = self._sum(kind)
            if done < total:
                break
        else:
            return text
        now = self._clock()
        rate = self._rate.of(kind, done, now)
        text += f", {kind.lower()} {decimal_size(done, 3)}/{decimal_size(total, 3)}"
        if rate:
            text += f", {decimal_size(rate, 3)}/s, {time_left((total - done) / rate)} left"
        return text

    def summary(self) -> str:
        """Return what is said in the end."""
        seconds = self._clock() - self._begun
        complete = sum(layer.final for layer in self._layers.values())
        text = f"Total: {complete} layer{'' if complete == 1 else 's'}"
        moved = self._sum("Downloading")[0] or self._sum("Pushing")[0]
        if moved and seconds > 0:
            rate = decimal_size(moved / seconds, 3)
            text += f", {decimal_size(moved, 3)} in {time_left(seconds)} ({rate}/s)"
        return text

    def _sum(self, kind: str) -> tuple[int, int]:
        pairs = [layer.work[kind] for layer in self._layers.values() if kind in layer.work]
        return sum(done for done, _ in pairs), sum(total for _, total in pairs)


def time_left(seconds: float) -> str:
    """Return a time to wait, in whole seconds, at least one."""
    whole = max(int(seconds + 0.999), 1)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"
