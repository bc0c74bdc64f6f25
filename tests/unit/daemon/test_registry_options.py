"""The options of the engine's own registry, as flags and in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.base.errors import InvalidError
from wherry.daemon.options import load
from wherry.daemon.registry_options import RegistryOptions


@pytest.mark.parametrize(
    ("text", "host", "port", "public"),
    [
        ("127.0.0.1:5001", "127.0.0.1", 5001, False),
        ("localhost", "localhost", 5000, False),
        ("[::1]:5001", "::1", 5001, False),
        (":5001", "", 5001, True),
        ("192.0.2.1:5001", "192.0.2.1", 5001, True),
        ("[::]:5001", "::", 5001, True),
    ],
)
def test_addresses(text: str, host: str, port: int, public: bool) -> None:
    found = load(["--registry", text]).registry
    assert found == RegistryOptions(host, port)
    assert found.is_public is public


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--registry", "::1:5001"], r"say 127\.0\.0\.1:5001"),
        (["--registry", "http://x:5001"], "is no address"),
        (["--registry", "x:0"], "is no address"),
        (["--registry", "x:70000"], "is no address"),
        (["--registry-htpasswd", "f"], "--registry is wanted"),
        (["--registry", ":1", "--registry-tls-key", "k"], "go together"),
    ],
)
def test_what_makes_no_sense(words: list[str], message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        load(words)


def test_the_file_has_the_same_keys(tmp_path: Path) -> None:
    file = tmp_path / "daemon.json"
    keys = {
        "registry": ":5001",
        "registry-htpasswd": "/a/../accounts",
        "registry-tls-certificate": "/c.pem",
        "registry-tls-key": "/k.pem",
    }
    file.write_text(json.dumps(keys))
    found = load(["--config-file", str(file)]).registry
    assert found == RegistryOptions("", 5001, "/accounts", "/c.pem", "/k.pem")
    with pytest.raises(InvalidError, match="both as a flag and in the configuration file"):
        load(["--config-file", str(file), "--registry", ":5002"])


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert load([]).registry is None
