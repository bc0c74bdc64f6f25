"""What values have to be that only the engine has: addresses, limits, pools, labels."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address, ip_network
from typing import Any, Final, TypeGuard, TypeVar

from wherry.base.configuration.values import Kind, Place, matching, one_of, shown, switch, text
from wherry.engine.settings import AddressPool

T = TypeVar("T")
_LEVELS: Final = ("debug", "info", "warn", "error", "fatal")
# Levels of dockerd's that are only more or less than these.
_BEYOND: Final = {"trace": "debug", "panic": "fatal"}
_ULIMITS: Final = frozenset(
    "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending"
    " stack".split()
)
PROFILES: Final = ("builtin", "unconfined")
_LABEL: Final = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
_LARGEST_POOL_SIZE: Final = 30  # an address for the gateway, and one for a container
_MOST: Final = 1 << 63
_REGISTRY_PORT: Final = 5000
_PROXY: Final = r"([a-z0-9]+://)?\S+"
_LISTEN: Final = r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^\[\]:/\s]*)(?::(?P<port>[0-9]{1,5}))?"

_PATH: Final = matching(r"/.*", 'a path is wanted that begins with /, such as "/etc/wherry/…"')
option: Final = matching(r"\S+", 'an option is wanted, such as "ndots:2"')
domain: Final = matching(rf"\.|(?=.*[a-zA-Z]){_LABEL}(\.{_LABEL})*\.?", "a domain is wanted")
label: Final = matching(r"[^=\s][^=]*=.*", 'a label is wanted, such as "rack=4"')
mirror: Final = matching(
    r"https?://[^/\s?#@]+(/[^\s?#]*)?",
    'a URL is wanted, such as "https://mirror.example.com", without a password, ? and #',
)
_REGISTRY: Final = matching(
    r"(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?)(:[0-9]{1,5})?",
    'a host, a host and its port, or a network is wanted, such as "registry.example.com:5000"',
)


def path(place: Place, value: Any) -> str | None:
    """A path from the root, returned without dots in it."""
    found = _PATH(place, value)
    return None if found is None else os.path.normpath(found)


def own_registry(place: Place, value: Any) -> tuple[str, int] | None:
    """Where the engine's own registry listens: host, "" for all addresses, and port."""
    found = text(place, value)
    match = re.fullmatch(_LISTEN, found) if found is not None else None
    port = int(match["port"] or _REGISTRY_PORT) if match else 0
    if match is not None and 0 < port < 1 << 16:
        return match["host"].strip("[]"), port
    if found is not None:
        place.complain(
            f"{shown(value)} is no address: say 127.0.0.1:5001, [::1]:5001, or :5001 for all"
        )
    return None


def log_level(place: Place, value: Any) -> str | None:
    """A level of the log, in any case, as dockerd takes it."""
    found = value.lower() if isinstance(value, str) else value
    return one_of(*_LEVELS)(place, _BEYOND.get(found, found) if isinstance(found, str) else found)


def registry(place: Place, value: Any) -> str | None:
    """A registry, or a network of them; a scheme before it is dropped, as dockerd does."""
    bare = re.sub(r"^https?://", "", value).rstrip("/") if isinstance(value, str) else value
    with contextlib.suppress(ValueError):
        if isinstance(bare, str) and "/" in bare:
            return str(ip_network(bare, strict=False))
    return _REGISTRY(place, bare)


def proxy(place: Place, value: Any) -> str | None:
    """A proxy; what it is never stands in a message, since it may have a password."""
    if isinstance(value, str) and value.isprintable() and re.fullmatch(_PROXY, value):
        return value
    place.complain('a URL in quotes is wanted, such as "http://proxy.example.com:3128"')
    return None


def _parsed(make: Callable[[str], T], wanted: str) -> Kind[T]:
    """Return a kind for what a constructor of the standard library understands."""

    def kind(place: Place, value: Any) -> T | None:
        found = text(place, value)
        if found is None:
            return None
        try:
            return make(found.strip())
        except ValueError:
            place.complain(f"{wanted} is wanted, not {shown(value)}")
            return None

    return kind


address: Final = _parsed(lambda word: str(ip_address(word)), 'an IP address, such as "192.0.2.53",')
ipv4: Final = _parsed(IPv4Address, 'an IPv4 address, such as "192.0.2.1",')
binding: Final = _parsed(
    lambda word: str(IPv4Address(word)), 'an IPv4 address of this machine, such as "127.0.0.1",'
)


def _interface(word: str) -> IPv4Interface:
    found = IPv4Interface(word)
    if "/" not in word or found.network.prefixlen > _LARGEST_POOL_SIZE:
        raise ValueError(word)
    if found.ip in (found.network.network_address, found.network.broadcast_address):
        raise ValueError(word)
    return found


def _network(word: str) -> IPv4Network:
    if "/" not in word:
        raise ValueError(word)
    return IPv4Network(word, strict=False)


interface: Final = _parsed(
    _interface, 'an IPv4 address of a host and its prefix, such as "192.168.1.1/24",'
)
network: Final = _parsed(_network, 'an IPv4 network, such as "192.168.1.0/25",')


