"""How a command ends: errors go to standard error, and to the log that the caller reads."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator

from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.runtime.report import StepError


@dataclass(slots=True)
class Outcome:
    """The exit status of the command."""

    status: int = 0


@contextlib.contextmanager
def reported(parsed: argparse.Namespace) -> Iterator[Outcome]:
    """Turn an error into exit status 1, with its words told."""
    outcome = Outcome()
    try:
        yield outcome
    except (WherryError, StepError, OSError, ValueError, KeyError, TypeError) as error:
        text = _words(error)
        log(parsed, "error", text)
        if parsed.debug:
            import traceback  # noqa: PLC0415 - only to look for faults

            traceback.print_exc()
        sys.stderr.write(f"wherry-runtime: {text}\n")
        outcome.status = 1


def _words(error: Exception) -> str:
    if isinstance(error, KeyError | TypeError):
        # The only place where a value of the wrong shape comes from.
        return f"the configuration is not as the specification says: {error!r}"
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{error}{notes}"


def log(parsed: argparse.Namespace, level: str, message: str) -> None:
    """Append a line to the log, where there is one; it is no error when that fails."""
    if not parsed.log:
        return
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if parsed.log_format == "json":
        line = json.dumps({"level": level, "msg": message, "time": now})
    else:
        line = f'time="{now}" level={level} msg={json.dumps(message)}'
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    with contextlib.suppress(OSError), os.fdopen(os.open(parsed.log, flags, 0o644), "w") as file:
        file.write(f"{line}\n")
