"""wherryd: reads the configuration, builds the engine, serves until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import grp
import logging
import os
import signal
import sys
from collections.abc import Sequence

from wherry.base.errors import InvalidError, WherryError
from wherry.daemon.options import ConfigurationError, Options, load
from wherry.daemon.pidfile import Pidfile

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - only where the user wrote tcp://:port

log = logging.getLogger("wherryd")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the engine; the exit status is 0 after SIGTERM and SIGINT, 1 when it cannot start."""
    try:
        options = load(sys.argv[1:] if arguments is None else arguments)
        if os.geteuid() != 0:
            raise ConfigurationError("wherryd needs root: namespaces and mounts are for root alone")
        _log(options)
        pidfile = Pidfile(options.pidfile)
    except (WherryError, OSError) as error:
        sys.exit(f"wherryd: {error}")
    try:
        asyncio.run(_serve(options))
    except (WherryError, OSError) as error:
        log.debug("start failed", exc_info=error)
        sys.exit(f"wherryd: {error}")
    finally:
        pidfile.close()


def _log(options: Options) -> None:
    logging.basicConfig(
        level=logging.DEBUG if options.debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("asyncio").setLevel(logging.INFO)


async def _serve(options: Options) -> None:
    # Here, so that `wherryd -h` and a wrong flag answer at once.
    from wherry.api.server import Server  # noqa: PLC0415
    from wherry.daemon.compose import Engine  # noqa: PLC0415

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with contextlib.AsyncExitStack() as stack:
        engine = Engine(options, stack)
        await engine.recover()
        stack.push_async_callback(engine.shut_down)
        if options.registry is not None:
            # The server's side of registries is for those who ask for it.
            from wherry.daemon.registry import serve_registry  # noqa: PLC0415

            await serve_registry(engine, options.registry, stack)
        server = Server(engine.services())
        stack.push_async_callback(server.close)
        group = _group(options.group)
        for host in options.hosts:
            await _listen(server, host, group)
            log.info("API listen on %s", host)
        restarting = asyncio.create_task(engine.recovery.restart())
        # What is there now stays for good: the collector need not look at it again.
        gc.freeze()
        await stopping.wait()
        log.info("stopping; containers go on")
        restarting.cancel()
        await asyncio.gather(restarting, return_exceptions=True)


def _group(name: str) -> int:
    if not name:
        return -1
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise InvalidError(f"--group: there is no group {name}") from None


async def _listen(server: object, host: str, group: int) -> None:
    from wherry.api.server import Server  # noqa: PLC0415

    assert isinstance(server, Server)
    scheme, _, rest = host.partition("://")
    if scheme == "unix":
        os.makedirs(os.path.dirname(rest), 0o711, exist_ok=True)
        await server.serve_unix(rest, 0o660, group)
        return
    name, _, port = rest.rpartition(":")
    if not port.isdecimal():
        raise InvalidError(f"{host}: give a port, as in tcp://127.0.0.1:2375")
    if name not in ("127.0.0.1", "localhost", "[::1]"):
        log.warning("%s: whoever reaches this address is root on this machine", host)
    await server.serve_tcp(name.strip("[]") or EVERY_ADDRESS, int(port))
