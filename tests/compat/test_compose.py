"""docker-compose 1.29 (Debian's) against wherryd: two services, names, a volume that stays."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine

PROJECT = """
version: "2.4"
services:
  store:
    image: busybox
    command: sh -c 'date +%s%N >>/data/starts; echo store ready; exec httpd -f -p 80 -h /data'
    volumes: ["kept:/data"]
  front:
    image: busybox
    depends_on: [store]
    command: sh -c 'until wget -qO- http://store/starts; do usleep 100000; done; exec sleep 600'
volumes:
  kept: {}
"""


class Project:
    """A compose project in a folder of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.name = f"p{uuid.uuid4().hex[:8]}"
        (folder / "docker-compose.yml").write_text(PROJECT)

    def compose(self, *words: str) -> str:
        """Run docker-compose and return both of its streams; fail with them when it fails."""
        done = subprocess.run(
            ["docker-compose", "-p", self.name, *words],
            cwd=self.folder,
            env={**os.environ, "DOCKER_HOST": self.engine.host},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Project]:
    """A project that is taken down, volumes and all, whatever the test did."""
    made = Project(engine, tmp_path)
    yield made
    made.compose("down", "-v", "-t", "0")


def test_a_project_lives_and_goes(project: Project) -> None:
    project.compose("up", "-d")
    listed = project.compose("ps")
    assert listed.count("Up") == 2
    assert "store ready" in project.compose("logs", "store")
    fetched = project.compose("exec", "-T", "front", "wget", "-qO-", "http://store/starts")
    assert len(fetched.split()) == 1

    project.compose("restart", "-t", "0", "store")
    again = project.compose("exec", "-T", "store", "cat", "/data/starts")
    assert len(again.split()) == 2

    project.compose("down", "-t", "0")
    volume = f"{project.name}_kept"
    assert volume in project.engine.docker("volume", "ls", "-q").stdout
    project.compose("up", "-d")
    assert len(project.compose("exec", "-T", "store", "cat", "/data/starts").split()) == 3
    project.compose("up", "-d", "--force-recreate", "-t", "0")
    assert len(project.compose("exec", "-T", "store", "cat", "/data/starts").split()) == 4

    project.compose("down", "-v", "-t", "0")
    assert volume not in project.engine.docker("volume", "ls", "-q").stdout
    assert project.name not in project.engine.docker("network", "ls").stdout
    assert project.name not in project.engine.docker("ps", "-a").stdout
