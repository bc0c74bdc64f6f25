"""The forms that settings have: what the file may say, and what flags say of the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final

from wherry.base.configuration import values
from wherry.base.configuration.values import Kind
from wherry.daemon.configuration import kinds
from wherry.daemon.configuration.hosts import host
from wherry.daemon.configuration.setting import Form

_MANY: Final = 1 << 31
_SWITCHES: Final = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def _last(words: Sequence[str]) -> Any:
    return words[-1]


def _path(words: Sequence[str]) -> Any:
    return os.path.abspath(words[-1]) if words[-1] else ""


def _profile(words: Sequence[str]) -> Any:
    return words[-1] if words[-1] in kinds.PROFILES else _path(words)


def _switch(words: Sequence[str]) -> Any:
    # What is none is left as it is: the kind says so, by the flag's name.
    return _SWITCHES.get(words[-1], words[-1])


def _whole(words: Sequence[str]) -> Any:
    try:
        return int(words[-1], 0)
    except ValueError:
        return words[-1]


def _map(words: Sequence[str]) -> Any:
    return {key: value for key, _, value in (word.partition("=") for word in words)}


def _switches(words: Sequence[str]) -> Any:
    return {key: _switch([value or "true"]) for key, value in _map(words).items()}


def _maps(words: Sequence[str]) -> Any:
    """`bridge=com.docker.network.driver.mtu=1400`: the options of a driver."""
    found: dict[str, Any] = {}
    for word in words:
        driver, _, rest = word.partition("=")
        found.setdefault(driver, {}).update(_map([rest]))
    return found


def _ulimits(words: Sequence[str]) -> Any:
    """`nofile=1024:2048`, soft and hard, or one number for both."""
    found = {}
    for name, value in _map(words).items():
        soft, _, hard = value.partition(":")
        found[name] = {"Name": name, "Soft": _whole([soft]), "Hard": _whole([hard or soft])}
    return found


def _pools(words: Sequence[str]) -> Any:
    """`base=10.0.0.0/8,size=24`."""
    found = [_map(word.split(",")) for word in words]
    return [
        {key: _whole([value]) if key == "size" else value for key, value in pool.items()}
        for pool in found
    ]


def word(name: str, metavar: str, kind: Kind[str]) -> Form:
    """Return the form of one word."""
    return Form(name, metavar, kind, _last)


def whole(least: int = 0, most: int = _MANY) -> Form:
    """Return the form of a whole number."""
    return Form("a whole number", "N", values.whole(least, most), _whole)


def words(name: str, metavar: str, kind: Kind[str], example: str) -> Form:
    """Return the form of a list of words; its flag is repeated."""
    return Form(name, metavar, values.several(kind, example), list, several=True)


def _unread(
    name: str, metavar: str, shape: type, from_words: Callable[[Sequence[str]], Any]
) -> Form:
    """Return the form of what is looked at from outside only, since nobody uses it."""

    def kind(place: values.Place, value: Any) -> Any:
        if isinstance(value, shape):
            return value
        place.complain(f"{name} is wanted, not {values.shown(value)}")
        return None

    return Form(name, metavar, kind, from_words, several=True)


TEXT: Final = word("text", "TEXT", values.text)
SWITCH: Final = Form("true or false", "", values.switch, _switch, switch=True)
PATH: Final = Form("a path", "PATH", kinds.path, _path)
PROFILE: Final = Form(
    '"builtin", "unconfined" or a path', "PATH", kinds.seccomp_profile, _profile
)  # fmt: skip
CGROUP: Final = word("a cgroup", "CGROUP", kinds.cgroup)
BRIDGE: Final = word('"none"', "none", kinds.bridge)
OPTIONS: Final = words("a list of options", "OPTION", kinds.option, '["ndots:2"]')
OWN_REGISTRY: Final = Form("an address", "[ADDRESS][:PORT]", kinds.own_registry, _last)
SIZE: Final = Form("a size", "SIZE", values.size(), _last)
HOSTS: Final = words("a list of addresses", "ADDRESS", host, '["unix:///run/wherry/wherry.sock"]')
LEVEL: Final = word("a level", "LEVEL", kinds.log_level)
ADDRESS: Final = Form("an IPv4 address", "ADDRESS", kinds.ipv4, _last)
BINDING: Final = word("an IPv4 address", "ADDRESS", kinds.binding)
INTERFACE: Final = Form("an address with its prefix", "CIDR", kinds.interface, _last)
NETWORK: Final = Form("a network", "CIDR", kinds.network, _last)
ADDRESSES: Final = words("a list of addresses", "ADDRESS", kinds.address, '["192.0.2.53"]')
DOMAINS: Final = words("a list of domains", "DOMAIN", kinds.domain, '["example.com"]')
LABELS: Final = words("a list of labels", "KEY=VALUE", kinds.label, '["rack=4"]')
REGISTRIES: Final = words(
    "a list of registries", "HOST", kinds.registry, '["registry.example.com:5000", "10.0.0.0/8"]'
)
MIRRORS: Final = words("a list of URLs", "URL", kinds.mirror, '["https://mirror.example.com"]')
PROXY: Final = word("a URL", "URL", kinds.proxy)
LIST: Final = words("a list of words", "TEXT", values.text, '["…"]')
ULIMITS: Final = Form("a map of limits", "NAME=SOFT[:HARD]", kinds.ulimits, _ulimits, several=True)
POOLS: Final = Form(
    "a list of pools", "base=CIDR,size=N", kinds.pools, _pools, several=True
)  # fmt: skip
MAP: Final = Form("a map of words", "KEY=VALUE", kinds.word_map, _map, several=True)
NETWORK_OPTIONS: Final = Form(
    "a map of maps of words", "bridge=KEY=VALUE", kinds.network_options, _maps, several=True
)
ANY_MAP: Final = _unread("an object", "KEY=VALUE", dict, _map)
ANY_LIST: Final = _unread("a list", "TEXT", list, list)
FEATURES: Final = Form(
    "a map of switches", "NAME[=false]", kinds.switch_map, _switches, several=True
)


def choice(*known: str) -> Form:
    """Return the form of one of some words."""
    return word(
        "one of " + ", ".join(f'"{one}"' for one in known), "|".join(known), values.one_of(*known)
    )
