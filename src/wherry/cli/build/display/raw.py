"""Builds for programs: every event as a line of JSON, or nothing but what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from wherry.cli.build.display.board import Board


class Silent:
    """Shows nothing; keeps what is needed to explain a failure."""

    interval: float | None = None

    def __init__(self, clock: Callable[[], float]) -> None:
        self.board = Board()
        self._clock = clock

    def take(self, told: Mapping[str, Any]) -> None:
        """Take an event."""
        self.board.take(told, self._clock())

    def tick(self) -> None:
        """Nothing is shown."""

    def close(self) -> None:
        """Nothing was shown."""


class Raw(Silent):
    """Writes each event as it came, less what belongs to the connection."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self._write = write

    def take(self, told: Mapping[str, Any]) -> None:
        """Take an event."""
        super().take(told)
        shown = {key: value for key, value in told.items() if key != "type"}
        self._write(json.dumps(shown, ensure_ascii=False) + "\n")
