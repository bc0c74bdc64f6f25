"""URLs that a registry gives, and where credentials may go with them. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from wherry.registry.client.errors import HostileLocationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(r"[\x21-\x7e]+")


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port: what credentials belong to. The URL is valid already."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS[parts.scheme]


def keeps_credentials(origin: str, target: str) -> bool:
    """Tell whether credentials meant for `origin` may go to `target`.

    The same origin, or the same host when it turns from HTTP to HTTPS on the default ports.
    """
    before, after = origin_of(origin), origin_of(target)
    upgraded = before[0] == "http" and before[2] == 80 and after == ("https", before[1], 443)
    return before == after or upgraded


def joined(base: str, location: str) -> str:
    """Resolve a Location against the URL that it came from; raises HostileLocationError.

    Only http and https are gone to, and a user name within the URL is refused: it would be sent
    as credentials. Behind a proxy that ends TLS, registries name themselves by http; a host that
    was reached by HTTPS is not asked in the clear.
    """
    try:
        target = urlsplit(urljoin(base, location))
        valid = target.scheme in _DEFAULT_PORTS and bool(target.hostname)
        valid = valid and "@" not in target.netloc and target.port != 0
    except ValueError:
        valid = False
    if not valid or not location:
        raise HostileLocationError(f"the registry redirects to {location[:200]!r}")
    target = _upgraded(urlsplit(base), target)
    url = urlunsplit(target._replace(fragment=""))
    return url if _PLAIN.fullmatch(url) else quote(url, safe="!#$%&'()*+,/:;=?@[]~")


def _upgraded(base: SplitResult, target: SplitResult) -> SplitResult:
    same_host = (base.hostname, "https", "http") == (target.hostname, base.scheme, target.scheme)
    if same_host and target.port in (None, 80, base.port):
        return target._replace(scheme="https", netloc=base.netloc)
    return target


def shown(url: str, asked: str) -> str:
    """Return a URL for a message: where a redirect led, its query may hold a signature."""
    return url if url == asked else url.partition("?")[0]
