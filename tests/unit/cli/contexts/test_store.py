"""Contexts on disk: docker's places, modes, and names that cannot lead anywhere else."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from wherry.cli.contexts import store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def content(name: str) -> dict[str, object]:
    place = {"Host": "tcp://h", "SkipTLSVerify": True}
    return {
        "Name": name, "Metadata": {"Description": "d", "other": [1]},
        "Endpoints": {"docker": place, "kubernetes": {"x": 1}},
    }  # fmt: skip


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_saved_is_where_docker_looks(folder: Path) -> None:
    digest = hashlib.sha256(b"far").hexdigest()
    before = os.umask(0)
    try:
        store.save(content("far"), {"docker": {"key.pem": b"secret", "ca.pem": b"ca"}})
    finally:
        os.umask(before)
    meta = folder / "contexts" / "meta" / digest / "meta.json"
    tls = folder / "contexts" / "tls" / digest
    assert json.loads(meta.read_text()) == content("far")
    assert (tls / "docker" / "key.pem").read_bytes() == b"secret"
    assert mode(tls / "docker" / "key.pem") == 0o600
    for path in (tls.parent, tls, tls / "docker"):
        assert mode(path) == 0o700
    assert store.load("far") == content("far")
    assert store.endpoint(store.load("far")) == ("tcp://h", True)
    assert store.material("far") == {"docker": {"key.pem": b"secret", "ca.pem": b"ca"}}
    assert store.material_names("far") == {"docker": ["ca.pem", "key.pem"]}
    assert store.names() == ["default", "far"]
    store.remove("far")
    store.remove("far")
    assert list((folder / "contexts" / "meta").iterdir()) == []
    assert list((folder / "contexts" / "tls").iterdir()) == []


def test_files_are_kept_or_replaced(folder: Path) -> None:
    store.save(content("far"), {"docker": {"key.pem": b"old", "ca.pem": b"ca"}})
    store.save(content("far"), None)
    assert store.material("far")["docker"]["key.pem"] == b"old"
    store.save(content("far"), {"docker": {"key.pem": b"new"}})
    assert store.material("far") == {"docker": {"key.pem": b"new"}}
    store.save(content("far"), {})
    assert store.material("far") == {}
    assert [path for path in folder.rglob("*") if "partial" in path.name] == []


@pytest.mark.parametrize("name", ["ab", "a1_.+-", "9Z", "default2"])
def test_names(name: str) -> None:
    store.check_name(name)


@pytest.mark.parametrize(
    "name", ["a", "-ab", "../x", "a/b", "a b", "ä1", "aä", "a\n", ".ab", "a\0b", "²3"]
)
def test_no_names(name: str) -> None:
    with pytest.raises(store.BadContextError, match="names are validated against regexp"):
        store.check_name(name)


def test_names_that_are_taken_or_empty() -> None:
    with pytest.raises(store.BadContextError, match='"default" is a reserved context name'):
        store.check_name("default")
    with pytest.raises(store.BadContextError, match="cannot be empty"):
        store.check_name("")


def test_a_hostile_name_stays_in_its_place(folder: Path) -> None:
    with pytest.raises(store.NoContextError):
        store.load("../../../etc/passwd\udcff")
    store.remove("../../x")
    assert store.directory("meta", "../x").startswith(str(folder / "contexts" / "meta"))


@pytest.mark.parametrize(
    "text", ["", "x", "[]", '{"Endpoints": []}', '{"Metadata": 1}', "[" * 9999]
)
def test_what_is_no_metadata(folder: Path, text: str) -> None:
    store.save(content("far"), {})
    path = Path(store.directory("meta", "far")) / "meta.json"
    path.write_text(text)
    with pytest.raises(store.BadContextError, match="failed to read metadata: parsing"):
        store.load("far")
    with pytest.raises(store.BadContextError, match="failed to read metadata: parsing"):
        list(store.everything())


def test_little_is_enough(folder: Path) -> None:
    store.save(content("far"), {})
    path = Path(store.directory("meta", "far")) / "meta.json"
    path.write_text('{"Metadata": null, "Endpoints": {"docker": null}}')
    assert store.endpoint(store.load("far")) is None
    assert store.description(store.load("far")) == ""
    path.unlink()
    assert list(store.everything()) == []
