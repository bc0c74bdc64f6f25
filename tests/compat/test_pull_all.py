"""`docker pull -a`: every tag of a repository, told in the words of dockerd, line by line."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fixtures.dockerd import running_dockerd
from fixtures.engine import Engine
from fixtures.machine.images import image_archive, summed_layer
from fixtures.wherry_registry import running_wherry_registry

pytestmark = pytest.mark.dockerd
SEEDS = {"1.0": 1, "2.0": 2, "latest": 2}
PATH = "team/app"


class Side:
    """An engine, and the registry that it reaches on its own loopback."""

    def __init__(self, engine: str, registry: str) -> None:
        self.engine, self.registry = engine, registry

    def docker(self, *words: str, status: int = 0) -> list[str]:
        """Run the client; returns the lines of both its outputs, without the registry's port."""
        done = subprocess.run(
            ["docker", "-H", self.engine, *words], check=False, timeout=120,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout.replace(self.registry, "REGISTRY").splitlines()

    def pull(self, path: str, status: int = 0) -> list[str]:
        return self.docker("pull", "-a", f"{self.registry}/{path}", status=status)

    def images(self) -> list[str]:
        """Return tags and IDs."""
        shown = "{{.Tag}} {{.ID}}"
        name = f"{self.registry}/{PATH}"
        return sorted(self.docker("images", "--no-trunc", "--format", shown, name))


@pytest.fixture(scope="module")
def sides(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """wherry and dockerd, each with a registry that has the same; dockerd's network is its own."""
    folder = tmp_path_factory.mktemp("all")
    with running_dockerd(folder / "dockerd") as dockerd:
        inside = ("nsenter", f"--net=/proc/{dockerd.pid}/ns/net")
        with (
            running_wherry_registry(folder / "ours") as ours,
            running_wherry_registry(folder / "theirs", prefix=inside) as theirs,
        ):
            fill(ours.host, (), folder)
            fill(theirs.host, inside, folder)
            yield Side(engine.host, ours.host), Side(dockerd.host, theirs.host)


def fill(host: str, prefix: Sequence[str], folder: Path) -> None:
    """Push images of one layer of their own each; the layers of skopeo are the same every time."""
    archive = folder / "image.tar"
    for tag, seed in SEEDS.items():
        archive.write_bytes(image_archive("any:1", summed_layer("data", seed, files=3)))
        target = f"docker://{host}/{PATH}:{tag}"
        words = ["skopeo", "copy", "--dest-tls-verify=false", f"docker-archive:{archive}", target]
        subprocess.run([*prefix, *words], check=True, capture_output=True, timeout=120)


def test_all_tags_come_and_the_same_is_told(sides: tuple[Side, Side]) -> None:
    ours, theirs = (side.pull(PATH) for side in sides)
    assert told(ours) == told(theirs)
    complete = [line.partition(":")[0] for line in ours if line.endswith("Pull complete")]
    downloaded = [line.partition(":")[0] for line in ours if line.endswith("Download complete")]
    assert sorted(downloaded) == sorted(complete)
    assert len(complete) == 3
    assert sides[0].images() == sides[1].images()
    assert [line.split()[0] for line in sides[0].images()] == sorted(SEEDS)
    ours, theirs = (side.pull(PATH) for side in sides)
    assert told(ours) == told(theirs)


def told(lines: Sequence[str]) -> list[str]:
    """Return the lines that dockerd tells every time, those of an image's layers in order.

    Layers come side by side. Of what a layer does between its first and its last line, dockerd
    tells the newest: what is soon over is left out now and then. It verifies a layer apart.
    """
    passing = ("Verifying Checksum", "Download complete")
    groups = itertools.groupby((line for line in lines if not line.endswith(passing)), is_layer)
    return [line for layers, group in groups for line in (sorted(group) if layers else group)]


def is_layer(line: str) -> bool:
    """Tell whether a line is about one layer, which it then begins with."""
    return len(line.partition(":")[0]) == 12


def test_a_repository_that_is_not_there(sides: tuple[Side, Side]) -> None:
    ours, theirs = (side.pull("team/missing", status=1) for side in sides)
    assert ours == theirs
