"""The engine's log: on standard error, as text, as JSON, or as systemd's journal has it.

A journal adds time and program by itself, and takes a line's weight from a number in front of it
(sd-daemon(3)); a terminal or a file gets both from here.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Final, TextIO

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_WEIGHTS: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (20, 6))
_DEBUG_WEIGHT: Final = 7


class JsonFormatter(logging.Formatter):
    """One object for each record: time (RFC 3339), level, logger, msg; a traceback as `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        import json  # noqa: PLC0415 - for those who want it

        seconds = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        zone = self.formatTime(record, "%z")
        line = {
            "time": f"{seconds}.{int(record.msecs):03}{zone[:3]}:{zone[3:]}",
            "level": _word(record.levelno),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class JournalFormatter(logging.Formatter):
    """Lines with their weight, each of several alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, or several."""
        weight = next((w for least, w in _WEIGHTS if record.levelno >= least), _DEBUG_WEIGHT)
        lines = super().format(record).splitlines()
        return "\n".join(f"<{weight}>{line}" for line in lines)


def _word(level: int) -> str:
    return next((word for word, least in reversed(LEVELS.items()) if level >= least), "debug")


def set_up(level: str, form: str, *, debug: bool, environment: Mapping[str, str]) -> None:
    """Log to standard error from now on; `form` is `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json":
        handler.setFormatter(JsonFormatter())
    elif goes_to_journal(sys.stderr, environment):
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter(_TEXT))
    logging.basicConfig(handlers=[handler], force=True)
    set_level(level, debug=debug)


def set_level(level: str, *, debug: bool) -> None:
    """Change how much is logged; `debug` wins."""
    logging.getLogger().setLevel(logging.DEBUG if debug else LEVELS[level])
    logging.getLogger("asyncio").setLevel(logging.INFO)


def goes_to_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether a stream is the one that JOURNAL_STREAM names, by device and inode."""
    try:
        told = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{told.st_dev}:{told.st_ino}"
