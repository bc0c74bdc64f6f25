"""What a RUN leaves in its layer, beside what dockerd's classic builder leaves of the same."""

from __future__ import annotations

import asyncio
import io
import json
import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.busybox import BUSYBOX
from fixtures.dockerd import Dockerd, running_dockerd
from fixtures.steps import step_bench
from wherry.store.layers.diff import write_archive

pytestmark = [pytest.mark.dockerd, pytest.mark.timeout(300)]

APPLETS = ("sh", "mkdir", "rm", "touch", "chmod", "ln", "mv")
SCRIPTS = {
    "nothing": "true",
    "a file": "echo made > /made",
    "in a stub's directory": "echo made > /etc/made; mkdir /dev/shm/x",
    "below a stub": "mkdir -p /run/lock; echo > /proc/self/comm; echo x > /etc/hosts",
    "a changed directory": "chmod 700 /old",
    "a file removed": "rm /old/file",
    "a file changed": "echo more >> /old/file",
    "a directory removed": "rm -r /old",
    "a directory replaced": "rm -r /old; mkdir /old; echo > /old/new",
    "made and removed": "touch /old/x; rm /old/x; touch /y; rm /y",
    "a link": "ln -s /old /etc/link",
}
Entry = tuple[str, int, int, str]


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    with running_dockerd(tmp_path_factory.mktemp("dockerd")) as running:
        docker(running, "import", "-", "bare", stdin=bare_layer())
        yield running


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_layer_has_what_dockerd_s_has(dockerd: Dockerd, tmp_path: Path, script: str) -> None:
    assert asyncio.run(by_us(tmp_path, script)) == by_dockerd(dockerd, tmp_path, script)


def bare_layer() -> bytes:
    """Return a layer that has no directory of those that something is mounted at."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, mode in (("bin", 0o755), ("old", 0o755)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for name, data, mode in (
            ("bin/busybox", Path(BUSYBOX).read_bytes(), 0o755),
            ("old/file", b"old\n", 0o644),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
        for applet in APPLETS:
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return sink.getvalue()


async def by_us(root: Path, script: str) -> list[Entry]:
    async with step_bench(root, data="us") as bench:
        bare = bench.layer("bare")
        with tarfile.open(fileobj=io.BytesIO(bare_layer())) as archive:
            # As the argument `filter`, which Debian's Python 3.11.2 does not have.
            archive.extraction_filter = lambda member, _: member
            archive.extractall(bare)
        step = bench.shell(script, lowers=[bare])
        code, said = await bench.run(step)
        assert code == 0, said.stderr
        sink = io.BytesIO()
        write_archive(f"{step.directory}/upper", sink)
        return entries(sink.getvalue())


def by_dockerd(dockerd: Dockerd, root: Path, script: str) -> list[Entry]:
    context = root / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM bare\nRUN {script}\n")
    docker(dockerd, "build", "--network", "none", "-t", "built", str(context))
    with tarfile.open(fileobj=io.BytesIO(docker(dockerd, "save", "built"))) as saved:
        listed = saved.extractfile("manifest.json")
        assert listed is not None
        below, *layers = json.load(listed)[0]["Layers"]
        assert below
        if not layers:
            return []
        layer = saved.extractfile(layers[0])
        assert layer is not None
        return entries(layer.read())


def entries(archive: bytes) -> list[Entry]:
    """Return name, mode, size and type of what is in a layer, in the order of the names.

    dockerd writes the kind of file into the mode as well; the mode of a whiteout says nothing.
    """
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return sorted(
            (one.name.rstrip("/"), _mode(one), one.size, one.type.decode()) for one in opened
        )


def _mode(entry: tarfile.TarInfo) -> int:
    whiteout = os.path.basename(entry.name).startswith(".wh.")
    return 0 if whiteout else stat.S_IMODE(entry.mode)


def docker(dockerd: Dockerd, *words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["docker", "-H", dockerd.host, *words],
        input=stdin,
        capture_output=True,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
