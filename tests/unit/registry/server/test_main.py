"""The command line: help, mistakes, and what looks after a registry, without one that serves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wherry.oci.digest import Digest
from wherry.registry.blobdrivers.files import FileDriver
from wherry.registry.server.catalog.open import open_catalog
from wherry.registry.server.hosted.backend import HostedBackend
from wherry.registry.server.main import main
from wherry.registry.server.settings import Settings

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
Captured = pytest.CaptureFixture[str]


def run(capsys: Captured, *words: str) -> tuple[int, str, str]:
    """Run a command line; returns status, output and errors."""
    try:
        status = main(words)
    except SystemExit as ended:  # argparse ends so
        status = int(ended.code or 0)
    shown = capsys.readouterr()
    return status, shown.out, shown.err


@pytest.mark.parametrize(
    "words",
    [
        (), ("serve",), ("collect",), ("check",), ("repositories",), ("account",), ("robot",),
        ("account", "add"), ("account", "passwd"), ("account", "remove"), ("account", "list"),
        ("robot", "create"), ("robot", "list"), ("robot", "remove"),
    ],
)  # fmt: skip
def test_help_has_examples(capsys: Captured, words: tuple[str, ...]) -> None:
    status, out, _ = run(capsys, *words, "-h")
    assert status == 0
    assert out.startswith(f"usage: {' '.join(('wherry registry', *words))} ")
    assert "\nexamples:\n  wherry registry " in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "wherry registry: the following arguments are required: COMMAND: see"),
        (("nonsense",), "wherry registry: argument COMMAND: invalid choice: 'nonsense'"),
        (("serve", "--nonsense"), "wherry registry: unrecognized arguments: --nonsense: see"),
        (("serve", "--listen", "x", "--validate"), "--listen: ADDRESS:PORT, :PORT or PORT is"),
        (("serve", "--config", "/none"), "/none: cannot be read: no such file or directory"),
        (("account", "add"), "wherry registry account add: the following arguments are required"),
        (("robot", "create", "x"), "wherry registry robot create: the following arguments are"),
        (("robot", "create", "x", "--scope", "y"), "wherry registry: 'y' is no scope: write"),
        (
            ("robot", "create", "x", "--scope", "y:pull", "--expires", "soon"),
            "wherry registry: --expires: 'soon' is no time: write it as 12h, 30d or 52w",
        ),
    ],
)
def test_mistakes(capsys: Captured, words: tuple[str, ...], message: str) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert err.startswith(message)


def test_settings_are_validated(capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_text("[listen]\nprot = 1\n[acces]\n")
    status, _, err = run(capsys, "serve", "--config", str(file), "--validate")
    assert status == 2
    assert err == (
        f'{file}:2: listen.prot: unknown key: did you mean "port"?\n'
        f'{file}:3: acces: unknown key: did you mean "access"?\n'
    )
    file.write_text("")
    status, out, _ = run(capsys, "serve", "--config", str(file), "--validate")
    assert (status, out) == (0, "the settings are fine\n")


def test_storage_that_cannot_be_used(capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = run(capsys, "collect", "--root", str(tmp_path / "file"))
    assert status == 1
    assert err.startswith("wherry registry: ")
    assert str(tmp_path / "file") in err


def test_accounts(capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(f'[access]\nhtpasswd = "{tmp_path}/htpasswd"\n')
    config = ("--config", str(file))
    for name in ("ann", "bob"):
        monkeypatch.setattr(sys, "stdin", io.StringIO("a word\n"))
        assert run(capsys, "account", "add", name, "--password-stdin", *config) == (0, "", "")
    assert run(capsys, "account", "list", *config) == (0, "ann\nbob\n", "")
    assert run(capsys, "account", "remove", "ann", *config)[0] == 0
    assert run(capsys, "account", "list", "--file", f"{tmp_path}/htpasswd")[1] == "bob\n"
    before = (tmp_path / "htpasswd").read_text()
    monkeypatch.setattr(sys, "stdin", io.StringIO("another\n"))
    assert run(capsys, "account", "passwd", "bob", "--password-stdin", *config)[0] == 0
    assert (tmp_path / "htpasswd").read_text() != before
    status, _, err = run(capsys, "account", "remove", "ann", *config)
    assert (status, err.startswith("wherry registry: account 'ann' is not in")) == (1, True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("another\n"))
    status, _, err = run(capsys, "account", "passwd", "bob", *config)
    assert (status, "give the password by --password-stdin" in err) == (2, True)
    file.write_text("")
    status, _, err = run(capsys, "account", "list", *config)
    assert (status, "no file of accounts: set access.htpasswd" in err) == (2, True)


def test_robots(capsys: Captured, tmp_path: Path) -> None:
    root = ("--root", str(tmp_path))
    status, secret, told = run(
        capsys, "robot", "create", "ci", "--scope", "team/*:pull,push", "--expires", "30d", *root
    )
    assert (status, told) == (0, "robot:ci is made; its secret, which is not shown again:\n")
    assert secret.startswith("wry_")
    made = json.loads(
        run(capsys, "robot", "create", "cd", "--scope", "a:pull", "--format", "json", *root)[1]
    )
    assert (made["name"], made["expires"]) == ("robot:cd", None)
    listed = run(capsys, "robot", "list", *root)[1]
    assert re.fullmatch(
        r"robot:cd  a:pull  does not expire\n"
        r"robot:ci  team/\*:pull,push  expires 20\d\d-\d\d-\d\d \d\d:\d\d\n",
        listed,
    )
    told = run(capsys, "robot", "list", "--format", "json", *root)[1]
    assert [one["name"] for one in json.loads(told)] == ["robot:cd", "robot:ci"]
    assert secret.strip() not in told
    assert run(capsys, "robot", "remove", "robot:ci", *root)[0] == 0
    status, _, err = run(capsys, "robot", "remove", "ci", *root)
    assert (status, err) == (1, "wherry registry: there is no robot ci\n")


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def fill(root: Path, name: str, tags: list[str]) -> None:
    """Push images into a registry that nobody serves."""
    catalog = await open_catalog(str(root / "catalog.db"))
    backend = HostedBackend(catalog, FileDriver(str(root)), Settings())
    for tag in tags:
        config = json.dumps({"of": f"{name}:{tag}"}).encode()
        digest = Digest("sha256:" + hashlib.sha256(config).hexdigest())
        upload = await backend.begin_upload(name)
        await backend.finish_upload(name, upload, digest, None, chunks(config))
        part = {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest,
            "size": len(config),
        }
        body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": part, "layers": []})
        await backend.put_manifest(name, tag, MANIFEST, body.encode(), "ann")
    await catalog.close()


def test_looking_after_a_registry(capsys: Captured, tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path, "team/app", ["1", "2", "3"]))
    file = tmp_path / "registry.toml"
    file.write_text(
        "[collection]\ngrace = 0\n[[collection.retention]]\nrepositories = ['*']\n"
        "keep_last = 1\nkeep_untagged = 0\n"
    )
    where = ("--root", str(tmp_path), "--config", str(file))
    assert run(capsys, "repositories", *where) == (0, "team/app\n", "")
    [detail] = json.loads(run(capsys, "repositories", "--format", "json", *where)[1])
    assert (detail["name"], detail["tags"]) == ("team/app", 3)
    assert time.time() - 600 < detail["updated"] < time.time() + 1
    planned = run(capsys, "collect", "--dry-run", *where)[1].splitlines()
    assert planned[-1] == "2 tags would be dropped"
    assert {line.split()[0] for line in planned[:-1]} == {"team/app:1", "team/app:2"}
    planned = json.loads(run(capsys, "collect", "--dry-run", "--format", "json", *where)[1])
    assert {one["tag"] for one in planned} == {"1", "2"}
    assert json.loads(run(capsys, "repositories", "--format", "json", *where)[1])[0]["tags"] == 3
    report = json.loads(run(capsys, "collect", "--format", "json", *where)[1])
    assert (report["tags"], report["manifests"], report["blobs"]) == (2, 2, 2)
    assert run(capsys, "collect", *where)[1].startswith("nothing removed")
    status, out, err = run(capsys, "check", "--read", *where)
    assert (status, err) == (0, "")
    assert out == "1 manifests, 1 blobs, 1 objects: sound\n"
    [only] = [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    only.write_bytes(b"?" * only.stat().st_size)
    assert run(capsys, "check", *where)[0] == 0  # it has not read what is there
    status, out, _ = run(capsys, "check", "--read", "--format", "json", *where)
    assert (status, json.loads(out)["sound"]) == (1, False)
