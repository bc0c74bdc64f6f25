"""The registry of an engine, put together: guard, sites, server.

Loaded only by an engine that serves one, for the server's library takes a fifth of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
import ssl
import time
from collections.abc import Sequence

from wherry.base.crossing import in_thread
from wherry.base.errors import UnavailableError
from wherry.engine.registry.backend import EngineBackend
from wherry.engine.registry.guard import LocalGuard, accounts_guard
from wherry.engine.registry.site import SiteByCaller
from wherry.registry.server.access.access_guard import AccessGuard
from wherry.registry.server.access.token_site import TokenSite
from wherry.registry.server.http.exchange import Site
from wherry.registry.server.http.protocol_site import ProtocolSite
from wherry.registry.server.http.search import SearchSite
from wherry.registry.server.http.server import RegistryServer
from wherry.registry.server.operate.tls import Certificates
from wherry.registry.server.settings import Limits, Settings
from wherry.store.store import Store

_SECRET = "registry-secret"  # noqa: S105 - the name of a setting


class RegistryListenError(UnavailableError):
    """The registry's address cannot be had."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        reason = error.strerror or str(error)
        super().__init__(f"--registry {host}:{port}: {reason}: choose another address or port")


async def serve_images(
    backend: EngineBackend, settings: Settings, stack: contextlib.AsyncExitStack
) -> RegistryServer:
    """Serve until the stack ends; of the settings `listen`, `access.htpasswd` and `tls` count.

    Raises RegistryListenError, CertificateError, AccountsFileError, AccountsUnreadableError.
    """
    stack.push_async_callback(backend.close)
    guard = await _guard(backend.store, settings)
    server = RegistryServer(_sites(backend, guard, settings.limits), guard, (), settings.limits)
    context = await _tls(settings, stack)
    stack.push_async_callback(server.close)
    listen = settings.listen
    try:
        await server.listen(listen.address, listen.port, ssl_context=context)
    except OSError as error:
        raise RegistryListenError(listen.address, listen.port, error) from error
    return server


async def _guard(store: Store, settings: Settings) -> LocalGuard | AccessGuard:
    if not settings.access.htpasswd:
        return LocalGuard()
    # Kept, so that a login outlives the engine.
    secret = await in_thread(store.metadata.settings.get, _SECRET)
    if secret is None:
        secret = secrets.token_hex(32)
        await in_thread(store.metadata.settings.set, _SECRET, secret)
    return await accounts_guard(settings.access.htpasswd, bytes.fromhex(secret))


def _sites(
    backend: EngineBackend, guard: LocalGuard | AccessGuard, limits: Limits
) -> Sequence[Site]:
    public = ProtocolSite(backend, guard, limits)
    trusted = ProtocolSite(dataclasses.replace(backend, everything=True), guard, limits)
    sites: list[Site] = [SiteByCaller(guard, public, trusted), SearchSite(backend, guard)]
    if isinstance(guard, AccessGuard):
        sites.append(TokenSite(guard, time.time))
    return sites


async def _tls(settings: Settings, stack: contextlib.AsyncExitStack) -> ssl.SSLContext | None:
    if settings.tls is None:
        return None
    certificates = await in_thread(Certificates, settings.tls)
    watching = asyncio.create_task(certificates.watch())
    stack.callback(watching.cancel)
    return certificates.context
