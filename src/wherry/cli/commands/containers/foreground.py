"""Running a container before the user's eyes: what `run`, `start -a` and `attach` share.

The order is docker's: attach, then wait, then start, so that no output and no exit is missed.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable

from wherry.base.errors import UnavailableError, WherryError
from wherry.cli.command import Context
from wherry.cli.errors import CommandError
from wherry.cli.terminal import raw
from wherry.cli.terminal.detach import DEFAULT, parse_keys
from wherry.cli.terminal.session import Session, wait_readable
from wherry.cli.terminal.signals import PROXIED, Signals, caught
from wherry.client.engine import EngineClient, decode
from wherry.client.errors import ApiError
from wherry.client.http import Response

NOT_FOUND, NOT_EXECUTABLE, ENGINE_FAILED = 127, 126, 125


class Streams:
    """What is attached, and how."""

    __slots__ = ("detach_keys", "proxy", "stderr", "stdin", "stdout", "tty")

    def __init__(self, names: set[str], *, tty: bool, proxy: bool, detach_keys: str = "") -> None:
        self.stdin = "stdin" in names
        self.stdout = "stdout" in names
        self.stderr = "stderr" in names
        self.tty = tty
        self.proxy = proxy
        self.detach_keys = detach_keys


class Foreground:
    """An attached container from attach to exit."""

    def __init__(self, context: Context, container: str, streams: Streams) -> None:
        self._engine = context.engine
        self._container = container
        self._streams = streams

    def run(self, start: Callable[[], None] | None, condition: str) -> int:
        """Attach, wait, start; return the exit status, 0 when the user detached."""
        streams = self._streams
        keys = parse_keys(streams.detach_keys or DEFAULT)
        query = {
            "stream": True,
            "stdin": streams.stdin,
            "stdout": streams.stdout,
            "stderr": streams.stderr,
            "detachKeys": streams.detach_keys or None,
        }
        numbers = (
            *(PROXIED if streams.proxy else ()),
            *((signal.SIGWINCH,) if streams.tty else ()),
        )
        stream = self._engine.hijack(f"/containers/{self._container}/attach", query)
        with caught(numbers, self._on_signal) as signals, contextlib.closing(stream):
            waiting = open_wait(self._engine, self._container, condition)
            if start is not None:
                self._start(start, waiting)
            self._resize()
            with raw.raw_mode(wanted=streams.tty and streams.stdin):
                session = Session(
                    stream, tty=streams.tty, stdin=streams.stdin, keys=keys, signals=signals
                )
                if session.run():
                    return 0
            return exit_status(waiting, signals)

    @staticmethod
    def _start(start: Callable[[], None], waiting: Response) -> None:
        try:
            start()
        except WherryError:
            waiting.connection.close()
            raise

    def _on_signal(self, number: int) -> None:
        if number == signal.SIGWINCH:
            self._resize()
            return
        name = signal.Signals(number).name
        # The container may have ended just before.
        with contextlib.suppress(ApiError, UnavailableError):
            self._engine.post(f"/containers/{self._container}/kill", {"signal": name})

    def _resize(self) -> None:
        current = raw.size() if self._streams.tty else None
        if current is not None:
            with contextlib.suppress(ApiError, UnavailableError):
                query = {"h": current[0], "w": current[1]}
                self._engine.post(f"/containers/{self._container}/resize", query)


def open_wait(engine: EngineClient, container: str, condition: str) -> Response:
    """Begin to wait for the end of a container; the engine has registered it when this returns."""
    return engine.open_apart("POST", f"/containers/{container}/wait", {"condition": condition})


def exit_status(waiting: Response, signals: Signals | None = None) -> int:
    """Return the exit status that the engine tells at the end."""
    connected = waiting.connection.socket
    if connected is not None and not waiting.connection.buffered:
        wait_readable(connected, signals)
    reply = decode(waiting.read())
    waiting.connection.close()
    if not isinstance(reply, dict) or not isinstance(reply.get("StatusCode"), int):
        raise CommandError("the engine did not say how the container ended", ENGINE_FAILED)
    error = (reply.get("Error") or {}).get("Message")
    if error:
        raise CommandError(f"Error waiting for container: {error}", ENGINE_FAILED)
    return int(reply["StatusCode"])


def start_failure(message: str) -> int:
    """Return docker's exit status for a container that could not start."""
    lowered = message.lower()
    if any(text in lowered for text in ("executable file not found", "no such file or directory")):
        return NOT_FOUND
    if any(text in lowered for text in ("permission denied", "is a directory")):
        return NOT_EXECUTABLE
    return ENGINE_FAILED
