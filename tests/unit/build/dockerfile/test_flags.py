"""Flags: parted from a line, then checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.dockerfile.errors import GrammarError
from wherry.build.dockerfile.flags import Kind, Split, read_flags, split

KNOWN = {"one": Kind.TEXT, "many": Kind.TEXTS, "link": Kind.SWITCH}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", Split("", (), "")),
        (" RUN ", Split("RUN", (), "")),
        ("Run\t a  b ", Split("Run", (), "a  b")),
        ("RUN --a --b=c d --e", Split("RUN", ("--a", "--b=c"), "d --e")),
        ("RUN --a", Split("RUN", ("--a",), "")),
        ("RUN - --a", Split("RUN", (), "- --a")),
        ("RUN -- --a", Split("RUN", (), "--a")),
        ("RUN --a -- b", Split("RUN", ("--a",), "b")),
        ("RUN --a='b c' d", Split("RUN", ("--a=b c",), "d")),
        ('RUN --a="b\'c" d', Split("RUN", ("--a=b'c",), "d")),
        ('RUN "--a" b', Split("RUN", (), '"--a" b')),
        ("RUN --a=b\\ c d", Split("RUN", ("--a=b c",), "d")),
        ("RUN --a=b\\", Split("RUN", ("--a=b",), "")),
        ("RUN --a='b", Split("RUN", ("--a=b",), "")),
        ("RUN --a=é d", Split("RUN", ("--a=é",), "d")),
    ],
)
def test_split(line: str, wanted: Split) -> None:
    assert split(line, "\\") == wanted


def test_split_with_another_escape() -> None:
    assert split("RUN --a=b` c\\ d", "`") == Split("RUN", ("--a=b c\\",), "d")


def test_read() -> None:
    flags = read_flags(["--one=a=b", "--many=x", "--link", "--many=y"], KNOWN)
    assert flags.text("one") == "a=b"
    assert flags.all("many") == ("x", "y")
    assert flags.switch("link") is True


def test_nothing_given() -> None:
    flags = read_flags([], KNOWN)
    assert (flags.text("one"), flags.all("many"), flags.switch("link")) == ("", (), None)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("--link", True), ("--link=true", True), ("--link=False", False), ("--link=TRUE", True)],
)
def test_switch(word: str, wanted: bool) -> None:
    assert read_flags([word], KNOWN).switch("link") is wanted


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--on=x"], "unknown flag: --on (did you mean one?)"),
        (["--other"], "unknown flag: --other"),
        (["--One=x"], "unknown flag: --One (did you mean one?)"),
        (["--=x"], "unknown flag: --"),
        (["--one"], "missing a value on flag: --one"),
        (["--many"], "missing a value on flag: --many"),
        (["--link="], "missing a value on flag: --link"),
        (["--link=no"], "expecting boolean value for flag --link, not: no"),
        (["--one=a", "--one=a"], "duplicate flag specified: --one"),
        (["--link", "--link"], "duplicate flag specified: --link"),
    ],
)
def test_refused(words: list[str], message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        read_flags(words, KNOWN)
    assert str(caught.value) == message


def test_an_empty_text_is_a_text() -> None:
    assert read_flags(["--one="], KNOWN).all("one") == ("",)


@given(st.text("-a=' \"\\\t"), st.sampled_from("\\`"))
def test_split_never_fails(line: str, escape: str) -> None:
    assert split(f"RUN {line}", escape).keyword == "RUN"
