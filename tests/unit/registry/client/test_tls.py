"""Certificates of the operator, per host."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from wherry.base.errors import InvalidError
from wherry.registry.client.tls import Contexts

HOST = "registry.invalid:5000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "certs.d" / HOST
    made.mkdir(parents=True)
    return made


def contexts(folder: Path) -> Contexts:
    return Contexts((str(folder.parent), "/nonexistent"))


def test_hosts_without_files_share_a_context_that_verifies(folder: Path) -> None:
    made = contexts(folder)
    context = made.verified("other.invalid")
    assert context is made.verified(HOST)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made.unverified().verify_mode == ssl.CERT_NONE


def test_an_authority_is_read_and_read_again_when_it_changes(folder: Path) -> None:
    made = contexts(folder)
    before = made.verified(HOST)
    trustme.CA().cert_pem.write_to_path(folder / "ca.crt")
    after = made.verified(HOST)
    assert len(after.get_ca_certs()) == len(before.get_ca_certs()) + 1
    assert made.verified(HOST) is after


def test_a_certificate_needs_its_key(folder: Path) -> None:
    pair = trustme.CA().issue_cert("client.invalid")
    pair.cert_chain_pems[0].write_to_path(folder / "client.cert")
    with pytest.raises(InvalidError) as caught:
        contexts(folder).verified(HOST)
    assert str(caught.value) == (
        "missing key client.key for client certificate client.cert. "
        "CA certificates must use the extension .crt"
    )
    pair.private_key_pem.write_to_path(folder / "client.key")
    contexts(folder).verified(HOST)
    (folder / "client.cert").unlink()
    with pytest.raises(InvalidError, match=r"missing client certificate client\.cert for key"):
        contexts(folder).verified(HOST)


def test_what_is_no_certificate_is_named(folder: Path) -> None:
    (folder / "ca.crt").write_text("nonsense")
    with pytest.raises(InvalidError, match=r"ca\.crt"):
        contexts(folder).verified(HOST)
