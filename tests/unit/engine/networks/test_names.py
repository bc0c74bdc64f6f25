"""Who is called how on which network."""

from __future__ import annotations

from wherry.engine.networks.names import Names

ONE, TWO = ("1" * 64, "one"), ("2" * 64, "my.net")


def test_a_name_may_be_several_containers() -> None:
    names = Names()
    names.add(ONE, "a", ["web", "alias"], "10.0.0.2")
    names.add(ONE, "b", ["db", "alias"], "10.0.0.3")
    assert names.find([ONE[0]], "ALIAS") == ["10.0.0.2", "10.0.0.3"]
    assert names.find([ONE[0]], "alias.one") == ["10.0.0.2", "10.0.0.3"]
    names.remove(ONE[0], "a")
    assert names.find([ONE[0]], "alias") == ["10.0.0.3"]
    assert names.find([ONE[0]], "web") == []


def test_networks_are_apart() -> None:
    names = Names()
    names.add(ONE, "a", ["web"], "10.0.0.2")
    names.add(TWO, "b", ["web"], "10.1.0.2")
    assert names.find([TWO[0], ONE[0]], "web") == ["10.1.0.2"]
    assert names.find([ONE[0]], "web.my.net") == []
    assert names.find([ONE[0], TWO[0]], "Web.My.Net") == ["10.1.0.2"]
    assert names.find([], "web") == []


def test_the_latest_names_count() -> None:
    names = Names()
    names.add(ONE, "a", ["Old", "alias"], "10.0.0.2")
    names.add(ONE, "a", ["new", "alias"], "10.0.0.7")
    assert names.find([ONE[0]], "old") == []
    assert names.find([ONE[0]], "alias") == ["10.0.0.7"]
    assert names.owner_of([ONE[0]], "10.0.0.7") == "new.one"
    assert names.owner_of([ONE[0]], "10.0.0.2") is None


def test_nothing_is_left_of_who_has_gone() -> None:
    names = Names()
    for number in range(100):
        names.add(ONE, str(number), [f"c{number}", "all"], f"10.0.0.{number}")
    for number in range(100):
        names.remove(ONE[0], str(number))
        names.remove(ONE[0], str(number))
    assert names._zones == {}
    names.remove("unknown", "a")


def test_names_that_differ_in_case_only_are_one() -> None:
    names = Names()
    names.add(ONE, "a", ["web", "WEB"], "10.0.0.2")
    assert names.find([ONE[0]], "web") == ["10.0.0.2"]
    names.remove(ONE[0], "a")
    assert names._zones == {}
