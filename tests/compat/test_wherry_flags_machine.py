"""Flags of the commands about the machine: the service, certificates, TLS, the doctor."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.certificates import Certificates
from fixtures.engine import Engine, running_engine
from fixtures.registry import free_port
from fixtures.wherry_client import WHERRY

PATH = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}


def local(*words: str, status: int = 0) -> str:
    """Run `wherry` without an engine in mind, and return both its streams."""
    done = subprocess.run(
        [WHERRY, *words], capture_output=True, text=True, check=False, timeout=120, env=PATH
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_service_in_another_root(tmp_path: Path) -> None:
    for folder in ("usr/sbin", "etc/init.d"):
        (tmp_path / folder).mkdir(parents=True)
    root = str(tmp_path)
    assert "daemon.json" in local("service", "install", "--root", root)
    assert (tmp_path / "etc/init.d/wherry").stat().st_mode & 0o111
    (tmp_path / "etc/init.d/wherry").write_text("# changed\n")
    told = local("service", "install", "--root", root, "--force")
    assert "/etc/init.d/wherry" in told
    assert "# changed" not in (tmp_path / "etc/init.d/wherry").read_text()
    shown = json.loads(local("service", "status", "--root", root, "--format", "json", status=3))
    assert (shown["Installed"], shown["Running"]) != ("", True)
    local("service", "uninstall", "--root", root)
    assert not (tmp_path / "etc/init.d/wherry").exists()
    assert (tmp_path / "etc/wherry/daemon.json").exists()
    local("service", "install", "--root", root, "--docker")
    assert (tmp_path / "usr/bin/docker").is_symlink() or (tmp_path / "usr/local/bin/docker")
    local("service", "uninstall", "--root", root, "--purge")
    assert not (tmp_path / "etc/wherry").exists()


def test_certificates(tmp_path: Path) -> None:
    folder = str(tmp_path / "tls")
    told = local("tls", "init", "--directory", folder, "--host", "engine.example",
                 "--host", "192.0.2.7", "--days", "9")  # fmt: skip
    assert "tcp://engine.example:2376" in told
    assert (tmp_path / "tls/ca-key.pem").stat().st_mode & 0o077 == 0
    refused = local("tls", "init", "--directory", folder, "--host", "x", status=1)
    assert "--force" in refused
    local("tls", "client", "--directory", folder, "--days", "3", "ann")
    assert "--force" in local("tls", "client", "--directory", folder, "ann", status=1)
    before = (tmp_path / "tls/clients/ann/cert.pem").read_bytes()
    local("tls", "client", "--directory", folder, "--days", "3", "--force", "ann")
    assert (tmp_path / "tls/clients/ann/cert.pem").read_bytes() != before
    shown = local("tls", "show", "--directory", folder)
    assert "engine.example" in shown
    assert "clients/ann" in shown
    local("tls", "init", "--directory", folder, "--host", "other.example", "--days", "9", "--force")
    assert "other.example" in local("tls", "show", "--directory", folder)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Certificates]]:
    """The address of an engine behind TLS, and certificates for it."""
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    host = f"tcp://127.0.0.1:{free_port()}"
    with running_engine(*certificates.flags(), "-H", host):
        yield host, certificates


def test_an_engine_behind_tls(secure: tuple[str, Certificates]) -> None:
    host, made = secure
    pair = made.client
    told = local("--tlsverify", "--tlscacert", made.authority, "--tlscert", pair.certificate,
                 "--tlskey", pair.key, "-H", host, "version", "-f", "{{.Server.Os}}")  # fmt: skip
    assert told == "linux\n"
    told = local("--tls", "--tlscert", pair.certificate, "--tlskey", pair.key, "-H", host,
                 "version", "-f", "{{.Server.Os}}")  # fmt: skip
    assert told == "linux\n"
    told = local(
        "--tlsverify", "--tlscacert", made.other_authority, "--tlscert", pair.certificate,
        "--tlskey", pair.key, "-H", host, "version", status=1,
    )  # fmt: skip
    assert re.search("certificate", told)


def test_the_doctor(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text('{"no-such-key": 1}')
    done = subprocess.run(
        [WHERRY, "-H", engine.host, "doctor", "--format", "json", "--quiet",
         "--config-file", str(tmp_path / "daemon.json"), "--data-root", str(engine.data_root),
         "--exec-root", str(engine.exec_root), "--pidfile", str(engine.root / "wherryd.pid")],
        capture_output=True, text=True, check=False, timeout=120, env=PATH,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no-such-key" in done.stdout
    assert "`kernel-version`" in local("doctor", "--list")
