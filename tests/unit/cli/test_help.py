"""Help, and -h everywhere: commands, groups, and the programs beside `wherry`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from fixtures.engine import program
from wherry.cli import help as texts
from wherry.cli import main
from wherry.cli.flags import declare
from wherry.cli.table_of_commands import GROUPS


def test_the_overview_has_every_global_flag_and_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["-h"]) == 0
    shown = capsys.readouterr().out
    for flag in declare(main.GLOBAL_FLAGS):
        assert flag.name == "help" or re.search(rf"--{flag.name}\b", shown), flag.name
        assert f"-{flag.short}, --{flag.name}" in shown or not flag.short or flag.name == "help"
    for group in GROUPS:
        assert re.search(rf"\b{group}\b", shown)
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("group", GROUPS)
def test_help_of_a_group(capsys: pytest.CaptureFixture[str], group: str) -> None:
    for words in ([group, "-h"], [group, "--help"], ["help", group], ["-h", group]):
        assert main.run(words) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(f"Usage:  wherry {group} COMMAND\n")
    assert main.run([group]) == 0
    assert capsys.readouterr() == ("", shown)


@pytest.mark.parametrize(
    "words",
    [["image", "--help", "ls"], ["image", "-h", "ls"], ["help", "image", "ls"],
     ["--help", "image", "ls"], ["image", "ls", "--help"], ["image", "list", "-h"],
     ["image", "help", "ls"]],
)  # fmt: skip
def test_all_ways_to_ask(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main.run(words) == 0
    assert "[OPTIONS] [REPOSITORY[:TAG]]\n\nList images\n" in capsys.readouterr().out


def test_h_is_a_host_name_where_docker_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["run", "-h"]) == 0
    assert "-h, --hostname string" in capsys.readouterr().out
    assert main.run(["create", "-h", "name"]) == 1
    assert "requires at least 1 argument" in capsys.readouterr().err


def test_other_names_of_a_command_are_shown() -> None:
    assert texts.aliases("ps") == ["container ls", "ps"]
    assert texts.aliases("image pack") == ["image pack"]


PROGRAMS = [
    *([program("wherryd"), word] for word in ("-h", "--help")),
    [program("wherry-runtime"), "-h"],
    *([program("wherry-runtime"), verb, "-h"] for verb in (
        "create run start state kill delete pause resume exec features").split()),
    [program("wherry"), "registry", "-h"],
    *([program("wherry"), "registry", *words.split(), "-h"] for words in (
        "serve", "account", "account add", "account passwd", "account remove", "account list",
        "robot", "robot create", "robot list", "robot remove", "collect", "check",
        "repositories")),
    [program("wherry"), "doctor", "-h"],
]  # fmt: skip


@pytest.mark.parametrize("command", PROGRAMS, ids=lambda words: " ".join(words)[-40:])
def test_every_program_explains_itself(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.match(r"usage:", done.stdout, re.IGNORECASE)
    assert done.stderr == ""


def test_help_is_quick() -> None:
    """Not a measurement, which is for benchmarks: nothing slow is loaded."""
    code = (
        "import sys; from wherry.cli import main; sys.stdout = open('/dev/null', 'w');"
        "main.run(['--help']); sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True
    )
    heavy = {"argparse", "http.client", "asyncio", "ssl", "json", "subprocess", "typing", "re"}
    assert heavy & set(done.stderr.split()) == set()
