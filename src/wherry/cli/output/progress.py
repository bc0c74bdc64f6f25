"""Progress of pull, push and load.

On a terminal: a short line per layer and one total with rate and estimate, redrawn in place.
Elsewhere: docker's plain lines, without bars. Time comes in as a function.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from time import monotonic

from wherry.cli.errors import CommandError
from wherry.cli.output.units import decimal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

REDRAW_SECONDS = 0.1
FINAL = ("Pull complete", "Already exists", "Pushed", "Layer already exists", "Mounted from")


class Layer:
    """What is known of one layer."""

    __slots__ = ("current", "status", "total")

    def __init__(self, status: str) -> None:
        self.status = status
        self.current = 0
        self.total = 0


class Progress:
    """Shows messages as they come."""

    def __init__(self, out: TextIO, *, quiet: bool = False, clock: Callable[[], float] = monotonic):
        self._out = out
        self._quiet = quiet
        self._clock = clock
        self._live = out.isatty() and not quiet
        self._layers: dict[str, Layer] = {}
        self._drawn = 0
        self._last_draw = 0.0
        self._begun = clock()

    def show(self, messages: Iterable[dict[str, Any]]) -> list[Any]:
        """Show all messages and return their `aux` values; raises CommandError for a failure."""
        extra = []
        try:
            for message in messages:
                if "error" in message or "errorDetail" in message:
                    detail = message.get("errorDetail") or {}
                    raise CommandError(detail.get("message") or message.get("error", ""))
                if "aux" in message:
                    extra.append(message["aux"])
                    continue
                self._take(message)
        finally:
            if self._live and self._layers:
                self._draw()
            self._out.flush()
        return extra

    def _take(self, message: dict[str, Any]) -> None:
        if self._quiet:
            return
        if "stream" in message:
            self._line(message["stream"].rstrip("\n"))
            return
        identity, status = message.get("id", ""), message.get("status", "")
        if not self._live or not identity or status.startswith("Pulling from"):
            if not (
                message.get("progress") or (message.get("progressDetail") or {}).get("current")
            ):
                self._line(f"{identity}: {status}" if identity else status)
            return
        self._update(identity, status, message.get("progressDetail") or {})

    def _update(self, identity: str, status: str, detail: dict[str, Any]) -> None:
        layer = self._layers.setdefault(identity, Layer(status))
        changed = layer.status != status
        layer.status = status
        if detail.get("current") and status in ("Downloading", "Pushing"):
            layer.current = detail["current"]
            layer.total = max(detail.get("total") or 0, layer.total)
        elif status.startswith(FINAL) or status == "Download complete":
            layer.current = layer.total
        if changed or self._clock() - self._last_draw >= REDRAW_SECONDS:
            self._draw()

    def _line(self, text: str) -> None:
        self._erase()
        self._out.write(f"{text}\n")
        if self._layers:
            self._draw()
        else:
            self._out.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    def _draw(self) -> None:
        size = shutil.get_terminal_size()
        self._erase()
        shown = list(self._layers.items())[-max(size.lines - 2, 1) :]
        lines = [f"{identity}: {self._state(layer)}" for identity, layer in shown]
        lines.append(self.total())
        self._out.write("".join(f"{line[: size.columns - 1]}\n" for line in lines))
        self._out.flush()
        self._drawn = len(lines)
        self._last_draw = self._clock()

    @staticmethod
    def _state(layer: Layer) -> str:
        if layer.total and layer.current < layer.total:
            done, total = decimal_size(layer.current, 3), decimal_size(layer.total, 3)
            return f"{layer.status} {done}/{total}"
        return layer.status

    def total(self) -> str:
        """Return the line for all layers together: done, of how much, how fast, how much longer."""
        layers = self._layers.values()
        current, total = sum(x.current for x in layers), sum(x.total for x in layers)
        complete = sum(x.status.startswith(FINAL) for x in layers)
        text = f"Total: {complete}/{len(self._layers)} layers"
        if not total:
            return text
        rate = current / max(self._clock() - self._begun, 0.001)
        text += f", {decimal_size(current, 3)}/{decimal_size(total, 3)}, {decimal_size(rate, 3)}/s"
        if rate and current < total:
            text += f", {int((total - current) / rate) + 1}s left"
        return text
