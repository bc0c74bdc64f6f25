"""Certificates: each for its own use only, in OpenSSL's strictest reading too."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from wherry.cli.tls.issue import Authority, Issued, IssueError, read

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make("mine", 100, NOW)


def verify(folder: Path, authority: Authority, issued: Issued, purpose: str) -> str:
    (folder / "ca.pem").write_bytes(authority.issued.certificate)
    (folder / "x.pem").write_bytes(issued.certificate)
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-no-CApath", "-no-CAstore",
         "-CAfile", str(folder / "ca.pem"), str(folder / "x.pem")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return "OK" if done.returncode == 0 else done.stdout + done.stderr


def test_each_is_for_its_own_use(authority: Authority, tmp_path: Path) -> None:
    server = authority.server(["a.example", "127.0.0.1"], 10, NOW)
    client = authority.client("ann", 10, NOW)
    assert verify(tmp_path, authority, server, "sslserver") == "OK"
    assert verify(tmp_path, authority, client, "sslclient") == "OK"
    for issued, purpose in ((server, "sslclient"), (client, "sslserver")):
        assert "certificate purpose" in verify(tmp_path, authority, issued, purpose)


def test_nobody_else_signs_for_it(authority: Authority, tmp_path: Path) -> None:
    other = Authority.make("mine", 100, NOW)
    assert verify(tmp_path, authority, other.client("ann", 10, NOW), "sslclient") != "OK"
    # A client's key signs nothing, whatever it is made to say.
    client = authority.client("ann", 10, NOW)
    forged = Authority(client).client("root", 10, NOW)
    chain = Issued(forged.certificate + client.certificate, b"")
    assert verify(tmp_path, authority, chain, "sslclient") != "OK"


def test_what_is_said_of_them(authority: Authority) -> None:
    server = read(authority.server(["a.example", "192.0.2.7", "::1"], 10, NOW).certificate)
    assert (server.subject, server.use) == ("a.example", "server")
    assert server.names == ["a.example", "192.0.2.7", "::1"]
    assert server.expires == NOW + 10 * DAY
    client = read(authority.client("ann", 10, NOW).certificate)
    assert (client.subject, client.use, client.names) == ("ann", "client", [])
    assert read(authority.issued.certificate).use == "authority"


def test_none_outlives_its_authority(authority: Authority) -> None:
    assert read(authority.client("ann", 10_000, NOW).certificate).expires <= NOW + 100 * DAY
    with pytest.raises(IssueError, match="the authority expires within a day"):
        authority.client("ann", 10, NOW + 100 * DAY)


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_names_that_cannot_be(authority: Authority, name: str) -> None:
    with pytest.raises(IssueError, match="a name has 1 to 64 characters"):
        authority.client(name, 10, NOW)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "\ud800"])
def test_hosts_that_cannot_be(authority: Authority, host: str) -> None:
    with pytest.raises(IssueError, match="is neither a host's name nor an address"):
        authority.server(["fine", host], 10, NOW)


def test_what_is_no_authority(authority: Authority) -> None:
    for issued in (
        Issued(b"x", authority.issued.key),
        Issued(authority.issued.certificate, b"x"),
        Issued(authority.issued.certificate, authority.client("a", 1, NOW).key),
    ):
        with pytest.raises(IssueError, match="authority"):
            Authority(issued)
    with pytest.raises(IssueError, match="no certificate of ours"):
        read(b"x")
