"""The name that the program answers by."""

from __future__ import annotations

import sys

import pytest

import wherry
from wherry.cli import main, program


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/usr/bin/wherry", "wherry"),
        ("/usr/bin/docker", "docker"),
        ("docker", "docker"),
        ("/opt/docker/bin/wherry", "wherry"),
        ("/usr/bin/docker-compose", "wherry"),
        ("-c", "wherry"),
        ("", "wherry"),
    ],
)
def test_the_name(monkeypatch: pytest.MonkeyPatch, called: str, name: str) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert program.name() == name


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"wherry version {wherry.__version__}\n"
    monkeypatch.setattr(sys, "argv", ["/usr/bin/docker"])
    assert main.run(["-v"]) == 0
    assert capsys.readouterr().out == f"Docker version {program.DOCKER_VERSION}, build wherry\n"
