"""Who a request comes from, and how it has reached us.

`X-Forwarded-For`, `-Proto` and `-Host` count only when the connection comes from a trusted proxy;
of the addresses the last one that is not a trusted proxy's is the client's.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Sequence

from aiohttp import web

from wherry.registry.server.access.guard import Peer

_HOST = re.compile(r"(?=.{1,255}$)(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_REMEMBERED = 1024
_SCHEMES = frozenset({"http", "https"})


class Peers:
    """`url` is how clients reach the registry, "" to go by their requests; `trusted_proxies` are
    addresses or networks."""

    def __init__(self, url: str, trusted_proxies: Sequence[str]) -> None:
        self._url = url.rstrip("/")
        self._networks = [ipaddress.ip_network(one, strict=False) for one in trusted_proxies]
        # One address makes many requests.
        self._plain = functools.lru_cache(_REMEMBERED)(plain_address)
        self._trusts = functools.lru_cache(_REMEMBERED)(self._is_trusted)

    def peer(self, request: web.BaseRequest) -> Peer:
        """Return a request as access sees it."""
        address = self._plain(request.remote or "")
        headers = request.headers
        probe = request.method == "HEAD" and "/blobs/" in request.path
        if self._networks and self._trusts(address):
            forwarded = ",".join(headers.getall("X-Forwarded-For", ()))
            client = self._client(forwarded, address)
            return Peer(client, headers, self._forwarded_base(request), probe)
        base = self._base(request, request.scheme, headers.get("Host", ""))
        return Peer(address, headers, base, probe)

    def trusts(self, request: web.BaseRequest) -> bool:
        """Tell whether what forwards a request may speak for its client."""
        return bool(self._networks) and self._trusts(self._plain(request.remote or ""))

    def _client(self, forwarded: str, address: str) -> str:
        for entry in reversed(forwarded.split(",")):
            named = self._plain(entry.strip())
            if not named:
                break
            address = named
            if not self._trusts(named):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def _forwarded_base(self, request: web.BaseRequest) -> str:
        headers = request.headers
        scheme = _first(headers.get("X-Forwarded-Proto", "")).lower()
        if scheme not in _SCHEMES:
            scheme = request.scheme
        host = _first(headers.get("X-Forwarded-Host", "")) or headers.get("Host", "")
        return self._base(request, scheme, host)

    def _base(self, request: web.BaseRequest, scheme: str, host: str) -> str:
        if self._url:
            return self._url
        if not _HOST.fullmatch(host):
            host = _own_host(request)
        return f"{scheme}://{host}"


def _first(value: str) -> str:
    return value.partition(",")[0].strip()


def _own_host(request: web.BaseRequest) -> str:
    """Return the address that a client without a usable Host has connected to."""
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    if not isinstance(name, tuple):
        return "localhost"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def plain_address(text: str) -> str:
    """Return an IP address in its usual form, without port, zone and brackets; "" for none."""
    host = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
