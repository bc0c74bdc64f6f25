"""Where a registry is found: hosts, schemes, mirrors, and which hosts need no verified TLS."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.oci.reference import DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN
from wherry.registry.client.settings import RegistrySettings

log = logging.getLogger(__name__)

DEFAULT_HOST = "registry-1.docker.io"
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_LOOKUP_SECONDS = 10

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class InvalidRegistryError(InvalidError):
    """An insecure registry in the settings is neither `host[:port]` nor a CIDR."""


class InvalidMirrorError(InvalidError):
    """A mirror in the settings is not the URL of a registry."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One base URL, without a slash at its end; `host` is `host[:port]`."""

    url: str
    host: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Site:
    """A registry, and the URLs that it may answer at, the better first."""

    endpoints: tuple[Endpoint, ...]
    mirror: bool = False


class Endpoints:
    """Finds the sites of a domain; mirrors and insecure hosts are read once from the settings."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._hosts, self._networks = _insecure(settings.insecure)
        self._mirrors = [_mirror(url) for url in dict.fromkeys(settings.mirrors)]

    async def sites(self, domain: str, *, mirrors: bool) -> list[Site]:
        """Return where to ask for repositories of `domain`, in order; the last is the registry."""
        if domain in (DEFAULT_DOMAIN, LEGACY_DEFAULT_DOMAIN):
            found = [await self._mirror_site(url, host) for url, host in self._mirrors if mirrors]
            official = Endpoint(f"https://{DEFAULT_HOST}", DEFAULT_HOST, verified=True)
            return [*found, Site((official,))]
        if not await self.insecure(domain):
            return [Site((Endpoint(f"https://{domain}", domain, verified=True),))]
        urls = (f"https://{domain}", f"http://{domain}")
        return [Site(tuple(Endpoint(url, domain, verified=False) for url in urls))]

    async def _mirror_site(self, url: str, host: str) -> Site:
        verified = not await self.insecure(host)
        return Site((Endpoint(url, host, verified),), mirror=True)

    async def insecure(self, host: str) -> bool:
        """Tell whether `host[:port]` is listed, or one of its addresses is within a network."""
        if host in self._hosts:
            return True
        name = urlsplit(f"//{host}").hostname or host
        try:
            addresses = [ipaddress.ip_address(name)]
        except ValueError:
            addresses = await _addresses(name)
        return any(address in network for address in addresses for network in self._networks)


def _insecure(listed: Sequence[str]) -> tuple[frozenset[str], list[_Network]]:
    hosts: set[str] = set()
    networks: list[_Network] = [ipaddress.ip_network(text) for text in _LOOPBACK]
    for entry in listed:
        text = entry.removeprefix("http://").removeprefix("https://").rstrip("/")
        if "/" not in text:
            hosts.add(text)
            continue
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise InvalidRegistryError(f"insecure registry {entry} is not valid: {error}") from None
    return frozenset(hosts), networks


def _mirror(text: str) -> tuple[str, str]:
    url = (text if "://" in text else f"https://{text}").rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        valid = valid and not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        valid = False
    if not valid:
        raise InvalidMirrorError(f"invalid mirror: {text!r} is not the URL of a registry")
    return url, parts.netloc


async def _addresses(name: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Look a name up; nothing when that fails, for then the name alone decides."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LOOKUP_SECONDS):
            found = await loop.getaddrinfo(name, None)
    except (OSError, TimeoutError, UnicodeError) as error:
        log.debug("looking up %s: %s", name, error)
        return []
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
