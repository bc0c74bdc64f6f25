"""Telling whoever started us how it goes: systemd, or the parent of several processes.

One datagram for each message to the socket that NOTIFY_SOCKET names, as sd_notify(3) has it. Nobody
is told when there is none, and a failure is logged and nothing more.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"
READY = "READY=1"
STOPPING = "STOPPING=1"

_log = logging.getLogger(__name__)


def notify(*lines: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send a message of some lines."""
    address = environment.get(VARIABLE, "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(lines).encode(), address)
    except OSError as error:
        _log.info("%s cannot be told %s: %s", address, lines[0], error)


def reloading() -> tuple[str, str]:
    """Return the lines that say that a reload begins; READY ends it."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"
