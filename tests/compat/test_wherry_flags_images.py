"""Flags of the commands about images, with a real engine and a real registry."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.registry import running_registry
from fixtures.wherry_client import docker, wherry
from fixtures.wherry_registry import running_wherry_registry


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry."""
    with running_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


def tags(engine: Engine, name: str) -> list[str]:
    """Return the tags that the engine has of a repository."""
    return sorted(engine.docker("images", "--format", "{{.Tag}}", name).stdout.split())


def test_images_all_and_filtered(engine: Engine) -> None:
    engine.docker("tag", "busybox", "filtered/one:1")
    told = wherry(engine, "images", "--filter", "reference=filtered/*", "--format", "{{.Tag}}")
    assert told == "1\n"
    every = wherry(engine, "images", "--all", "-q").split()
    assert set(every) >= set(wherry(engine, "images", "-q").split())
    engine.docker("rmi", "filtered/one:1")


def test_history_in_full(engine: Engine) -> None:
    ours = wherry(engine, "history", "--no-trunc", "busybox")
    assert ours == docker(engine, "history", "--no-trunc", "busybox")
    assert "sha256:" in ours


def test_push_and_pull_of_all_tags(engine: Engine, registry: str) -> None:
    name = f"{registry}/all"
    for tag in ("1", "2", "latest"):
        engine.docker("tag", "busybox", f"{name}:{tag}")
    wherry(engine, "push", "--all-tags", "--disable-content-trust", "--quiet", name)
    engine.docker("rmi", f"{name}:1", f"{name}:2", f"{name}:latest")
    wherry(engine, "pull", "--all-tags", "--disable-content-trust", name)
    assert tags(engine, name) == ["1", "2", "latest"]
    engine.docker("rmi", f"{name}:1", f"{name}:2", f"{name}:latest")
    told = wherry(engine, "pull", "--quiet", "--platform", "linux/amd64", f"{name}:1")
    assert told == f"{name}:1\n"
    told = wherry(engine, "pull", "--platform", "linux/s390x", f"{name}:1", status=1)
    assert "linux/s390x" in told
    wherry(engine, "rmi", "--no-prune", f"{name}:1")
    assert tags(engine, name) == []


def test_import(engine: Engine) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    wherry(engine, "import", "--change", "CMD [\"x\"]", "--message", "from afar",
           "--platform", "linux/amd64", "-", "imported:1", stdin=sink.getvalue())  # fmt: skip
    [found] = json.loads(engine.docker("image", "inspect", "imported:1").stdout)
    assert (found["Config"]["Cmd"], found["Comment"]) == (["x"], "from afar")
    assert found["Architecture"] == "amd64"
    engine.docker("rmi", "imported:1")


def test_search(engine: Engine, tmp_path: Path) -> None:
    with running_wherry_registry(tmp_path) as serving:
        for name in ("app-one", "app-two", "app-three"):
            engine.docker("tag", "busybox", f"{serving.host}/{name}")
            engine.docker("push", f"{serving.host}/{name}")
            engine.docker("rmi", f"{serving.host}/{name}")
        told = wherry(engine, "search", "--limit", "2", "--no-trunc", f"{serving.host}/app")
        assert len(told.splitlines()) == 3
        told = wherry(engine, "search", "--filter", "is-official=true", f"{serving.host}/app")
        assert len(told.splitlines()) == 1


def test_login(engine: Engine, tmp_path: Path) -> None:
    with running_wherry_registry(tmp_path) as serving:
        told = wherry(engine, "login", "-u", "ann", "--password-stdin", serving.host,
                      stdin=b"secret\n", more={"DOCKER_CONFIG": str(tmp_path / "one")})  # fmt: skip
        assert "Login Succeeded" in told
        told = wherry(engine, "login", "-u", "ann", "--password", "secret", serving.host,
                      more={"DOCKER_CONFIG": str(tmp_path / "two")})  # fmt: skip
        assert "Login Succeeded" in told
        for folder in ("one", "two"):
            kept = json.loads((tmp_path / folder / "config.json").read_text())
            assert list(kept["auths"]) == [serving.host]
        told = wherry(engine, "logout", serving.host,
                      more={"DOCKER_CONFIG": str(tmp_path / "two")})  # fmt: skip
        assert told == f"Removing login credentials for {serving.host}\n"


def test_inspect_and_prune_of_images(engine: Engine, tmp_path: Path) -> None:
    assert wherry(engine, "image", "inspect", "--format", "{{.Os}}", "busybox") == "linux\n"
    for label in ("mine", "yours"):
        folder = tmp_path / label
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM busybox\nLABEL owner={label}\n")
        wherry(engine, "build", "-q", "-t", f"prune-{label}", str(folder))
    told = wherry(engine, "image", "prune", "--all", "--force", "--filter", "label=owner=mine")
    assert told.startswith("Deleted Images:\nuntagged: prune-mine:latest\n")
    assert tags(engine, "prune-yours") == ["latest"]
    engine.docker("rmi", "prune-yours")


def test_pack(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("packed\n")
    identity = wherry(
        engine, "image", "pack", "--entrypoint", "cat", "--cmd", "/data", "--env", "A=1",
        "--expose", "80", "--publish", "81", "--include", f"{tmp_path}/data:/data",
        "--label", "a=b", "--user", "1000:1000", "--workdir", "/", "--quiet", "packed", "/bin/cat",
    )  # fmt: skip
    [found] = json.loads(engine.docker("image", "inspect", "packed").stdout)
    config = found["Config"]
    assert identity.strip() == found["Id"]
    assert (config["Entrypoint"][0].rpartition("/")[2], config["Cmd"]) == ("cat", ["/data"])
    assert sorted(config["ExposedPorts"]) == ["80/tcp", "81/tcp"]
    assert (config["Labels"], config["User"], config["WorkingDir"]) == (
        {"a": "b"}, "1000:1000", "/",
    )  # fmt: skip
    assert "A=1" in config["Env"]
    assert engine.docker("run", "--rm", "packed").stdout == "packed\n"
    engine.docker("rmi", "packed")
