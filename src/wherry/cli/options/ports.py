"""Published and exposed ports: `[[ip:][host]:]container[/protocol]`, with ranges."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.cli.errors import UsageError
from wherry.cli.options.values import is_address

PROTOCOLS = ("tcp", "udp", "sctp")

Bindings = dict[str, list[dict[str, str]]]


def published(texts: Iterable[str]) -> Bindings:
    """Return the API's PortBindings of `--publish` values."""
    found: Bindings = {}
    for text in texts:
        for port, binding in _bindings(_long_syntax(text) if "=" in text else text):
            found.setdefault(port, []).append(binding)
    return found


def exposed(texts: Iterable[str]) -> list[str]:
    """Return the ports of `--expose` values, such as `80/tcp`."""
    found = []
    for text in texts:
        if ":" in text:
            raise UsageError(f"invalid port format for --expose: {text}")
        ports, protocol = _protocol(text, text)
        first, last = _range(ports, f"invalid range format for --expose: {text}: want 80 or 80-85")
        found += [f"{port}/{protocol}" for port in range(first, last + 1)]
    return found


def _long_syntax(text: str) -> str:
    """Rewrite `target=80,published=8080,protocol=tcp` in the short form."""
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    unknown = set(fields) - {"target", "published", "protocol", "mode"}
    if unknown:
        raise UsageError(f"invalid field key: {min(unknown)}")
    ports = f"{fields['published']}:" if "published" in fields else ""
    return f"{ports}{fields.get('target', '')}/{fields.get('protocol', 'tcp')}"


def _bindings(text: str) -> list[tuple[str, dict[str, str]]]:
    rest, protocol = _protocol(text, text)
    address, host, container = _split(rest)
    if not container:
        raise UsageError(f"no port specified: {text}<empty>")
    if address and not is_address(address):
        raise UsageError(f"invalid IP address: {address}")
    first, last = _range(container, f"invalid containerPort: {container}")
    count = last - first + 1
    if not host:
        hosts = [""] * count
    else:
        host_first, host_last = _range(host, f"invalid hostPort: {host}")
        if host_last - host_first + 1 == count:
            hosts = [str(port) for port in range(host_first, host_last + 1)]
        elif count == 1:
            hosts = [f"{host_first}-{host_last}"]
        else:
            raise UsageError(
                f"invalid ranges specified for container and host Ports: {container} and {host}"
            )
    return [
        (f"{port}/{protocol}", {"HostIp": address, "HostPort": host_port})
        for port, host_port in zip(range(first, last + 1), hosts, strict=True)
    ]


def _protocol(text: str, whole: str) -> tuple[str, str]:
    ports, _, protocol = text.partition("/")
    protocol = (protocol or "tcp").lower()
    if protocol not in PROTOCOLS:
        raise UsageError(f"invalid proto: {protocol}")
    if not ports:
        raise UsageError(f"no port specified: {whole}<empty>")
    return ports, protocol


def _split(text: str) -> tuple[str, str, str]:
    """Separate address, host ports and container ports; an IPv6 address is in brackets."""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        host, _, container = rest.removeprefix(":").rpartition(":")
        return address, host, container
    front, _, container = text.rpartition(":")
    address, _, host = front.rpartition(":")
    return address, host, container


def _range(text: str, complaint: str) -> tuple[int, int]:
    first, separator, last = text.partition("-")
    last = last if separator else first
    if not (first.isdecimal() and last.isdecimal()):
        raise UsageError(complaint)
    low, high = int(first), int(last)
    if not 0 <= low <= high <= 65535:
        raise UsageError(complaint)
    return low, high
