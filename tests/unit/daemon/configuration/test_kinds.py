"""Values that only the engine has: what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.base.configuration.document import Document
from wherry.base.configuration.values import Kind, Place
from wherry.daemon.configuration import kinds


def look(kind: Kind[Any], value: Any) -> tuple[Any, list[str]]:
    document = Document("f", {}, {})
    found = kind(Place(document, ("k",)), value)
    return found, [problem.message for problem in document.problems]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (kinds.domain, [".", "a", "a.b.example", "x-1.example."],
         ["", "1.2", "-a", "a..b", "a b", "a_b"]),
        (kinds.label, ["a=", "a=b=c"], ["a", "=b", " a=b"]),
        (kinds.mirror, ["http://h", "https://h:5/p/"],
         ["h", "ftp://h", "https://u:p@h", "https://h?q", "https://h#f", "https://"]),
        (kinds.registry, ["h", "h:5", "[::1]:5", "10.0.0.0/8", "fd00::/8", "10.1.2.3/8"],
         ["", "h:x", "h/p", "a b", "10.0.0.0/33", "٣"]),
        (kinds.proxy, ["http://p", "socks5://p:1", "p:3128"], ["a b", "http://a b"]),
        (kinds.address, ["192.0.2.1", "::1"], ["192.0.2", "x", "192.0.2.1/8"]),
        (kinds.ipv4, ["192.0.2.1"], ["::1"]),
        (kinds.interface, ["10.0.0.1/8"],
         ["10.0.0.1", "10.0.0.0/8", "10.255.255.255/8", "10.0.0.1/31", "fd00::1/64"]),
        (kinds.network, ["10.0.0.0/8", "10.1.2.3/8"], ["10.0.0.0", "x/8", "fd00::/8"]),
        (kinds.cgroup, ["a", "/a/b/", "wherry.slice"], ["/", "a//b", "../a", "a/..", "a b"]),
        (kinds.seccomp_profile, ["builtin", "unconfined", "/p.json"], ["p.json", "default"]),
        (kinds.own_registry, ["127.0.0.1:5001", ":5001", "[::1]:5001", "localhost"],
         ["::1:5001", "http://x:5001", "x:0", "x:70000"]),
        (kinds.option, ["ndots:2"], ["a b"]),
        (kinds.log_level, ["INFO", "trace"], ["loud", ""]),
    ],
)  # fmt: skip
def test_words(kind: Kind[Any], good: list[str], bad: list[str]) -> None:
    for word in good:
        found, problems = look(kind, word)
        assert (problems, found is None) == ([], False), word
    for word in bad:
        found, problems = look(kind, word)
        assert (len(problems), found) == (1, None), word


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (kinds.bridge, "br0", '"br0" is not supported: the default network has a bridge of'),
        (kinds.word_map, ["a"], 'names and words are wanted, {"name": "word"}, not ["a"]'),
        (kinds.word_map, {"a": 3}, 'text in quotes is wanted, such as "…", not 3'),
        (kinds.switch_map, {"a": "yes"}, 'true or false is wanted, not "yes"'),
        (kinds.switch_map, [], "names are wanted"),
        (kinds.network_options, {"overlay": {}}, "there are no such networks: bridge is"),
        (kinds.network_options, [], "options by driver are wanted"),
        (kinds.network_options, {"bridge": []}, "names and words are wanted"),
        (kinds.ulimits, [], 'limits are wanted, such as {"nofile": {"Soft": 1024, "Hard": 2048}}'),
        (kinds.ulimits, {"nofile": 5}, "whole numbers or -1 for no limit, not 5"),
        (kinds.ulimits, {"nofile": {"Soft": True}}, "whole numbers or -1 for no limit"),
        (kinds.ulimits, {"nofile": {"Soft": 1 << 63}}, "whole numbers or -1 for no limit"),
        (kinds.ulimits, {"nofile": {"Soft": 1, "Most": 2}}, "'most' is not known"),
        (kinds.ulimits, {"nofile": {"Name": "core", "Soft": 1}}, "the limit is called nofile"),
        (kinds.ulimits, {"nofile": {"Soft": -1, "Hard": 5}}, "the soft limit -1 is above"),
        (kinds.pools, {}, "a list of pools is wanted"),
        (kinds.pools, [5], '{"base": "10.10.0.0/16", "size": 24} is wanted, not 5'),
        (kinds.pools, [{"base": "10.0.0.0/8"}], 'is wanted, not a table of "base"'),
        (kinds.pools, [{"base": "x", "size": 24}], "an IPv4 network"),
        (kinds.pools, [{"base": "10.0.0.0/8", "size": "24"}], "a whole number is wanted"),
        (kinds.pools, [{"base": "10.0.0.0/16", "size": 8}],
         "networks of /8 cannot be cut out of 10.0.0.0/16: from 16 to 30 is possible"),
        (kinds.pools, [{"base": "10.0.0.0/8", "size": 24}, {"base": "10.1.0.0/16", "size": 24}],
         "10.1.0.0/16 overlaps 10.0.0.0/8, another pool"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(kind: Kind[Any], value: Any, message: str) -> None:
    (told,) = look(kind, value)[1]
    assert message in told


def test_levels_of_dockerd_s_that_are_only_more_or_less() -> None:
    assert look(kinds.log_level, "trace") == ("debug", [])
    assert look(kinds.log_level, "Panic") == ("fatal", [])
