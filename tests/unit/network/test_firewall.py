"""The firewall's rules as text."""

from __future__ import annotations

import pytest

from wherry.network.firewall import Forward, Zone, table_text, zone_text


@pytest.mark.parametrize(
    ("forward", "name", "element"),
    [
        (Forward("tcp", "", 80, "10.0.0.2", 8080), "published", "tcp . 80 : 10.0.0.2 . 8080"),
        (Forward("udp", "0.0.0.0", 53, "10.0.0.2", 53), "published", "udp . 53 : 10.0.0.2 . 53"),
        (
            Forward("tcp", "127.0.0.1", 80, "10.0.0.2", 80),
            "published_at",
            "127.0.0.1 . tcp . 80 : 10.0.0.2 . 80",
        ),
    ],
)
def test_a_published_port_is_an_element_of_a_map(forward: Forward, name: str, element: str) -> None:
    assert (forward.map_name, forward.element()) == (name, element)
    assert element.startswith(f"{forward.key()} : ")


def test_every_rule_of_a_network_names_its_bridge() -> None:
    for zone in (Zone("b0", "10.0.0.0/24"), Zone("b0", "10.0.0.0/24", internal=True)):
        rules = [line for line in zone_text("t", zone).splitlines() if line.startswith("add rule")]
        assert rules
        assert all(rule.endswith('comment "b0"') for rule in rules)


def test_an_internal_network_is_never_masqueraded_to_the_outside() -> None:
    assert 'oifname != "b0" masquerade' in zone_text("t", Zone("b0", "10.0.0.0/24"))
    for zone in (
        Zone("b0", "10.0.0.0/24", internal=True),
        Zone("b0", "10.0.0.0/24", masquerade=False),
    ):
        assert 'oifname != "b0" masquerade' not in zone_text("t", zone)


def test_the_table_has_all_zones() -> None:
    text = table_text("t", [Zone("b0", "10.0.0.0/24"), Zone("b1", "10.1.0.0/24")])
    assert text.count("{") == text.count("}")
    assert text.count('bridges { "b') == 2
