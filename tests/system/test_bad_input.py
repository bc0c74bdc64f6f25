"""Bad input gets one clear sentence and changes nothing."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine, program, running_engine
from fixtures.waiting import eventually


def request(engine: Engine, method: str, path: str, body: bytes) -> tuple[int, str]:
    """Send one request as no client library would; return status and message."""
    connection = http.client.HTTPConnection("engine", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(engine.socket))
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.headers["Content-Type"] == "application/json"
    return response.status, json.loads(text)["message"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"Image": 5}', b'{"Image": "busybox"} trailing', b"\xff\xfe", b'"text"'],
)
def test_malformed_json(engine: Engine, body: bytes) -> None:
    status, message = request(engine, "POST", "/containers/create", body)
    assert status == 400
    assert message
    assert "\n" not in message
    assert engine.docker("ps", "-aq").stdout == ""


def test_a_socket_that_is_not_there(engine: Engine) -> None:
    command = [program("wherry"), "-H", f"unix://{engine.root}/nobody.sock", "ps"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Cannot connect" in done.stderr
    assert "Traceback" not in done.stderr


def layer_archive(*entries: tarfile.TarInfo, cut: int = 0) -> bytes:
    """Return a file system archive of these entries, with the last `cut` bytes missing."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(b"x" * entry.size) if entry.size else None)
    data = sink.getvalue()
    return data[: len(data) - cut] if cut else data


def entry(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    """Return one entry of an archive."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../climbed", size=3)],
        [entry("a/../../climbed", size=3)],
        [entry("out", tarfile.SYMTYPE, "/"), entry("out/climbed", size=3)],
        [entry("out", tarfile.SYMTYPE, "../../.."), entry("out/climbed", size=3)],
        [entry("hard", tarfile.LNKTYPE, "../../../wherry.db")],
    ],
)
def test_an_entry_that_climbs_out(engine: Engine, entries: list[tarfile.TarInfo]) -> None:
    before = names_outside(engine)
    archive = layer_archive(*entries)
    done = engine.docker("import", "-", "climber:1", stdin=archive, check=False)
    assert names_outside(engine) == before
    if done.returncode == 0:
        engine.docker("rmi", "climber:1")
    assert "Traceback" not in done.stderr


def names_outside(engine: Engine) -> list[str]:
    """Return where files named `climbed` are, and the top of the data root."""
    found = [str(path) for top in (Path("/"), engine.root) for path in top.glob("climbed")]
    return [*found, *sorted(path.name for path in engine.data_root.iterdir())]


def test_an_archive_that_is_cut_short(engine: Engine) -> None:
    before = engine.docker("images", "-aq").stdout
    archive = layer_archive(entry("file", size=100_000), cut=60_000)
    done = engine.docker("import", "-", "cut:1", stdin=archive, check=False)
    assert done.returncode != 0
    assert engine.docker("images", "-aq").stdout == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 24 MB, unmounted before it is removed."""
    target = tmp_path / "small"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(target)], check=True)
    yield target
    subprocess.run(["umount", str(target)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    with running_engine(root=small_disk / "engine") as engine:
        archive = layer_archive(entry("big", size=40 << 20))
        done = engine.docker("import", "-", "big:1", stdin=archive, check=False)
        assert done.returncode != 0
        assert "no space left on device" in (done.stderr + done.stdout).lower()
        assert "big" not in engine.docker("images").stdout
        assert engine.docker("run", "--rm", "busybox", "echo", "fine").stdout == "fine\n"


def test_runs_end_on_a_full_disk(small_disk: Path) -> None:
    with running_engine(root=small_disk / "engine") as engine:
        engine.docker("run", "-d", "--name", "kept", "busybox", "sleep", "600")
        fill = small_disk / "fill"
        fill_up(fill)
        started = engine.docker("run", "--rm", "busybox", "true", check=False)
        assert started.returncode == 125
        assert "no space left on device" in started.stderr.lower()
        engine.docker("stop", "-t", "0", "kept")
        assert "Exited (137)" in engine.docker("ps", "-a").stdout
        fill.unlink()
        eventually(lambda: engine.docker("start", "kept", check=False).returncode == 0)
        engine.docker("rm", "-f", "kept")


def fill_up(path: Path) -> None:
    """Write a file until there is no room for one more byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--network", "nowhere"], "network nowhere not found"),
        (["--network", "container:nobody"], "No such container: nobody"),
        (["--volumes-from", "nobody"], "No such container: nobody"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_pulled(
    engine: Engine, flags: list[str], words: str
) -> None:
    done = engine.docker("run", "--rm", *flags, "busybox", "true", check=False)
    assert done.returncode == 125
    assert words in done.stderr
    assert "Unable to find image" not in done.stderr
    assert engine.docker("ps", "-aq").stdout == ""


def test_a_loaded_image_whose_layer_is_named_as_a_path(engine: Engine) -> None:
    layer = layer_archive(entry("file", size=3))
    config = {"os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:../../climbed"]}}
    listed = [{"Config": "config.json", "RepoTags": ["climber:2"], "Layers": ["layer.tar"]}]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in (
            ("config.json", json.dumps(config).encode()),
            ("layer.tar", layer),
            ("manifest.json", json.dumps(listed).encode()),
        ):
            archive.addfile(entry(name, size=len(data)), io.BytesIO(data))
    before = names_outside(engine)
    done = engine.docker("load", stdin=buffer.getvalue(), check=False)
    assert "invalid digest" in done.stdout + done.stderr
    assert names_outside(engine) == before
    assert "climber" not in engine.docker("images").stdout


def test_a_container_with_too_many_levels_of_directories(own_engine: Engine) -> None:
    deep = "i=0; while [ $i -lt 3000 ]; do mkdir d; cd d; i=$((i+1)); done; echo made"
    made = own_engine.docker("run", "--name", "deep", "busybox", "sh", "-c", deep, timeout=100)
    assert made.stdout == "made\n"
    assert "deep" in own_engine.docker("ps", "-as").stdout
    committed = own_engine.docker("commit", "deep", "deep:1", check=False)
    assert committed.returncode == 0 or "too long" in committed.stderr.lower()
    assert own_engine.stop() == 0
    own_engine.start()
    own_engine.docker("rm", "deep")
    assert own_engine.stop() == 0
    own_engine.start()
