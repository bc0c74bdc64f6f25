"""The audit log: who did what, one line of JSON for each, appended to a file.

Written down: logins, pushes, deletes, mounts, pulls where that is asked for, and what was refused
to somebody who had credentials (the first request of every client has none and is refused: that is
how it learns where to log in). Never in it: passwords, secrets, tokens, bodies. A login that failed
has the name that was tried in `tried`.

A line goes out with one write in append mode, so several processes can share a file, and other
programs can move it away before `reopen`. What a client chose is escaped by JSON, so a line is
always one line. When the file cannot be written, serving goes on: that is logged once, and again
after it has worked in between.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime

from wherry.base.errors import UnavailableError
from wherry.registry.server.access.credentials import (
    Password,
    UnreadableCredentialsError,
    read_authorization,
)
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.log_file import STANDARD_OUTPUT, open_log

_log = logging.getLogger(__name__)

_RECORDED = frozenset({"login", "push", "delete", "mount"})
_REFUSALS = frozenset({401, 403, 429})
_LONGEST = 1024


class AuditLogError(UnavailableError):
    """The audit log cannot be opened."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(f"the audit log {path} cannot be opened: {error.strerror or error}")


class AuditLog:
    """An observer that keeps the log; "-" is standard output."""

    def __init__(self, path: str, now: Callable[[], float], *, pulls: bool = False) -> None:
        """Open the file; raises AuditLogError."""
        self._path = path
        self._now = now
        self._recorded = _RECORDED | {"pull"} if pulls else _RECORDED
        self._failing = False
        self._broken_line = False
        self._descriptor = self._opened()

    def finished(self, exchange: Exchange) -> None:
        """Write down an exchange, if it is of a kind that is."""
        if action := self._action(exchange):
            self._write(record(exchange, action, self._now()))

    def reopen(self) -> None:
        """Open the file anew, after it has been moved away; raises AuditLogError."""
        descriptor = self._opened()
        self.close()
        self._descriptor = descriptor

    def close(self) -> None:
        """Close the file."""
        if self._path != STANDARD_OUTPUT:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)

    def _opened(self) -> int:
        try:
            return open_log(self._path)
        except OSError as error:
            raise AuditLogError(self._path, error) from error

    def _action(self, exchange: Exchange) -> str:
        if exchange.status in _REFUSALS:
            known = "authorization" in exchange.peer.headers or exchange.caller.name
            return "refused" if known or exchange.action else ""
        return exchange.action if exchange.action in self._recorded else ""

    def _write(self, line: bytes) -> None:
        # After a disk was full in the middle of a line, the next one begins on a line of its own.
        data = b"\n" + line if self._broken_line else line
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            if not self._failing:
                _log.error("the audit log %s cannot be written: %s", self._path, error)
            self._failing = True
            return
        self._failing = False
        self._broken_line = written < len(data)


def record(exchange: Exchange, action: str, now: float) -> bytes:
    """Return the line of an exchange."""
    caller = exchange.caller
    fields: dict[str, object] = {
        "time": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
        "request": exchange.id,
        "action": action,
        "caller": caller.name,
        "address": exchange.peer.address,
        "repository": exchange.repository,
        "reference": exchange.reference,
        "digest": exchange.digest,
        "status": exchange.status,
        "error": exchange.error,
        "wanted": exchange.action if action == "refused" else "",
        "tried": "" if caller.name else tried_name(exchange),
    }
    # What says nothing is left out; what a client sent is cut, and escaped as ASCII.
    kept = {
        name: value[:_LONGEST] if isinstance(value, str) else value
        for name, value in fields.items()
        if value or name == "caller"
    }
    return json.dumps(kept, separators=(",", ":")).encode() + b"\n"


def tried_name(exchange: Exchange) -> str:
    """Return the name that somebody tried to log in with by Basic, "" for none."""
    try:
        given = read_authorization(exchange.peer.headers.get("authorization", ""))
    except UnreadableCredentialsError:
        return ""
    return given.name if isinstance(given, Password) else ""
