"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a container: pure text.

User edits of these live as long as the run: they are written anew at each start, as Docker does.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from wherry.base.errors import InvalidError
from wherry.network.resolver import PUBLIC

_HOSTS: Final = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
HOST_GATEWAY: Final = "host-gateway"


def hosts(
    extra: Iterable[str],
    addresses: Iterable[str],
    hostname: str,
    domain: str,
    gateway: str,
    fixed: str = "",
) -> str:
    """Return the hosts file: `fixed` or the usual lines, --add-host, the container's own names."""
    lines = [f"{fixed.rstrip()}\n" if fixed else _HOSTS]
    for entry in extra:
        name, address = split_extra(entry)
        lines.append(f"{gateway if address == HOST_GATEWAY else address}\t{name}\n")
    names = f"{hostname}.{domain} {hostname}" if domain else hostname
    lines += [f"{address}\t{names}\n" for address in addresses]
    return "".join(lines)


def split_extra(entry: str) -> tuple[str, str]:
    """Split `name:address` (or `name=address`); raises InvalidError in Docker's words."""
    separator = "=" if "=" in entry else ":"
    name, found, address = entry.partition(separator)
    if not found or not is_word(name) or not address:
        raise InvalidError(f'bad format for add-host: "{entry}"')
    address = address.strip("[]")
    if address != HOST_GATEWAY and not is_address(address):
        raise InvalidError(f'invalid IP address in add-host: "{address}"')
    return name, address


def is_word(text: str) -> bool:
    """Tell whether a text stays one word of one line in the files here."""
    return text.isprintable() and not any(c.isspace() or c == "#" for c in text) and bool(text)


def is_address(text: str) -> bool:
    """Tell whether a text is an address, IPv4 or IPv6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def resolv_conf(
    host: Mapping[str, Sequence[str]],
    *,
    embedded: str = "",
    servers: Sequence[str] = (),
    search: Sequence[str] = (),
    options: Sequence[str] = (),
    loopback: bool = False,
) -> str:
    """Return resolv.conf: the embedded resolver's address, or the host's.

    Those on the host's loopback are left out unless the container has that same loopback.
    """
    if embedded:
        nameservers: Sequence[str] = [embedded]
    else:
        told = host.get("nameserver", ())
        own = [s for s in told if loopback or not on_loopback(s)]
        nameservers = servers or own or PUBLIC
    searched = search or host.get("search", ())
    chosen = list(options or host.get("options", ()))
    if embedded and not any(word.startswith("ndots:") for word in chosen):
        chosen.append("ndots:0")
    lines = [f"nameserver {server}" for server in nameservers]
    if searched and list(searched) != ["."]:
        lines.append(f"search {' '.join(searched)}")
    if chosen:
        lines.append(f"options {' '.join(chosen)}")
    return "\n".join(lines) + "\n"


def on_loopback(server: str) -> bool:
    """Tell whether a name server is on whatever loopback it is asked from."""
    return server.startswith("127.") or server == "::1"
