"""The life of an engine: recover, listen, tell who started us, serve, stop. And its signals.

SIGTERM, SIGINT    stop; containers go on, unless systemd says that the machine goes down.
                   A second one ends the process at once, which loses nothing but politeness:
                   the next engine recovers, as after a crash
SIGPWR             the machine goes down: containers are stopped first, then the engine. For
                   those who have no systemd to ask
SIGHUP             read the configuration and certificates again
SIGUSR1            write to the log what every thread and task is at
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Final

from wherry.api.server import Server
from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.notify import READY, STOPPING, notify, reloading
from wherry.daemon import logs
from wherry.daemon.compose import Engine
from wherry.daemon.configuration import ConfigurationError, Options, reload
from wherry.daemon.listeners import listen
from wherry.daemon.stacks import describe
from wherry.daemon.systemd.passed import take
from wherry.daemon.telling import Telling

if TYPE_CHECKING:
    import ssl

    from wherry.daemon.systemd.scope import Scope

log = logging.getLogger("wherryd")

_FORCED: Final = 1


class Life:
    """See the module; one for each process.

    `words` are those of the command line, `open_files` the limits that containers get.
    """

    def __init__(self, options: Options, words: Sequence[str], open_files: tuple[int, int]) -> None:
        self._options = options
        self._words = words
        self._open_files = open_files
        self._stopping = asyncio.Event()
        self._machine_stops = False
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Future[None]] = set()
        self._unit = _unit()

    async def live(self) -> None:
        """Live until a signal ends it. Raises WherryError and OSError where that cannot begin."""
        self._handle_stops()
        # Before anything is built of them: what is wrong with files is wrong at once.
        context = self._context()
        passed = take(os.environ)
        async with contextlib.AsyncExitStack() as stack:
            engine = Engine(self._options, stack)
            engine.bundles.open_files = self._open_files
            await engine.recover(self._scope(engine))
            stack.push_async_callback(engine.shut_down)
            if self._options.registry is not None:
                # The server's side of registries is for those who ask for it.
                from wherry.daemon.registry import serve_registry  # noqa: PLC0415

                await serve_registry(engine, self._options.registry, stack)
            server = Server(engine.services())
            stack.push_async_callback(server.close)
            await listen(server, self._options.hosts, self._options.group, passed, context)
            await self._serve(engine, server)

    async def _serve(self, engine: Engine, server: Server) -> None:
        telling = Telling(engine.events, lambda: _running(engine))
        notify(READY, telling.status())
        self._handle_others(engine, server, telling)
        filling = asyncio.create_task(engine.keepers.fill())
        restarting = asyncio.create_task(engine.recovery.restart())
        watching = asyncio.create_task(telling.tell())
        # What is there now stays for good: the collector need not look at it again.
        gc.freeze()
        gc.enable()
        await self._stopping.wait()
        notify(STOPPING)
        for task in (restarting, *self._tasks):
            task.cancel()
        # A keeper that has just been started is waited for: nobody else would end it.
        await asyncio.gather(filling, restarting, *self._tasks, return_exceptions=True)
        if self._machine_stops or await self._is_shutting_down():
            log.info("the machine goes down: stopping containers")
            notify(f"EXTEND_TIMEOUT_USEC={(engine.go_down.seconds() + 10) * 1_000_000}")
            await engine.go_down(lambda left: notify(f"STATUS=stopping {left} containers"))
        else:
            log.info("stopping; containers go on")
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    def _handle_stops(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGPWR, self._stop_with_machine)
        loop.add_signal_handler(signal.SIGUSR1, lambda: log.info("%s", describe()))
        # An engine that is not there yet has read the newest configuration.
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def _handle_others(self, engine: Engine, server: Server, telling: Telling) -> None:
        def begin() -> None:
            self._later(self._reload(engine, server, telling))

        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)

    def _stop(self) -> None:
        if self._stopping.is_set():
            log.warning("told twice to stop: ending at once")
            # Even where a thread hangs.
            os._exit(_FORCED)
        self._stopping.set()

    def _stop_with_machine(self) -> None:
        self._machine_stops = True
        self._stopping.set()

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self, engine: Engine, server: Server, telling: Telling) -> None:
        async with self._reloading:
            notify(*reloading())
            try:
                status = await self._apply(engine, server) or telling.status()
            except ConfigurationError as error:
                log.warning("nothing was reloaded: %s", error)
                status = "STATUS=reload failed, the configuration has mistakes: see the log"
            except (WherryError, OSError) as error:
                log.warning("not everything was reloaded: %s", error)
                status = "STATUS=reload failed: see the log"
            notify(READY, status)

    async def _apply(self, engine: Engine, server: Server) -> str:
        """Read configuration and certificates; what is wrong with either changes nothing."""
        found = await in_thread(reload, self._options, self._words)
        if found.options.tls is not None:
            from wherry.daemon.tls import context  # noqa: PLC0415 - for an engine that speaks it

            server.renew(await in_thread(context, found.options.tls))
        self._options = found.options
        logs.set_level(found.options.log_level, debug=found.options.debug)
        engine.reconfigure(found.options.engine)
        log.info("reloaded: %s", ", ".join(found.applied) or "nothing has changed")
        if not found.waiting:
            return ""
        waiting = ", ".join(found.waiting)
        log.warning("these settings wait for a restart of the engine: %s", waiting)
        return f"STATUS=a restart is needed for: {waiting}"

    def _context(self) -> ssl.SSLContext | None:
        if self._options.tls is None:
            return None
        from wherry.daemon.tls import context  # noqa: PLC0415 - for an engine that speaks it

        return context(self._options.tls)

    def _scope(self, engine: Engine) -> Scope | None:
        if not self._unit:
            return None
        # Where systemd has started us.
        from wherry.daemon.systemd.manager import Manager  # noqa: PLC0415
        from wherry.daemon.systemd.scope import Scope  # noqa: PLC0415
        from wherry.runtime.cgroups.hierarchy import hierarchy  # noqa: PLC0415

        return Scope(engine.id, self._unit, Manager(), hierarchy())

    async def _is_shutting_down(self) -> bool:
        if not self._unit:
            return False
        from wherry.daemon.systemd.manager import Manager  # noqa: PLC0415 - as above

        return await in_thread(Manager().is_shutting_down)


def _running(engine: Engine) -> int:
    return sum(record.state.running for record in engine.table)


def _unit() -> str:
    """Return the unit that we are, empty where systemd did not start us."""
    if "INVOCATION_ID" not in os.environ:
        return ""
    from wherry.daemon.systemd.manager import started_us  # noqa: PLC0415 - with systemd only

    return started_us(os.environ)
