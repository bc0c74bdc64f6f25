"""The tables of words speak of commands and flags that there are."""

from __future__ import annotations

import pytest

from wherry.cli.completion import values
from wherry.cli.completion.names import STATES
from wherry.cli.flags import declare
from wherry.cli.lookup import paths
from wherry.cli.main import GLOBAL_FLAGS, _load
from wherry.runtime.security.capabilities import NAMES

PLACES = {place for place, _ in paths().values()}


def test_capabilities_are_those_of_the_runtime() -> None:
    assert set(values.CAPABILITIES) == {"ALL", *NAMES}


def test_every_flag_in_the_table_is_a_flag_of_something() -> None:
    known = {flag.name for place in PLACES for flag in _load(place).flags}
    known |= {flag.name for flag in declare(GLOBAL_FLAGS)}
    assert set(values.FLAGS) - known == set()


@pytest.mark.parametrize(("place", "name"), sorted(values.OF_COMMANDS))
def test_special_cases_are_of_commands_that_have_the_flag(place: str, name: str) -> None:
    assert place in PLACES
    assert name in {flag.name for flag in _load(place).flags}


def test_arguments_of_special_commands() -> None:
    assert set(values.SPECIAL) <= PLACES
    assert set(values.STATES) <= PLACES
    assert {kind for words in values.STATES.values() for kind in words} <= set(STATES) | {
        "@containers"
    }


@pytest.mark.parametrize(
    ("usage", "position", "wanted"),
    [
        ("[OPTIONS] CONTAINER", 0, values.CONTAINERS),
        ("[OPTIONS] CONTAINER", 1, values.NOTHING),
        ("[OPTIONS] CONTAINER [CONTAINER...]", 5, values.CONTAINERS),
        ("[OPTIONS] NETWORK CONTAINER", 1, values.CONTAINERS),
        ("[OPTIONS] IMAGE [COMMAND] [ARG...]", 0, values.IMAGES),
        ("[OPTIONS] IMAGE [COMMAND] [ARG...]", 1, values.NOTHING),
        ("[OPTIONS] IMAGE [COMMAND] [ARG...]", 3, values.NOTHING),
        ("SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", 0, values.IMAGES),
        ("[OPTIONS] PATH | URL | -", 0, values.FOLDERS),
        ("[OPTIONS]", 0, values.NOTHING),
    ],
)
def test_arguments_by_usage(usage: str, position: int, wanted: tuple[str, ...]) -> None:
    assert values.of_argument("x", usage, position) == wanted
