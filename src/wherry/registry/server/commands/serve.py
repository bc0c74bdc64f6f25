"""`serve`: the registry itself, as one process or as several that share a port."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import resource
import signal

from wherry.registry.server.commands.common import add_settings, settings_of, write
from wherry.registry.server.commands.parser import Parser
from wherry.registry.server.operate.logs import set_up
from wherry.registry.server.operate.serving import serve
from wherry.registry.server.operate.worker import Worker, read_worker
from wherry.registry.server.operate.workers import Workers, held_port
from wherry.registry.server.settings import Settings

_EXAMPLES = """
  wherry registry serve                                    files below /var/lib/wherry-registry
  wherry registry serve --root ./images --listen 127.0.0.1:5000
  wherry registry serve --config /etc/wherry/registry.toml --validate
  wherry registry serve --listen :443 --tls-certificate cert.pem --tls-key key.pem \\
      --htpasswd /etc/wherry/htpasswd
"""


def declare(parser: Parser) -> None:
    """Add its flags."""
    parser.explain(
        (
            "Serve the registry until SIGTERM. Flags go before what the file says. SIGHUP: open\n"
            "logs anew, read accounts and certificates again."
        ),
        _EXAMPLES,
    )
    add_settings(parser)
    add = parser.add_argument
    add("--listen", metavar="ADDRESS:PORT", help="where to listen (0.0.0.0:5000)")
    add("--htpasswd", metavar="FILE", help="accounts, as `htpasswd -B` writes them (none)")
    add("--tls-certificate", metavar="FILE", help="serve HTTPS with this certificate, in PEM")
    add("--tls-key", metavar="FILE", help="the key of the certificate, in PEM")
    add("--validate", action="store_true", help="read the settings, say what is wrong, and end")
    add("--worker", type=read_worker, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve, or only look at the settings."""
    settings = settings_of(arguments)
    if arguments.validate:
        write("the settings are fine")
        return 0
    worker: Worker | None = arguments.worker
    # Until there is something to read again; without this it would end the process.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # A connection and a file for each client: as many as the machine lets us have.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    set_up(settings.operation.level, f"worker {worker.number}" if worker else "")
    if worker is not None:
        worker.end_with_parent()
    several = settings.listen.workers > 1 and worker is None
    serving = _parent(settings, arguments.words) if several else serve(settings, worker)
    try:
        asyncio.run(serving)
    except asyncio.CancelledError:
        logging.getLogger(__name__).info("stopped before it served")
    return 0


async def _parent(settings: Settings, words: list[str]) -> None:
    listen = settings.listen
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(held_port(listen.address, listen.port))
        await Workers(words, listen.workers, port).run()
