"""`system dial-stdio`: our standard streams joined to the engine's socket.

What `ssh://` addresses run on the engine's machine, wherry's and docker's own: `ssh host docker
system dial-stdio`, where `docker` may be this program. Two threads that block are all it takes,
and the streams' flags, which may be shared with others, stay as they are. It ends when the engine
has nothing more to say; the end of our input is passed on and ends nothing else.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options
from wherry.cli.terminal.session import write_all
from wherry.client import address

STDIN, STDOUT = 0, 1
_PIECE = 1 << 17


def dial(context: Context, _options: Options, _arguments: list[str]) -> int:
    """Carry bytes until the engine ends its direction."""
    found = context.choice.endpoint
    connected = address.parse(found.host, found.identity).connect()
    sys.stdout.flush()
    threading.Thread(target=_send, args=(connected,), name="stdin", daemon=True).start()
    while data := _receive(connected):
        write_all(STDOUT, data)
    return 0


def _send(connected: socket.socket) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        while data := os.read(STDIN, _PIECE):
            connected.sendall(data)
        connected.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side has gone; the other direction shows it


def _receive(connected: socket.socket) -> bytes:
    try:
        return connected.recv(_PIECE)
    except ConnectionError:
        return b""


DIAL = Command(
    "", "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
    dial, maximum=0,
    examples="              what 'docker -H ssh://host' runs on the host",
)  # fmt: skip
