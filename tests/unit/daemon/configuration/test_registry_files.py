"""The files of the engine's own registry, named in the file of settings."""

from __future__ import annotations

import json
from pathlib import Path

from fixtures.certificates import Certificates
from wherry.daemon.configuration import load


def test_certificate_key_and_accounts(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    (tmp_path / "accounts").write_text("")
    content = {
        "registry": "127.0.0.1:5001",
        "registry-tls-certificate": made.server.certificate,
        "registry-tls-key": made.server.key,
        "registry-htpasswd": str(tmp_path / "accounts"),
    }
    (tmp_path / "daemon.json").write_text(json.dumps(content))
    found = load(["--config-file", str(tmp_path / "daemon.json")]).registry
    assert found is not None
    assert found.certificate == made.server.certificate
    assert found.key == made.server.key
    assert found.htpasswd == str(tmp_path / "accounts")


def test_the_same_as_flags(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    (tmp_path / "accounts").write_text("")
    found = load(
        [
            "--config-file", "/dev/null", "--registry", "127.0.0.1:5001",
            "--registry-tls-certificate", made.server.certificate,
            "--registry-tls-key", made.server.key,
            "--registry-htpasswd", str(tmp_path / "accounts"),
        ]
    ).registry  # fmt: skip
    assert found is not None
    assert (found.certificate, found.key) == (made.server.certificate, made.server.key)
    assert found.htpasswd == str(tmp_path / "accounts")
