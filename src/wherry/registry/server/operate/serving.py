"""One process that serves, from its start to its end: signals, certificates, what is told of it.

SIGTERM and SIGINT stop it: what is running is finished, for a bounded time. SIGHUP has it open its
logs anew, and read certificates and accounts again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from wherry import __version__
from wherry.base.crossing import in_thread
from wherry.base.notify import READY, STOPPING, notify
from wherry.registry.server.compose import Registry, build
from wherry.registry.server.operate.exposition import Siblings
from wherry.registry.server.operate.tls import Certificates
from wherry.registry.server.operate.worker import Worker
from wherry.registry.server.operate.workers import ListenError
from wherry.registry.server.settings import FileStorage, Settings

_log = logging.getLogger(__name__)
# An upload has a thread for as long as its client sends: with asyncio's own few, a handful of slow
# clients would hold up everybody. Those that are not needed are not made.
_THREADS = 256


async def serve(settings: Settings, worker: Worker | None = None) -> None:
    """Serve until a signal says to stop; raises what keeps it from starting."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, "registry"))
    serving = asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        # Whatever it waits for until it serves need not be waited for any more.
        loop.add_signal_handler(number, serving.cancel)
    async with AsyncExitStack() as stack:
        siblings = Siblings(worker.files, worker.number) if worker else None
        registry = await build(settings, stack, siblings)
        certificates = await _listen(registry, settings, worker)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        reloading = _Reloading(registry, certificates)
        loop.add_signal_handler(signal.SIGHUP, reloading.begin)
        stack.push_async_callback(reloading.close)
        _tell(settings, registry, worker)
        # What is there now stays for good: the collector need not look at it again.
        gc.freeze()
        await stopping.wait()
        if worker is None:
            notify(STOPPING)
        _log.info("stopping: what is running is finished first")
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)  # whoever asks twice wants it at once
    _log.info("stopped")


async def _listen(
    registry: Registry, settings: Settings, worker: Worker | None
) -> Certificates | None:
    listen = settings.listen
    certificates = await in_thread(Certificates, settings.tls) if settings.tls else None
    context = certificates.context if certificates else None
    port = worker.port if worker else listen.port
    try:
        await registry.server.listen(
            listen.address, port, ssl_context=context, reuse_port=worker is not None
        )
    except OSError as error:
        raise ListenError(listen.address, port, error) from error
    return certificates


class _Reloading:
    """Reads again what may change while the registry serves."""

    def __init__(self, registry: Registry, certificates: Certificates | None) -> None:
        self._registry = registry
        self._certificates = certificates
        self._tasks: set[asyncio.Task[None]] = set()
        if certificates is not None:
            self._keep(asyncio.create_task(certificates.watch()))

    def begin(self) -> None:
        """Read everything again."""
        self._keep(asyncio.create_task(self._reload()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        _log.info("reading again: logs, accounts and certificates")
        await self._registry.reload()
        if self._certificates is not None:
            await in_thread(self._certificates.reload)

    async def close(self) -> None:
        """Stop reading."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell(settings: Settings, registry: Registry, worker: Worker | None) -> None:
    url = url_of(settings, registry.server.port)
    if worker is not None:
        worker.say_ready()
        _log.info("worker %d serves", worker.number)
        if worker.number:
            return
    storage = settings.storage
    kept = storage.root if isinstance(storage, FileStorage) else f"bucket {storage.bucket}"
    database = "PostgreSQL" if settings.database else "SQLite"
    _log.info("wherry registry %s: %s, kept in %s, %s", __version__, url, kept, database)
    if settings.access.open:
        _log.warning(
            "everybody who reaches this address may push and delete: set access.htpasswd for "
            "accounts"
        )
    if worker is None:
        notify(READY, f"STATUS=serving at {url}")


def url_of(settings: Settings, port: int) -> str:
    """Return where the registry is."""
    listen = settings.listen
    if listen.url:
        return listen.url
    host = f"[{listen.address}]" if ":" in listen.address else listen.address
    return f"{'https' if settings.tls else 'http'}://{host}:{port}"
