"""The program as a whole, without an engine: help, mistakes, statuses, what it loads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.cli import main
from wherry.cli.command import Command
from wherry.cli.table_of_commands import GROUPS, LATER, SECTIONS, entries

PATHS = [
    *(("", name, where) for name, (where, _) in entries("".join(SECTIONS.values())).items()),
    *(
        (f"{group} ", name, where)
        for group, (_, table) in GROUPS.items()
        for name, (where, _) in entries(table).items()
    ),
]


@pytest.mark.parametrize(("group", "name", "where"), PATHS)
def test_every_command_teaches_with_an_example(
    capsys: pytest.CaptureFixture[str], group: str, name: str, where: str
) -> None:
    module, _, attribute = where.partition(":")
    loaded = __import__(f"wherry.cli.commands.{module}", fromlist=[attribute])
    command: Command = getattr(loaded, attribute)
    assert main.run([*group.split(), name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage:  wherry {group}{name}")
    assert f"Examples:\n  wherry {group}{name}" in shown
    assert len({flag.name for flag in command.flags}) == len(command.flags)
    shorts = [flag.short for flag in command.flags if flag.short]
    assert len(set(shorts)) == len(shorts)
    assert main.run([*group.split(), name, "-h"]) == 0
    assert capsys.readouterr().out == shown


def test_the_overview_is_short_and_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 50
    assert max(map(len, shown.splitlines())) <= 100
    for group, name, _ in PATHS:
        assert group or re.search(rf"\b{name}\b", shown)
    assert main.run([]) == 0
    assert capsys.readouterr() == ("", shown)


@pytest.mark.parametrize("name", LATER)
def test_what_the_engine_cannot_do_is_not_offered(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main.run([name, "x"]) == 1
    assert "Did you mean" not in capsys.readouterr().err
    assert name not in {known for group, known, _ in PATHS if group in ("", "container ")}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["imgaes"], 1, "unknown command: wherry imgaes\nDid you mean 'wherry images'?\n"),
        (["volume", "lst"], 1, "Did you mean 'wherry volume ls'?"),
        (["--hots", "x"], 125, "unknown flag: --hots\nDid you mean --host?"),
        (["ps", "--nope"], 125, "unknown flag: --nope\n\nUsage:  wherry ps [OPTIONS]"),
        (["ps", "extra"], 1, "wherry: 'wherry ps' accepts no arguments"),
        (["rename", "a"], 1, "wherry: 'wherry rename' requires 2 arguments"),
        (["run"], 1, "requires at least 1 argument"),
        (["run", "-p", "x", "image"], 125, "wherry: invalid containerPort: x\n\nRun 'wherry run"),
        (["run", "-m", "x", "image"], 125, 'invalid argument "x" for "-m, --memory" flag'),
        (["create", "--pid", "x", "image"], 125, "wherry: --pid: invalid PID mode"),
        (["ps", "-f", "x"], 125, "bad format of filter (expected name=value)"),
        (["inspect", "-f", "{{.x", "y"], 64, "template: :1: unclosed action"),
        (["-H", "foo://x", "ps"], 1, "unable to parse docker host `foo://x`"),
    ],
)
def test_mistakes(
    capsys: pytest.CaptureFixture[str], words: list[str], status: int, message: str
) -> None:
    assert main.run(words) == status
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.out == ""


def test_an_engine_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    assert main.run(["-H", host, "ps"]) == 1
    sentence = f"Cannot connect to the wherry engine at {host}: no such file or directory; start"
    shown = capsys.readouterr().err
    assert shown.startswith(sentence)
    assert shown.count("\n") == 1
    assert main.run(["-H", host, "run", "image"]) == 125
    assert capsys.readouterr().err.startswith(f"wherry: {sentence}")
    assert main.run(["-H", host, "rm", "a", "b"]) == 1
    assert capsys.readouterr().err.count(sentence) == 1


def loaded_by(*words: str) -> set[str]:
    code = (
        "import sys; from wherry.cli import main; sys.stdout = open('/dev/null', 'w');"
        f"main.run({list(words)!r}); sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True
    )
    return set(done.stderr.split())


def test_a_command_loads_what_it_needs() -> None:
    heavy = {"asyncio", "http", "email", "typing", "dataclasses", "shutil", "ssl", "inspect"}
    assert not {"json", "socket", "re"} & loaded_by("--help")
    found = loaded_by("-H", "unix:///nowhere/x.sock", "ps")
    assert heavy & found == set()
    commands = {name for name in found if name.startswith("wherry.cli.commands.")}
    assert {
        "wherry.cli.commands.containers.run",
        "wherry.cli.commands.networks",
    } & commands == set()
    assert "wherry.cli.output.template" not in found
