"""A real image goes round: registry, engine, container, commit, registry, a second engine."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.debian import PAGE, make_debian_tree, push_debian_image
from fixtures.engine import Engine, running_engine
from fixtures.registry import free_port, running_registry
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that has the Debian image as `debian-apache:1`."""
    work = tmp_path_factory.mktemp("debian")
    make_debian_tree(work / "debian.tar", "apache2")
    with running_registry(work / "registry") as address:
        push_debian_image(work / "debian.tar", f"{address}/debian-apache:1", work)
        yield address


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Another engine with other roots, beside the first."""
    with running_engine() as started:
        yield started


def page(port: int) -> str:
    """Fetch the page from the published port of the loopback; empty when nobody answers."""
    curl = ["curl", "-fsS", "--max-time", "2", f"http://127.0.0.1:{port}/"]
    return subprocess.run(curl, capture_output=True, text=True, check=False).stdout


def test_a_real_image_goes_round(engine: Engine, second: Engine, registry: str) -> None:
    image = f"{registry}/debian-apache:1"
    pulled = engine.docker("pull", image, timeout=300)
    assert f"Status: Downloaded newer image for {image}" in pulled.stdout
    assert re.search(r"Digest: sha256:[0-9a-f]{64}", pulled.stdout)
    assert f"Status: Image is up to date for {image}" in engine.docker("pull", image).stdout
    assert engine.docker("run", "--rm", image, "echo", "hello").stdout == "hello\n"

    port = free_port()
    engine.docker("run", "-d", "--name", "web", "-p", f"{port}:80", image)
    eventually(lambda: page(port) == PAGE)
    assert "apache2" in engine.docker("top", "web").stdout
    engine.docker("exec", "web", "sh", "-c", "echo changed >/var/www/html/index.html")
    assert page(port) == "changed\n"

    committed = f"{registry}/changed:2"
    engine.docker("commit", "-m", "another page", "web", "changed", timeout=300)
    engine.docker("tag", "changed", committed)
    assert "digest: sha256:" in engine.docker("push", committed, timeout=300).stdout
    identity = json.loads(engine.docker("inspect", "changed").stdout)[0]["Id"]
    engine.docker("rm", "-f", "web")
    engine.docker("rmi", "changed", committed)
    assert "changed" not in engine.docker("images").stdout

    second.docker("pull", committed, timeout=300)
    assert json.loads(second.docker("inspect", committed).stdout)[0]["Id"] == identity
    port = free_port()
    second.docker("run", "-d", "--name", "web", "-p", f"{port}:80", committed)
    eventually(lambda: page(port) == "changed\n")


def test_an_image_of_another_platform_is_refused(engine: Engine, registry: str) -> None:
    words = ["pull", "--platform", "linux/s390x", f"{registry}/debian-apache:1"]
    assert engine.docker(*words, check=False, timeout=120).returncode != 0


def test_skopeo_copies_out_of_and_into_the_engine(
    engine: Engine, registry: str, tmp_path: Path
) -> None:
    def skopeo(*words: str) -> None:
        subprocess.run(["skopeo", *words], check=True, capture_output=True, timeout=300)

    daemon = engine.host
    layout = f"oci:{tmp_path / 'layout'}:busybox"
    skopeo("copy", "--src-daemon-host", daemon, "docker-daemon:busybox:latest", layout)
    skopeo("copy", "--dest-daemon-host", daemon, layout, "docker-daemon:copied:here")
    assert engine.docker("run", "--rm", "copied:here", "echo", "again").stdout == "again\n"
    pushed = f"docker://{registry}/pushed:1"
    skopeo(
        "copy", "--dest-tls-verify=false", "--src-daemon-host", daemon,
        "docker-daemon:busybox:latest", pushed,
    )  # fmt: skip
