"""Images saved by dockerd load here and images saved here load there, with the same identity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.busybox import busybox_archive
from fixtures.dockerd import Dockerd, docker, running_dockerd
from fixtures.engine import Engine

pytestmark = pytest.mark.dockerd


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """Debian's dockerd with the image `busybox`, and one more that it committed itself."""
    with running_dockerd(tmp_path_factory.mktemp("dockerd")) as started:
        docker(started.host, "load", stdin=busybox_archive())
        docker(started.host, "run", "--name", "made", "busybox", "sh", "-c", "echo x >/made")
        docker(started.host, "commit", "-c", "ENV A=1", "made", "made:1")
        yield started


def identity(host: str, image: str) -> tuple[str, list[str]]:
    """Return the image ID and the digests of the layers."""
    told = json.loads(docker(host, "image", "inspect", image).stdout)[0]
    return told["Id"], told["RootFS"]["Layers"]


def test_what_dockerd_saves_loads_here(engine: Engine, dockerd: Dockerd) -> None:
    docker(engine.host, "load", stdin=docker(dockerd.host, "save", "made:1").stdout)
    assert identity(engine.host, "made:1") == identity(dockerd.host, "made:1")
    assert (
        engine.docker("run", "--rm", "made:1", "sh", "-c", "cat /made; echo $A").stdout == "x\n1\n"
    )


def test_what_is_saved_here_loads_in_dockerd(
    engine: Engine, dockerd: Dockerd, tmp_path: Path
) -> None:
    engine.docker("run", "--name", "here", "busybox", "sh", "-c", "echo y >/here; rm /bin/vi")
    engine.docker("commit", "-c", "ENV B=2", "here", "here:1")
    archive = tmp_path / "here.tar"
    engine.docker("save", "-o", str(archive), "here:1", "busybox:latest")
    docker(dockerd.host, "load", "-i", str(archive))
    for image in ("here:1", "busybox:latest"):
        assert identity(dockerd.host, image) == identity(engine.host, image)
    words = [
        "run",
        "--rm",
        "here:1",
        "sh",
        "-c",
        "cat /here; echo $B; test -e /bin/vi || echo gone",
    ]
    assert docker(dockerd.host, *words).stdout == b"y\n2\ngone\n"
