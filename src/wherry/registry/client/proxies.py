"""Which proxy a request goes through: the settings, or the environment. Pure.

The grammar is Go's (golang.org/x/net/http/httpproxy), which dockerd follows: NO_PROXY is a list of
hosts, of domains with all below them, of addresses and networks, each perhaps with a port, or `*`.
The loopback is never reached through a proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from wherry.base.values import dataclass

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxies:
    """URLs of proxies by the scheme of what is asked for, "" for none, and who needs none."""

    http: str = ""
    https: str = ""
    no_proxy: str = ""

    def of(self, url: str) -> str | None:
        """Return the proxy for a URL that is valid, None where it is reached directly."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme == "https" else self.http
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
        if not proxy or _is_direct(host, port, self.no_proxy):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def otherwise(self, other: Proxies) -> Proxies:
        """Return these, and the other's where there is nothing."""
        return Proxies(
            self.http or other.http, self.https or other.https, self.no_proxy or other.no_proxy
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that tell other programs of these, in the case that most read."""
        known = {"http_proxy": self.http, "https_proxy": self.https, "no_proxy": self.no_proxy}
        return {name: value for name, value in known.items() if value}


def from_environment(environment: Mapping[str, str]) -> Proxies:
    """Return what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say, or their lower-case names."""

    def said(name: str) -> str:
        return environment.get(name) or environment.get(name.lower(), "")

    return Proxies(said("HTTP_PROXY"), said("HTTPS_PROXY"), said("NO_PROXY"))


def _is_direct(host: str, port: int, no_proxy: str) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    words = (word.strip().lower() for word in no_proxy.split(","))
    return any(_matches(word, host, address, port) for word in words if word)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _matches(
    word: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int
) -> bool:
    if word == "*":
        return True
    if "/" in word:
        return address is not None and _within(address, word)
    name, wanted = _split(word)
    if wanted and wanted != str(port):
        return False
    if (one := _address(name)) is not None:
        return address == one
    bare = name.removeprefix("*")
    if bare.startswith("."):
        return host.endswith(bare)
    return host == bare or host.endswith(f".{bare}")


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _split(word: str) -> tuple[str, str]:
    """Return a host without brackets, and its port, empty without one."""
    if word.startswith("["):
        name, _, rest = word[1:].partition("]")
        return name, rest.removeprefix(":")
    if word.count(":") > 1:
        return word, ""  # an IPv6 address
    name, _, port = word.partition(":")
    return name, port
