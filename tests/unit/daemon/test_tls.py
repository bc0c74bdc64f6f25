"""The engine's certificates: what is read, and what is said of files that cannot be used."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.certificates import Certificates
from wherry.daemon.tls import CertificateError, context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def test_what_is_asked_of_clients(certificates: Certificates) -> None:
    assert context(certificates.options()).verify_mode == ssl.CERT_REQUIRED
    assert context(certificates.options(verify=False)).verify_mode == ssl.CERT_NONE


def test_what_is_spoken(certificates: Certificates) -> None:
    made = context(certificates.options())
    assert made.minimum_version == ssl.TLSVersion.TLSv1_2
    assert made.options & ssl.OP_NO_RENEGOTIATION
    assert made.options & ssl.OP_NO_TICKET
    old = {cipher["name"] for cipher in made.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert old
    assert all(name.startswith("ECDHE-") for name in old)


def test_files_that_are_not_there(certificates: Certificates) -> None:
    options = certificates.options()
    for field, setting in (
        ("certificate", "tlscert"),
        ("key", "tlskey"),
        ("authority", "tlscacert"),
    ):
        with pytest.raises(CertificateError, match=f"^{setting} /nowhere.pem: No such file"):
            context(replace(options, **{field: "/nowhere.pem"}))
    with pytest.raises(CertificateError, match="tlscacert is missing"):
        context(replace(options, authority=""))
    with pytest.raises(CertificateError, match=r"^tlscacert /: Is a directory"):
        context(replace(options, authority="/"))


def test_files_of_another_kind(certificates: Certificates, tmp_path: Path) -> None:
    options = certificates.options()
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(CertificateError, match="the key is not that of the certificate"):
        context(replace(options, key=certificates.client.key))
    for field in ("certificate", "key"):
        with pytest.raises(CertificateError, match="both have to be PEM"):
            context(replace(options, **{field: str(text)}))
    for path in (str(text), certificates.server.key):
        with pytest.raises(CertificateError, match=f"^tlscacert {path}: there is no certificate"):
            context(replace(options, authority=path))


def test_a_key_with_a_password_asks_nobody(certificates: Certificates, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", certificates.server.key, "-out", str(locked),
         "-passout", "pass:secret"],
        check=True, capture_output=True,
    )  # fmt: skip
    with pytest.raises(CertificateError, match="the key has a password"):
        context(replace(certificates.options(), key=str(locked)))
