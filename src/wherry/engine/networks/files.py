"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a container: pure text.

User edits of these live as long as the run: they are written anew at each start, as Docker does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from wherry.base.errors import InvalidError

_HOSTS: Final = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
_PUBLIC: Final = ("8.8.8.8", "8.8.4.4")
HOST_GATEWAY: Final = "host-gateway"


def hosts(
    extra: Iterable[str], addresses: Iterable[str], hostname: str, domain: str, gateway: str
) -> str:
    """Return the hosts file: fixed lines, --add-host, and the container's own names."""
    lines = [_HOSTS]
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
    if not found or not name or not address:
        raise InvalidError(f'bad format for add-host: "{entry}"')
    return name, address.strip("[]")


def resolv_conf(
    host: Mapping[str, Sequence[str]],
    *,
    embedded: str = "",
    servers: Sequence[str] = (),
    search: Sequence[str] = (),
    options: Sequence[str] = (),
) -> str:
    """Return resolv.conf: the embedded resolver's address, or the host's without its loopback."""
    if embedded:
        nameservers: Sequence[str] = [embedded]
    else:
        own = [s for s in host.get("nameserver", ()) if not s.startswith(("127.", "::1"))]
        nameservers = servers or own or _PUBLIC
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
