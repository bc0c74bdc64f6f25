"""The command line, as pflag understands it."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.daemon.configuration import ConfigurationError
from wherry.daemon.configuration.flags import parse


def told(*words: str) -> dict[str, Any]:
    return {".".join(map(str, flag.path)): flag.value for flag in parse(words).flags}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--group", "a"], {"group": "a"}),
        (["--group=a"], {"group": "a"}),
        (["--group="], {"group": ""}),
        (["-G", "a"], {"group": "a"}),
        (["-Ga"], {"group": "a"}),
        (["-G=a"], {"group": "a"}),
        (["-G", "a", "--group", "b"], {"group": "b"}),
        (["-D"], {"debug": True}),
        (["--debug=false"], {"debug": False}),
        (["-D=0"], {"debug": False}),
        (["--debug=T"], {"debug": True}),
        (["--debug", "--icc=false"], {"debug": True, "icc": False}),
        (["-DGa"], {"debug": True, "group": "a"}),
        (["-DG", "a"], {"debug": True, "group": "a"}),
        (["-H", "-D"], {"hosts": ["-D"]}),
        (["-H=fd://", "-Hunix:///x"], {"hosts": ["fd://", "unix:///x"]}),
        (["--mtu", "0x10"], {"mtu": 16}),
        (["--mtu", "x"], {"mtu": "x"}),
        (["--log-opt", "a=b=c", "--log-opt", "d"], {"log-opts": {"a": "b=c", "d": ""}}),
        (["--http-proxy", "p"], {"proxies.http-proxy": "p"}),
        (["--feature", "a", "--feature=b=false"], {"features": {"a": True, "b": False}}),
        ([], {}),
    ],
)
def test_ways_to_write_a_flag(words: list[str], wanted: dict[str, Any]) -> None:
    assert told(*words) == wanted


def test_what_is_asked_of_the_program() -> None:
    found = parse(["--config-file=/x", "--validate", "-hv"])
    assert found.config_file == "/x"
    assert found.asked == {"--config-file", "--validate", "--help", "--version"}
    assert parse([]).config_file is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hots", "x"], "--hots: there is no such flag, did you mean --host?: see"),
        (["--qqqqqq"], "--qqqqqq: there is no such flag: see 'wherryd --help'"),
        (["-Q"], "-Q: there is no such flag"),
        (["--group"], "--group: a word is wanted after it"),
        (["-DG"], "-G: a word is wanted after it"),
        (["run"], "run: no word is wanted here, flags only"),
        (["--", "-D"], "--: no word is wanted here"),
        (["-"], "-: no word is wanted here"),
        (["--debug", "false"], "false: no word is wanted here"),
    ],
)
def test_what_is_wrong(words: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(words)
    assert message in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(["--a", "b", "-D", "--group"])
    assert [problem.place for problem in caught.value.problems] == ["--a", "b", "--group"]
