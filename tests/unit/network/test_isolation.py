"""The rules that keep containers of one network apart, as text."""

from __future__ import annotations

from wherry.network.isolation import Link, group_of, table_text
from wherry.network.naming import Naming


def test_each_engine_marks_its_ports_with_a_number_of_its_own() -> None:
    groups = {group_of(Naming(f"{number:012x}")) for number in range(1000)}
    assert len(groups) == 1000
    assert all(0 < group < 1 << 31 for group in groups)
    assert group_of(Naming("0123456789ab")) == group_of(Naming("0123456789ab"))


def test_linked_ports_pass_in_both_directions_before_the_rest_is_dropped() -> None:
    rules = [line for line in table_text("t", 7).splitlines() if line.startswith("add rule")]
    assert [rule.rpartition(" ")[2] for rule in rules] == ["accept", "accept", "drop"]
    assert "ip saddr . ip daddr . meta l4proto . th dport @linked" in rules[0]
    assert "ip daddr . ip saddr . meta l4proto . th sport @linked" in rules[1]
    assert "iifgroup 7 ether type { ip, ip6 }" in rules[2]


def test_a_link_is_an_element() -> None:
    assert Link("10.0.0.2", "10.0.0.3", "tcp", 80).element() == "10.0.0.2 . 10.0.0.3 . tcp . 80"
