"""Addresses to listen on, as `-H` takes them: `unix://PATH`, `tcp://HOST:PORT`, `fd://[NAME]`.

What may be left out is dockerd's: the scheme of a TCP address, its host (loopback) and its port.
"""

from __future__ import annotations

import re
from typing import Any, Final

from wherry.base.configuration.values import Place, shown, text
from wherry.daemon.configuration.options import DEFAULT_HOST

_PORT: Final = 2375
_TLS_PORT: Final = 2376
_LONGEST_PATH: Final = 107  # of a socket, in bytes, as the kernel counts
# Compiled when they are wanted: a start waits for each.
_TCP: Final = r"(?P<host>\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9._-]*)(?::(?P<port>[0-9]{0,5}))?"
_DESCRIPTOR: Final = r"[A-Za-z0-9._-]*"


def host(place: Place, value: Any) -> str | None:
    """Read an address; a TCP address may come back without its port, see `canonical`."""
    found = text(place, value)
    if found is None:
        return None
    scheme, separator, rest = found.strip().partition("://")
    if not separator:
        scheme, rest = "tcp", scheme
    readers = {"unix": _unix, "tcp": _tcp, "fd": _descriptor}
    if not separator and rest.startswith("/"):
        place.complain(f"the path of a socket has its scheme before it: write unix://{rest}")
        return None
    if scheme not in readers:
        place.complain(f"an address begins with unix://, tcp:// or fd://, not {shown(value)}")
        return None
    return readers[scheme](place, rest)


def _unix(place: Place, path: str) -> str | None:
    if not path:
        return DEFAULT_HOST
    if not path.startswith("/"):
        place.complain(f"the path of a socket begins with /: write unix:///{path}")
    elif len(path.encode()) > _LONGEST_PATH:
        place.complain(f"the path of a socket has at most {_LONGEST_PATH} bytes: {shown(path)}")
    else:
        return f"unix://{path}"
    return None


def _tcp(place: Place, rest: str) -> str | None:
    match = re.fullmatch(_TCP, rest.removesuffix("/"))
    if match is None or int(match["port"] or 1) not in range(1, 1 << 16):
        place.complain(
            f'a host and a port are wanted, such as "tcp://127.0.0.1:2376", not {shown(rest)}'
        )
        return None
    port = f":{int(match['port'])}" if match["port"] else ""
    return f"tcp://{match['host'] or '127.0.0.1'}{port}"


def _descriptor(place: Place, rest: str) -> str | None:
    if re.fullmatch(_DESCRIPTOR, rest):
        return f"fd://{rest}"
    place.complain(
        f"fd:// takes the number or the name of a socket of systemd's, not {shown(rest)}"
    )
    return None


def canonical(address: str, *, tls: bool) -> str:
    """Return an address that `host` has read with the port that Docker has for it."""
    match = re.fullmatch(_TCP, address.removeprefix("tcp://"))
    if not address.startswith("tcp://") or match is None or match["port"]:
        return address
    return f"{address}:{_TLS_PORT if tls else _PORT}"


def name_of(address: str) -> str:
    """Return the host of a TCP address, without brackets."""
    return address.removeprefix("tcp://").rpartition(":")[0].strip("[]")
