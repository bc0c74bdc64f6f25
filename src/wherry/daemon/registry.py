"""The engine's own registry: from its options to a server. Loaded only where there is one."""

from __future__ import annotations

import logging
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from wherry.daemon.configuration import RegistryOptions
from wherry.engine.registry.backend import engine_backend
from wherry.engine.registry.names import Names, own_names
from wherry.registry.server.settings import Access, Listen, Settings, Tls

if TYPE_CHECKING:
    from wherry.daemon.compose import Engine

log = logging.getLogger("wherryd")


def names_of(options: RegistryOptions) -> Names:
    """Return the names of the registry that an engine with these options serves."""
    return own_names(options.host, options.port, os.uname().nodename.lower())


async def serve_registry(engine: Engine, options: RegistryOptions, stack: AsyncExitStack) -> None:
    """Serve the engine's images until the stack ends."""
    # The server's library, which takes a while to load, is not needed for the names.
    from wherry.engine.registry.serve import serve_images  # noqa: PLC0415

    backend = engine_backend(engine.store, names_of(options), engine.events, engine.images.remove)
    tls = Tls(options.certificate, options.key) if options.certificate else None
    settings = Settings(
        listen=Listen(options.host, options.port),
        tls=tls,
        access=Access(htpasswd=options.htpasswd),
    )
    await serve_images(backend, settings, stack)
    log.info("registry listens on %s:%d", options.host, options.port)
    _warn(options)


def _warn(options: RegistryOptions) -> None:
    if not options.is_public:
        return
    where = f"registry {options.host}:{options.port}"
    if not options.htpasswd:
        log.warning(
            "%s: whoever reaches this address can pull every image of this engine, and programs of"
            " this machine can push; --registry-htpasswd gives it accounts", where,
        )  # fmt: skip
    elif not options.certificate:
        log.warning(
            "%s: passwords and images cross the network in the clear; --registry-tls-certificate"
            " and --registry-tls-key give it TLS", where,
        )  # fmt: skip