def word_map(place: Place, value: Any) -> Mapping[str, str] | None:
    """Names and words, such as the options of a driver."""
    if not isinstance(value, dict):
        place.complain(f'names and words are wanted, {{"name": "word"}}, not {shown(value)}')
        return None
    found = {name: text(place.below(name), one) for name, one in value.items()}
    return {name: one for name, one in found.items() if one is not None}


def switch_map(place: Place, value: Any) -> Mapping[str, bool] | None:
    """Names, each with true or false."""
    if not isinstance(value, dict):
        place.complain(f'names are wanted, {{"name": true}}, not {shown(value)}')
        return None
    found = {name: switch(place.below(name), one) for name, one in value.items()}
    return {name: one for name, one in found.items() if one is not None}


def network_options(place: Place, value: Any) -> Mapping[str, str] | None:
    """Options by the driver of the network; there is one driver that has any."""
    if not isinstance(value, dict):
        place.complain(f'options by driver are wanted, {{"bridge": {{…}}}}, not {shown(value)}')
        return None
    for driver in value:
        if driver != "bridge":
            place.below(driver).complain("there are no such networks: bridge is the driver to name")
    return word_map(place.below("bridge"), value.get("bridge", {}))


def ulimits(place: Place, value: Any) -> Mapping[str, tuple[int, int]] | None:
    """Limits by name, each with soft and hard; -1 for none."""
    if not isinstance(value, dict):
        place.complain(
            'limits are wanted, such as {"nofile": {"Soft": 1024, "Hard": 2048}},'
            f" not {shown(value)}"
        )
        return None
    found = {name: _ulimit(place.below(name), name, one) for name, one in value.items()}
    return {name: one for name, one in found.items() if one is not None}


def _ulimit(place: Place, name: str, value: Any) -> tuple[int, int] | None:
    if name not in _ULIMITS:
        place.complain(f"there is no such limit: known are {', '.join(sorted(_ULIMITS))}")
        return None
    example = '{"Soft": 1024, "Hard": 2048} is wanted, whole numbers or -1 for no limit'
    if not isinstance(value, dict):
        place.complain(f"{example}, not {shown(value)}")
        return None
    # The Go library that reads dockerd's file takes these in any case.
    told = {str(key).lower(): one for key, one in value.items()}
    if unknown := set(told) - {"name", "soft", "hard"}:
        place.complain(f"{example}; {min(unknown)!r} is not known")
        return None
    if told.get("name", name) != name:
        place.complain(f"the limit is called {name}, and its Name {shown(told['name'])}")
    soft, hard = told.get("soft", told.get("hard")), told.get("hard", told.get("soft"))
    if not _is_limit(soft) or not _is_limit(hard):
        place.complain(example)
        return None
    if hard != -1 and (soft == -1 or soft > hard):
        place.complain(f"the soft limit {soft} is above the hard one, {hard}")
        return None
    return soft, hard


def _is_limit(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value < _MOST


def pools(place: Place, value: Any) -> tuple[AddressPool, ...] | None:
    """Pools of addresses, none of which is inside another."""
    example = '[{"base": "10.10.0.0/16", "size": 24}]'
    if not isinstance(value, list):
        place.complain(f"a list of pools is wanted, such as {example}, not {shown(value)}")
        return None
    found: list[AddressPool] = []
    for index, one in enumerate(value):
        pool = _pool(place.below(index), one)
        if pool is None:
            continue
        other = next((seen for seen in found if seen.base.overlaps(pool.base)), None)
        if other is not None:
            place.below(index).complain(f"{pool.base} overlaps {other.base}, another pool")
        found.append(pool)
    return tuple(found)


def _pool(place: Place, value: Any) -> AddressPool | None:
    if not isinstance(value, dict) or set(value) != {"base", "size"}:
        place.complain(f'{{"base": "10.10.0.0/16", "size": 24}} is wanted, not {_inside(value)}')
        return None
    base, size = network(place.below("base"), value["base"]), value["size"]
    if base is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int):
        place.below("size").complain(f"a whole number is wanted, such as 24, not {shown(size)}")
        return None
    if not base.prefixlen <= size <= _LARGEST_POOL_SIZE:
        place.below("size").complain(
            f"networks of /{size} cannot be cut out of {base}: from {base.prefixlen} to"
            f" {_LARGEST_POOL_SIZE} is possible"
        )
        return None
    return AddressPool(base, size)


def _inside(value: Any) -> str:
    if not isinstance(value, dict):
        return shown(value)
    return "a table of " + (", ".join(map(shown, value)) or "nothing")


def bridge(place: Place, value: Any) -> str | None:
    """Only "none": the bridge itself is the engine's."""
    if value == "none":
        return "none"
    place.complain(
        f"{shown(value)} is not supported: the default network has a bridge of wherry's own;"
        ' "none" is for no default network, bip for its addresses'
    )
    return None


def seccomp_profile(place: Place, value: Any) -> str | None:
    """The name of a profile that is built in, or a path."""
    if value in PROFILES:
        return str(value)
    return matching(r"/.*", '"builtin", "unconfined" or a path that begins with / is wanted')(
        place, value
    )


cgroup: Final = matching(
    r"/?(?!\.{1,2}(/|$))[^/\s]+(/(?!\.{1,2}(/|$))[^/\s]+)*/?",
    'a cgroup is wanted, such as "/containers"',
)
