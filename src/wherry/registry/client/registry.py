"""The entry: opens repositories, searches, checks credentials; connections are shared."""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError
from wherry.oci.reference import DEFAULT_DOMAIN, Reference
from wherry.registry import protocol
from wherry.registry.auth.credentials import ANONYMOUS, Credentials, credentials_of
from wherry.registry.auth.token import TokenCache
from wherry.registry.client.authorizer import Line
from wherry.registry.client.endpoints import Endpoint, Endpoints, Site
from wherry.registry.client.remote import Remote
from wherry.registry.client.repository import Repository
from wherry.registry.client.search import (
    CATALOG_SCOPE,
    HUB_SCOPE,
    INDEX,
    SearchResult,
    search,
)
from wherry.registry.client.settings import Limits, RegistrySettings
from wherry.registry.client.source import Source
from wherry.registry.client.tls import Contexts
from wherry.wire.requests import AuthConfig

if TYPE_CHECKING:
    from wherry.registry.client.transport import Transport


class InvalidServerAddressError(InvalidError):
    """The address to log in to is not one."""


class RegistryClient:
    """One for an engine; belongs to one event loop."""

    def __init__(self, settings: RegistrySettings, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._endpoints = Endpoints(settings)
        self._proxies = settings.proxies
        self._contexts = Contexts(settings.certificates, settings.authorities)
        self._tokens = TokenCache(time.monotonic)
        self._worked: dict[str, str] = {}
        self._transport: Transport | None = None
        self._opening = asyncio.Lock()

    def reconfigure(self, settings: RegistrySettings, limits: Limits) -> None:
        """Take up new insecure registries, mirrors, proxies and limits, for what begins after it.

        Raises InvalidRegistryError, InvalidMirrorError; then everything is as it was.
        """
        self._endpoints = Endpoints(settings)
        self._proxies, self._limits = settings.proxies, limits
        if self._transport is not None:
            self._transport.reconfigure(limits, settings.proxies)

    async def close(self) -> None:
        """Close all connections; fetches and uploads under way fail."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def repository(
        self, reference: Reference, credentials: AuthConfig | None, *, push: bool = False
    ) -> Repository:
        """Connect to the registry of `reference`, or to a mirror of it.

        Credentials are not shown to mirrors. Raises UnavailableError when nothing answers.
        """
        actions = ("push", "pull") if push else ("pull",)
        scope = protocol.repository_scope(reference.path, *actions)
        sites = await self._endpoints.sites(reference.domain, mirrors=not push)
        own = credentials_of(credentials)
        sources = [self.source(site, ANONYMOUS if site.mirror else own, (scope,)) for site in sites]
        repository = Repository(reference, sources)
        await repository.connect()
        return repository

    async def login(self, credentials: AuthConfig) -> str:
        """Check credentials with the registry at their `serveraddress`.

        Returns "", or an identity token to keep instead of the password. Raises UnauthorisedError,
        UnavailableError, InvalidServerAddressError.
        """
        domain = _server(credentials.serveraddress)
        sites = await self._endpoints.sites(domain, mirrors=False)
        remote = await self.source(sites[-1], credentials_of(credentials), ()).connect()
        return await remote.login()

    async def search(
        self, domain: str, term: str, limit: int, credentials: AuthConfig | None
    ) -> list[SearchResult]:
        """Ask a registry, or Docker Hub's index, for repositories; raises as `client.search`."""
        site, scope = INDEX, HUB_SCOPE
        if domain != DEFAULT_DOMAIN:
            site = (await self._endpoints.sites(domain, mirrors=False))[-1]
            scope = CATALOG_SCOPE
        remote = await self.source(site, credentials_of(credentials), (scope,)).connect()
        return await search(remote, term, limit)

    def source(self, site: Site, credentials: Credentials, scopes: tuple[str, ...]) -> Source:
        """Return one site, whatever the settings say of mirrors; it connects when it is used."""

        async def open_(endpoint: Endpoint) -> Remote:
            if endpoint.verified:
                context = await in_thread(self._contexts.verified, endpoint.host)
            else:
                context = await in_thread(self._contexts.unverified)
            line = Line(await self._connections(), endpoint, context, self._limits)
            return Remote(line, credentials, scopes, self._tokens)

        return Source(site, self._worked, open_)

    async def _connections(self) -> Transport:
        async with self._opening:
            if self._transport is None:
                # In a thread, for the event loop serves others meanwhile.
                name = "wherry.registry.client.transport"
                module = await in_thread(importlib.import_module, name)
                transport: Transport = module.Transport(self._limits, self._proxies)
                self._transport = transport
            return self._transport


def _server(address: str) -> str:
    """Return the domain of a server address: a host, or a URL such as docker's old index."""
    if not address:
        return DEFAULT_DOMAIN
    try:
        netloc = urlsplit(address if "://" in address else f"https://{address}").netloc
        host = netloc.rpartition("@")[2]
        urlsplit(f"//{host}").port  # noqa: B018 - raises for what is not a port
    except ValueError:
        host = ""
    if not host:
        raise InvalidServerAddressError(f"unable to parse server address: {address[:200]!r}")
    return host
