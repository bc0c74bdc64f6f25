"""Mistyped commands: what is offered instead."""

from __future__ import annotations

import pytest

from wherry.cli import main
from wherry.cli.lookup import paths
from wherry.cli.suggest import distance, meant
from wherry.cli.table_of_commands import GROUPS


@pytest.mark.parametrize(
    ("word", "group", "found"),
    [
        ("imgaes", "", ["images"]),
        ("imagse", "", ["images"]),
        ("ls", "", ["ps", "images", "context ls"]),
        ("list", "", ["ps"]),
        ("prune", "", ["system prune", "builder prune", "container prune"]),
        ("df", "", ["system df"]),
        ("pack", "", ["image pack"]),
        ("shell", "", ["exec"]),
        ("imag", "", ["image"]),
        ("contianer", "", ["container"]),
        ("network-ls", "", ["network ls"]),
        ("volumels", "", ["volume ls"]),
        ("volumes", "", ["volume ls"]),
        ("images", "container", ["images"]),
        ("lst", "volume", ["volume ls"]),
        ("crate", "network", ["network create"]),
        ("remov", "", ["rm"]),
        ("xyzzy", "", []),
        ("xyzzy", "image", []),
    ],
)
def test_what_is_meant(word: str, group: str, found: list[str]) -> None:
    assert meant(word, group, paths(), list(GROUPS)) == found


def test_neighbours_swapped_are_one_slip() -> None:
    assert distance("imgaes", "images") == 1
    assert distance("", "ps") == 2
    assert distance("ps", "ps") == 0


MESSAGES = [
    (
        ["ls"],
        """\
wherry: unknown command: wherry ls
Did you mean 'wherry ps', 'wherry images' or 'wherry context ls'?

Run 'wherry --help' for more information
""",
    ),
    (
        ["container", "images"],
        """\
wherry: unknown command: wherry container images
Did you mean 'wherry images'?

Usage:  wherry container COMMAND

Run 'wherry container --help' for more information
""",
    ),
    (
        ["xyzzy"],
        """\
wherry: unknown command: wherry xyzzy

Run 'wherry --help' for more information
""",
    ),
]


@pytest.mark.parametrize(("words", "message"), MESSAGES)
def test_the_message(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    assert main.run(words) == 1
    assert capsys.readouterr().err == message
