"""Kinds of values that say where something is on a network."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from wherry.base.configuration.values import Kind, Place, shown, text
from wherry.registry.server.cache.routes import InvalidUpstreamError, site_of


def address(place: Place, value: Any) -> str | None:
    """An IP address, or localhost."""
    found = text(place, value)
    if found is None:
        return None
    try:
        return str(ipaddress.ip_address(found.strip("[]")))
    except ValueError:
        if found == "localhost":
            return found
    place.complain(f'an IP address is wanted, such as "0.0.0.0" or "::1", not {shown(value)}')
    return None


def network(place: Place, value: Any) -> str | None:
    """An IP address or a network, as 10.0.0.0/8."""
    found = text(place, value)
    if found is None:
        return None
    try:
        return str(ipaddress.ip_network(found))
    except ValueError as error:
        hint = f" ({error})" if "host bits" in str(error) else ""
    place.complain(
        f'an address or a network is wanted, such as "10.0.0.0/8", not {shown(value)}{hint}'
    )
    return None


def web_address(example: str, *, path: bool = True, empty: bool = False) -> Kind[str]:
    """A URL of http or https; without `path`, nothing behind its host and port."""

    def kind(place: Place, value: Any) -> str | None:
        found = text(place, value)
        if found is None or (empty and not found):
            return found
        if not _is_web_address(found):
            place.complain(f'a URL is wanted, such as "{example}", not {shown(value)}')
            return None
        parts = urlsplit(found)
        if parts.username or parts.password:
            place.complain("a URL with a name or a password in it: give them their own keys")
            return None
        if not path and (parts.path.strip("/") or parts.query or parts.fragment):
            place.complain(f'a URL without a path is wanted, such as "{example}"')
            return None
        return found if path else found.rstrip("/")

    return kind


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def upstream(place: Place, value: Any) -> str | None:
    """Another registry: a host, or a URL of one."""
    found = text(place, value)
    if found is None:
        return None
    try:
        site_of("" if " " in found else found)
    except InvalidUpstreamError:
        place.complain(
            'a registry is wanted, such as "docker.io" or "https://registry.example.com", '
            f"not {shown(value)}"
        )
        return None
    return found
