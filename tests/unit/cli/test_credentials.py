"""Registry credentials: what docker's client reads is what is written."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from wherry.cli import credentials
from wherry.cli.errors import CommandError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def test_stored_and_found_again_and_erased(folder: Path) -> None:
    (folder / "config.json").write_text('{"psFormat": "kept"}')
    assert credentials.store("r.example:5000", "me", "s:ecret") is False
    assert (folder / "config.json").stat().st_mode & 0o777 == 0o600
    content = json.loads((folder / "config.json").read_text())
    auth = content["auths"]["r.example:5000"]["auth"]
    assert base64.b64decode(auth) == b"me:s:ecret"
    assert content["psFormat"] == "kept"
    header = credentials.header("r.example:5000")["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "serveraddress": "r.example:5000",
        "username": "me",
        "password": "s:ecret",
    }
    assert credentials.erase("r.example:5000") is True
    assert credentials.lookup("r.example:5000") == {}


def test_helpers_are_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = folder / "docker-credential-fake"
    helper.write_text('#!/bin/sh\necho \'{"Username": "<token>", "Secret": "t"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (folder / "config.json").write_text('{"credHelpers": {"r.example": "fake"}}')
    assert credentials.lookup("r.example") == {"serveraddress": "r.example", "identitytoken": "t"}


def test_a_broken_file_is_named(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    with pytest.raises(CommandError, match=r"cannot read .*config\.json"):
        credentials.lookup("x")


def test_a_build_gets_all_that_can_be_had(folder: Path) -> None:
    content = {
        "auths": {
            "https://index.docker.io/v1/": {"auth": "dTpw"},
            "https://r.example/v2/": {"auth": "dTpw"},
            "empty.example": {},
        },
        "credHelpers": {"other.example": "that-is-not-there"},
    }
    (folder / "config.json").write_text(json.dumps(content))
    warnings: list[str] = []
    found = credentials.everything(warnings.append)
    assert sorted(found) == ["https://index.docker.io/v1/", "r.example"]
    assert found["r.example"]["password"] == "p"
    (warning,) = warnings
    assert warning.startswith("WARNING: building without credentials for other.example: ")
