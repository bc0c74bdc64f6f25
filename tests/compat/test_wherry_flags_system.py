"""Flags of the commands about the engine as a whole, and those of the program itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.wherry_client import WHERRY, docker, environment, wherry


@pytest.fixture(autouse=True)
def clean(engine: Engine) -> Iterator[None]:
    """Nothing is left for the next test."""
    yield
    engine.remove_containers()


def test_prune_of_everything(engine: Engine) -> None:
    engine.docker("create", "--name", "old", "-v", "/anonymous", "busybox")
    engine.docker("network", "create", "unused")
    engine.docker("tag", "busybox", "unused:1")
    told = wherry(engine, "system", "prune", "--volumes", stdin=b"n\n")
    assert "all anonymous volumes" in told
    told = wherry(engine, "system", "prune", "--all", "--volumes", "--force",
                  "--filter", "label!=keep")  # fmt: skip
    assert "Deleted Containers:" in told
    assert "Deleted Networks:\nunused" in told
    assert "Deleted Volumes:" in told
    assert "untagged: unused:1" in told
    engine.load_busybox()


def test_the_build_cache(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN head -c 1000000 /dev/zero > /big\n")
    wherry(engine, "build", "-q", "-t", "cached", str(tmp_path))
    told = wherry(engine, "builder", "du", "--builder", "default", "--no-trunc", "--format", "json")
    assert told.count("\n") >= 1
    engine.docker("rmi", "cached")
    told = wherry(engine, "builder", "prune", "--force", "--filter", "until=240h", "--verbose")
    assert told.endswith("0B\n")
    told = wherry(engine, "builder", "prune", "--force", "--keep-storage", "1GB")
    assert told.endswith("0B\n")
    told = wherry(engine, "builder", "prune", "--force", "--reserved-space", "1GB",
                  "--max-used-space", "2GB", "--min-free-space", "1MB")  # fmt: skip
    assert told.endswith("0B\n")
    told = wherry(engine, "builder", "prune", "--all", "--force")
    assert not told.endswith("0B\n") or "MB" in told


def test_streams_joined_to_the_engine(engine: Engine) -> None:
    request = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert "200 OK" in wherry(engine, "system", "dial-stdio", stdin=request)


def test_completion_of_every_shell() -> None:
    for command in (
        [WHERRY, "completion", "bash", "--program", "docker"],
        [WHERRY, "completion", "fish", "--no-descriptions", "--program", "docker"],
        [WHERRY, "completion", "zsh", "--no-descriptions", "--program", "docker"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "docker" in done.stdout
        assert ("__completeNoDesc" in done.stdout) == ("--no-descriptions" in command)


def test_flags_of_the_program(engine: Engine, tmp_path: Path) -> None:
    own = environment(engine)
    done = subprocess.run(
        [WHERRY, "--config", str(tmp_path), "--log-level", "debug", "-H", engine.host, "info",
         "--format", "{{.ServerVersion}}"],
        capture_output=True, text=True, check=True, env=own,
    )  # fmt: skip
    assert done.stdout == docker(engine, "info", "--format", "{{.ServerVersion}}")
    assert not list(tmp_path.iterdir())
    done = subprocess.run(
        [WHERRY, "--debug", "-H", f"unix://{tmp_path}/none", "ps"],
        capture_output=True, text=True, check=False, env=own,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    done = subprocess.run(
        [WHERRY, "--version"], capture_output=True, text=True, check=True, env=own
    )
    assert done.stdout.startswith("wherry version ")


def test_events_and_usage_as_docker_shows_them(engine: Engine) -> None:
    line = ("system", "df", "--format", "{{.Type}} {{.TotalCount}}")
    assert wherry(engine, *line) == docker(engine, *line)
    found = json.loads(wherry(engine, "system", "info", "--format", "json"))
    assert found["Name"]
