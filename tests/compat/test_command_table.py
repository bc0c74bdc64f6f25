"""The table of docker's client beside the client itself: no command and no flag is left out.

`docs/compatibility/docker-28.toml` says what of the client works. The client is walked by its own
`--help`, without an engine, so that it hides nothing; every command that the table calls `yes` or
`partly` is one of `wherry` too, with the flags that it calls `yes`, unless it is the client's own
affair.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wherry.cli import main
from wherry.cli.flags import Flag, declare
from wherry.cli.lookup import paths

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from manual import docker
from manual.entries import load

NOWHERE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "DOCKER_HOST": "unix:///nowhere/docker.sock",
           "HOME": "/nowhere", "DOCKER_CONFIG": "/nowhere"}  # fmt: skip
COMMAND = re.compile(r"  ([a-z][\w-]*)\*?\s{2,}\S")
FLAG = re.compile(r"  (?:-(\w), |    )--([\w-]+)(?: (\S+))?(?:\s{2,}|$)")
# With docker's client alone: manifests and plugins are looked after without an engine of ours.
OF_THE_CLIENT = ("manifest ", "plugin ")


class Known:
    """What the client says of one command."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.commands: list[str] = []
        self.flags: dict[str, tuple[str, bool]] = {}  # name to letter, and whether it takes a value
        section = ""
        for line in text.split("\n"):
            if line and not line.startswith(" ") and line.endswith(":"):
                section = line
            elif section.endswith("Commands:") and (found := COMMAND.match(line)):
                self.commands.append(found[1])
            elif section.endswith("Options:") and (found := FLAG.match(line)):
                self.flags[found[2]] = (found[1] or "", found[3] is not None)
        self.flags.pop("help", None)


def ask(name: str) -> Known:
    """Return what `docker NAME --help` shows."""
    command = ["docker", *name.split(), "--help"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=NOWHERE, timeout=60
    )
    return Known(name, done.stdout)


@pytest.fixture(scope="module")
def client() -> dict[str, Known]:
    """Every command of the stock client, groups left out; "" is the client itself."""
    found: dict[str, Known] = {}
    waiting = [""]
    with ThreadPoolExecutor(4) as pool:
        while waiting:
            answers = list(pool.map(ask, waiting))
            found |= {known.name: known for known in answers}
            waiting = [f"{k.name} {name}".strip() for k in answers for name in k.commands]
    return {name: known for name, known in found.items() if not (name and known.commands)}


@pytest.fixture(scope="module")
def table() -> dict[str, docker.Row]:
    """What the table says, by every name of a command."""
    found: dict[str, docker.Row] = {}
    for row in docker.rows():
        for name in row.names:
            assert name not in found, f"{name} is there twice"
            found[name] = row
    return found


def test_it_is_docker_28() -> None:
    done = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Docker version 28.")


def test_the_walk_sees_what_is_there(client: dict[str, Known]) -> None:
    assert len(client) > 150
    assert client["run"].flags["publish"] == ("p", True)
    assert client["trust key generate"].flags == {"dir": ("", True)}
    assert client["container rm"].flags["force"] == ("f", False)


def test_the_table_has_every_command_and_no_other(
    client: dict[str, Known], table: dict[str, docker.Row]
) -> None:
    assert sorted(client) == sorted(table)


def test_the_table_has_every_flag_and_no_other(
    client: dict[str, Known], table: dict[str, docker.Row]
) -> None:
    differences = {
        name: sorted(set(known.flags) ^ table[name].flags)
        for name, known in client.items()
        if set(known.flags) != table[name].flags
    }
    assert differences == {}


def flags_of(name: str) -> dict[str, Flag]:
    """Return the flags of a command of wherry, "" for the program itself."""
    flags = load(paths()[name][0]).flags if name else declare(main.GLOBAL_FLAGS)
    return {flag.name: flag for flag in flags}


def ours(client: dict[str, Known], table: dict[str, docker.Row]) -> Iterator[str]:
    """Yield the commands that wherry has to have."""
    for name in client:
        if not table[name].why and not name.startswith(OF_THE_CLIENT):
            yield name


def test_wherry_has_what_works(client: dict[str, Known], table: dict[str, docker.Row]) -> None:
    known = paths()
    missing = [name for name in ours(client, table) if name and name not in known]
    assert missing == []
    lacking = {}
    for name in ours(client, table):
        own = flags_of(name)
        lacking[name] = [flag for flag in table[name].yes if flag not in own]
    assert {name: flags for name, flags in lacking.items() if flags} == {}


def test_flags_have_the_same_letters_and_take_values_alike(
    client: dict[str, Known], table: dict[str, docker.Row]
) -> None:
    different = []
    for name in ours(client, table):
        for flag in flags_of(name).values():
            letter, valued = client[name].flags.get(flag.name, (flag.short, flag.kind != "bool"))
            if (letter, valued) != (flag.short, flag.kind != "bool"):
                different.append(f"{name} --{flag.name}")
    assert different == []


def test_what_is_not_there_is_not_offered(
    client: dict[str, Known], table: dict[str, docker.Row]
) -> None:
    known = paths()
    refused = [name for name in client if table[name].why]
    # `service install` of wherry is no command of docker's; of one name there is none.
    assert [name for name in refused if name in known] == []


def test_reasons_are_given(table: dict[str, docker.Row]) -> None:
    empty = [
        f"{name} --{flag}"
        for name, row in table.items()
        for flag, text in {**row.partly, **row.no}.items()
        if len(text) < 5
    ]
    assert empty == []
