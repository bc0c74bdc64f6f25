"""Contexts as files: what was packed is unpacked, and nothing else is taken."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.cli.contexts import archive
from wherry.cli.contexts.archive import pack, unpack
from wherry.cli.contexts.store import BadContextError

CONTENT = {"Name": "far", "Metadata": {"x": 1}, "Endpoints": {"docker": {"Host": "tcp://h"}}}
FILES = {"docker": {"ca.pem": b"ca", "key.pem": b"key"}}
META = json.dumps(CONTENT).encode()


def tar(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            member.size = len(data) if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def test_there_and_back_under_another_name() -> None:
    content, files = unpack(pack(CONTENT, FILES), "near")
    assert content == {**CONTENT, "Name": "near"}
    assert files == FILES


def test_a_zip_is_read_too() -> None:
    members = {"meta.json": META, "tls/docker/ca.pem": b"ca"}
    content, files = unpack(zipped(members), "near")
    assert (content["Endpoints"], files) == (CONTENT["Endpoints"], {"docker": {"ca.pem": b"ca"}})


def test_a_last_block_that_is_not_filled_is_docker_s_way() -> None:
    packed = tar({"meta.json": META, "tls/docker/ca.pem": b"ca"})
    cut = packed[: packed.index(b"ca\0\0") + 2]
    assert unpack(cut, "near")[1] == {"docker": {"ca.pem": b"ca"}}
    with pytest.raises(BadContextError, match=r"tls/docker/ca\.pem is cut"):
        unpack(cut[:-1], "near")


def test_keys_are_private_in_the_archive() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(CONTENT, FILES))) as packed:
        modes = {member.name: member.mode for member in packed}
        assert {member.uname for member in packed.getmembers()} == {""}
    assert modes == {
        "meta.json": 0o644, "tls": 0o700, "tls/docker": 0o700, "tls/docker/ca.pem": 0o600,
        "tls/docker/key.pem": 0o600,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("evil", "unexpected context file"), ("/etc/passwd", "unexpected context file"),
        ("../meta.json", "unexpected context file"), ("./meta.json", "unexpected context file"),
        ("tls/../../x", "unexpected path format"), ("tls//x", "unexpected path format"),
        ("tls/docker/..", "unexpected path format"), ("tls/docker/./x", "unexpected path format"),
        ("tls/docker\\x", r"unexpected '\\' in path"), ("tls/x", "expected tls/<endpoint>/<file>"),
        ("tls/a/b/c", "expected tls/<endpoint>/<file>"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", [tar, zipped])
def test_hostile_paths(path: str, reason: str, make: object) -> None:
    assert callable(make)
    with pytest.raises(BadContextError, match=reason):
        unpack(make({"meta.json": META, path: b"x"}), "near")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_what_is_no_file_is_passed_over(kind: bytes) -> None:
    with pytest.raises(BadContextError, match="no metadata found"):
        unpack(tar({"meta.json": b""}, kind, "/etc/passwd"), "near")


def test_what_is_no_archive() -> None:
    for data in (b"", b"nonsense" * 1000, gzip.compress(pack(CONTENT, FILES)), b"PK\x03\x04" * 9,
                 pack(CONTENT, FILES)[:540]):  # fmt: skip
        with pytest.raises(BadContextError):
            unpack(data, "near")
    with pytest.raises(BadContextError, match="failed to read metadata"):
        unpack(tar({"meta.json": b"x"}), "near")


def test_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 100_000)
    bomb = zipped({"meta.json": META, "tls/docker/ca.pem": b"\0" * 1_000_000})
    assert len(bomb) < 5000
    with pytest.raises(BadContextError, match="has more than"):
        unpack(bomb, "near")
    with pytest.raises(BadContextError, match="has more than"):
        unpack(tar({"meta.json": b"\0" * 200_000}), "near")


@given(st.binary(max_size=2000), st.integers(0, 4000))
def test_anything_is_read_or_refused(noise: bytes, at: int) -> None:
    for data in (pack(CONTENT, FILES), zipped({"meta.json": META})):
        broken = data[:at] + noise + data[at + len(noise) :]
        try:
            unpack(broken, "near")
        except BadContextError:
            continue
