"""The grammar of flags, and the words for what is not in it."""

from __future__ import annotations

import pytest

from wherry.cli.errors import FlagError, UsageError
from wherry.cli.flags import declare, parse
from wherry.cli.suggest import closest

FLAGS = declare("""
-a --all  Everything
-e --env list  Variables
-i --interactive  With input
   --name string  A name
-n --number int  A number
   --proxy  On unless switched off
""")


def test_all_spellings_of_flags() -> None:
    words = "-ai -eA=1 -e B=2 --env=C=3 --name x -n0x10 --proxy=false one --all=0 -- -two".split()
    options, arguments = parse(FLAGS, words)
    assert arguments == ["one", "-two"]
    assert options.all("env") == ["A=1", "B=2", "C=3"]
    assert (options.text("name"), options.number("number")) == ("x", 16)
    assert (options.flag("interactive"), options.flag("all")) == (True, False)
    assert options.flag("proxy", default=True) is False
    assert options.flag("missing", default=True) is True


def test_a_command_that_runs_a_program_leaves_its_flags_alone() -> None:
    options, arguments = parse(FLAGS, ["-i", "image", "ls", "-a", "--name"], interspersed=False)
    assert arguments == ["image", "ls", "-a", "--name"]
    assert not options.given("all")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["--nmae", "x"], "unknown flag: --nmae\nDid you mean --name?"),
        (["-az"], "unknown shorthand flag: 'z' in -az"),
        (["--name"], "flag needs an argument: --name"),
        (["-an"], "flag needs an argument: 'n' in -an"),
        (
            ["-n", "x"],
            'invalid argument "x" for "-n, --number" flag: strconv.ParseInt: parsing "x"',
        ),
        (["--proxy=maybe"], 'invalid argument "maybe" for "--proxy" flag: strconv.ParseBool'),
    ],
)
def test_mistakes_are_named(words: list[str], message: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse(FLAGS, words)
    assert str(caught.value).startswith(message)


def test_a_value_that_cannot_be_read_names_its_flag() -> None:
    def reader(text: str) -> int:
        if not text.isdecimal():
            raise UsageError("no digits")
        return int(text)

    options, _ = parse(FLAGS, ["-e", "1", "-e", "x"])
    with pytest.raises(FlagError, match='invalid argument "x" for "-e, --env" flag: no digits'):
        options.read_all("env", reader)
    assert options.read("name", reader, "7") == 7


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("imgaes", "images"), ("psx", "ps"), ("instpect", "inspect"), ("rnu", "run"),
        ("contianer", "container"), ("hist", "history"), ("zzz", ""), ("x", ""), ("", ""),
    ],
)  # fmt: skip
def test_mistyped_words_find_their_neighbour(typed: str, meant: str) -> None:
    known = ["run", "ps", "images", "inspect", "container", "history", "rm", "rmi"]
    assert closest(typed, iter(known)) == meant
