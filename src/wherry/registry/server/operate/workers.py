"""Several processes that share a port: the parent, which serves nothing itself.

It starts the workers as programs of their own, and the kernel shares connections out among them
(SO_REUSEPORT). A worker that ends is started again, more slowly the more often it does; one that
cannot even start at the beginning ends all of it. Signals are passed on. When the parent is killed,
the kernel stops the workers.

The parent holds the port with a socket that does not listen: the port stays ours while workers come
and go, and its number is known before they start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence

from wherry.base.errors import InternalError, UnavailableError
from wherry.base.notify import READY, STOPPING, VARIABLE, notify
from wherry.base.values import dataclass, field
from wherry.registry.server.operate.worker import Worker

STOP_SECONDS = 20.0
_SETTLED_SECONDS = 60.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0
_log = logging.getLogger(__name__)


class ListenError(UnavailableError):
    """The port cannot be had."""

    def __init__(self, address: str, port: int, error: OSError) -> None:
        host = f"[{address}]" if ":" in address else address
        super().__init__(
            f"{host}:{port} cannot be listened on: {_reason(error)}: "
            "choose another with --listen, or with address and port in [listen]"
        )


def _reason(error: OSError) -> str:
    # The words that come with the error have address and number in them once more.
    return (os.strerror(error.errno) if error.errno else str(error)).lower()


class WorkerFailedError(InternalError):
    """A worker has ended before all of them served; it has said itself why."""

    def __init__(self, number: int, status: int) -> None:
        super().__init__(f"worker {number} did not start: status {status}: its reason is above")


@contextlib.contextmanager
def held_port(address: str, port: int) -> Iterator[int]:
    """Hold a port for processes that share it, and yield its number; raises ListenError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            holder.bind((address, port))
        except OSError as error:
            raise ListenError(address, port, error) from error
        yield int(holder.getsockname()[1])


@dataclass(slots=True)
class Workers:
    """`words` is the command line that workers have, without the program's name."""

    words: Sequence[str]
    count: int
    port: int
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)
    _ready: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Keep them running until a signal says to stop; raises WorkerFailedError."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._send, signal.SIGHUP)
        with contextlib.ExitStack() as stack:
            files = tuple(_file(stack) for _ in range(self.count))
            told, ready = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            stack.callback(os.close, told)
            stack.callback(os.close, ready)
            loop.add_reader(told, self._told, told)
            stack.callback(loop.remove_reader, told)
            made = [Worker(n, os.getpid(), self.port, ready, files) for n in range(self.count)]
            await self._run_all(made)

    async def _run_all(self, workers: Sequence[Worker]) -> None:
        keeping = [asyncio.create_task(self._keep(worker)) for worker in workers]
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([stopping, *keeping], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            stopping.cancel()
            notify(STOPPING)
            await self._stop(keeping)
        for ended in keeping:
            ended.result()

    async def _stop(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        self._send(signal.SIGTERM)
        _, late = await asyncio.wait(keeping, timeout=STOP_SECONDS)
        if late:
            _log.warning("%d workers did not stop in time, and are killed", len(late))
            self._send(signal.SIGKILL)
            await asyncio.wait(late)

    async def _keep(self, worker: Worker) -> None:
        """Have one worker running, until all of them stop."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping.is_set():
            began = loop.time()
            status = await self._run_one(worker)
            if self._stopping.is_set():
                return
            if not self._all_serve:
                raise WorkerFailedError(worker.number, status)
            failures = 0 if loop.time() - began > _SETTLED_SECONDS else failures + 1
            pause = min(_FIRST_PAUSE * 2 ** min(failures, 10), _LONGEST_PAUSE)
            words = "worker %d ended with status %d, and is started again in %.1f s"
            _log.error(words, worker.number, status, pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _run_one(self, worker: Worker) -> int:
        environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
        command = [sys.executable, "-P", "-m", "wherry.registry.server", *self.words]
        process = await asyncio.create_subprocess_exec(
            *command,
            "--worker",
            worker.word(),
            stdin=asyncio.subprocess.DEVNULL,
            env=environment,
            pass_fds=(worker.ready, *worker.files),
        )
        self._running[worker.number] = process
        if self._stopping.is_set():  # the signal came before there was anybody to pass it on to
            self._send(signal.SIGTERM)
        try:
            return await process.wait()
        finally:
            del self._running[worker.number]

    def _send(self, number: signal.Signals) -> None:
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    def _told(self, file: int) -> None:
        served = self._all_serve
        with contextlib.suppress(BlockingIOError):
            self._ready.update(os.read(file, 1024))
        if self._all_serve and not served:
            _log.info("%d workers share port %d", self.count, self.port)
            notify(READY, f"STATUS={self.count} workers share port {self.port}")

    @property
    def _all_serve(self) -> bool:
        return len(self._ready) >= self.count


def _file(stack: contextlib.ExitStack) -> int:
    made = os.memfd_create("wherry-registry-figures", os.MFD_CLOEXEC)
    stack.callback(os.close, made)
    return made
