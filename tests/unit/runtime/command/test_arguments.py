"""The command line, as podman, conmon and containerd write it."""

from __future__ import annotations

import argparse

import pytest

from wherry.base.errors import UnsupportedError
from wherry.runtime.command.arguments import parse, verb


def test_as_containerd_calls_it() -> None:
    words = "--root /run/r --log /l.json --log-format json create --bundle /b --pid-file /p c1"
    parsed = parse(words.split())
    assert (parsed.verb, parsed.id, parsed.root) == ("create", "c1", "/run/r")
    assert (parsed.log, parsed.log_format) == ("/l.json", "json")
    assert (parsed.bundle, parsed.pid_file, parsed.console_socket) == ("/b", "/p", "")


def test_as_conmon_calls_it() -> None:
    words = "--log-format=json --log=/l exec --pid-file /p --process /j --detach --tty c1"
    parsed = parse(words.split())
    assert (parsed.process, parsed.detach, parsed.tty, parsed.command) == ("/j", True, True, [])


def test_defaults() -> None:
    parsed = parse(["kill", "c1"])
    assert (parsed.signal, parsed.all, parsed.root) == ("SIGTERM", False, "/run/wherry-runtime")
    assert parse(["kill", "--all", "c1", "9"]).signal == "9"


def test_a_command_may_have_flags_of_its_own() -> None:
    assert parse(["exec", "c1", "ls", "--all", "-l"]).command == ["ls", "--all", "-l"]


@pytest.mark.parametrize("words", [[], ["nosuch"], ["start"], ["create", "--bund", "x", "c"]])
def test_bad_usage_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words)
    assert caught.value.code == 2
    assert "usage: wherry-runtime" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--version"])
    out = capsys.readouterr().out
    assert out.startswith("wherry-runtime version ")
    assert "\nspec: 1." in out


@pytest.mark.parametrize(
    "words", [["--systemd-cgroup", "start", "c"], ["create", "--no-pivot", "c"]]
)
def test_what_is_refused(words: list[str]) -> None:
    parsed: argparse.Namespace = parse(words)
    with pytest.raises(UnsupportedError, match="is not supported"):
        verb(parsed, words)
