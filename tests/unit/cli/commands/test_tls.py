"""`wherry tls`: what is made, that keys are nobody else's at any moment, that nothing is lost."""

from __future__ import annotations

import json
import os
import re
import ssl
import stat
from pathlib import Path

import pytest

from wherry.cli import main
from wherry.cli.contexts import store
from wherry.daemon.configuration import TlsOptions
from wherry.daemon.tls import context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "new" / "tls"


def run(*words: str) -> int:
    return main.run(["tls", *words])


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
    }


def test_what_is_made_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0)
    try:
        assert run("init", "--directory", str(folder), "--host", "a.example", "--host", "::2") == 0
    finally:
        os.umask(before)
    assert modes(folder.parent)["tls"] == 0o700
    assert modes(folder) == {
        "ca.pem": 0o644, "ca-key.pem": 0o600, "server.pem": 0o644, "server-key.pem": 0o600,
        "clients": 0o700, "clients/client": 0o700, "clients/client/ca.pem": 0o644,
        "clients/client/cert.pem": 0o644, "clients/client/key.pem": 0o600,
    }  # fmt: skip
    shown = capsys.readouterr().out
    settings = json.loads(
        "{" + re.findall(r'^  "hosts".*?^$', shown, re.MULTILINE | re.DOTALL)[0] + "}"
    )
    made = context(TlsOptions(settings["tlscert"], settings["tlskey"], settings["tlscacert"], True))
    assert made.verify_mode == ssl.CERT_REQUIRED
    assert "tcp://a.example:2376" in shown
    client = ssl.create_default_context(cafile=str(folder / "clients/client/ca.pem"))
    client.load_cert_chain(folder / "clients/client/cert.pem", folder / "clients/client/key.pem")


def test_a_key_is_private_from_its_first_moment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: dict[str, int] = {}
    real = os.open

    def watched(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        descriptor = real(path, flags, mode, **more)
        if flags & os.O_CREAT:
            opened[os.path.basename(str(path))] = stat.S_IMODE(os.fstat(descriptor).st_mode)
        return descriptor

    monkeypatch.setattr(os, "open", watched)
    before = os.umask(0)
    try:
        assert run("init", "--directory", str(folder)) == 0
    finally:
        os.umask(before)
    keys = {name: mode for name, mode in opened.items() if "key.pem" in name}
    assert len(keys) == 3
    assert set(keys.values()) == {0o600}


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--directory", str(folder)]
    assert run("init", *words) == 0
    assert run("client", "ann", *words) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*.pem")}
    capsys.readouterr()
    assert run("init", *words) == 1
    assert run("client", "ann", *words) == 1
    assert capsys.readouterr().err.count("there already; --force makes them anew") == 2
    assert {path: path.read_bytes() for path in folder.rglob("*.pem")} == before
    assert run("client", "ann", "--force", *words) == 0
    assert (folder / "clients/ann/key.pem").read_bytes() != before[folder / "clients/ann/key.pem"]
    assert run("init", "-f", *words) == 0
    assert (folder / "ca.pem").read_bytes() != before[folder / "ca.pem"]


def test_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--directory", str(folder)]
    assert run("show", *words) == 1
    assert "make an authority with 'wherry tls init'" in capsys.readouterr().err
    assert run("init", *words, "--host", "a.example", "--days", "10") == 0
    assert run("client", "ann", *words, "--days", "100") == 0
    capsys.readouterr()
    assert run("show", *words) == 0
    shown = capsys.readouterr()
    assert re.search(r"server\.pem +server +a\.example +a\.example,localhost,127\.0\.0\.1,::1 ",
                     shown.out)  # fmt: skip
    assert re.search(r"clients/ann/cert\.pem +client +ann ", shown.out)
    assert [line.split()[1] for line in shown.err.splitlines()] == [
        str(folder / "server.pem"), str(folder / "clients/client/cert.pem"),
    ]  # fmt: skip
    assert "expires in 9 days" in shown.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["client", "../x"], "is no name for a client"),
        (["client", ".x"], "is no name for a client"),
        (["client", "ann"], "make an authority with"),
        (["init", "--days", "0"], "--days: wanted 1 to 36500"),
        (["init", "--host", "a..b"], "neither a host's name nor an address"),
    ],
)
def test_mistakes(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert run(*words, "--directory", str(folder)) == 1
    assert reason in capsys.readouterr().err
    assert not folder.exists()


def test_the_advice_works_as_it_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(folder.parent / "configuration"))
    assert run("init", "--directory", str(folder), "--host", "a.example") == 0
    command = next(
        line.split()[1:]
        for line in capsys.readouterr().out.splitlines()
        if "context create" in line
    )
    monkeypatch.chdir(folder / "clients" / "client")
    assert main.run(command) == 0
    assert store.endpoint(store.load("a-example")) == ("tcp://a.example:2376", False)
    assert sorted(store.material("a-example")["docker"]) == ["ca.pem", "cert.pem", "key.pem"]
