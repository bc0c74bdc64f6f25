"""`docker logs --details`, as dockerd shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.busybox import busybox_archive
from fixtures.dockerd import Dockerd, docker, running_dockerd
from fixtures.engine import Engine

pytestmark = pytest.mark.dockerd
SCRIPT = "echo out; echo; echo err >&2"


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    with running_dockerd(tmp_path_factory.mktemp("dockerd")) as started:
        docker(started.host, "load", stdin=busybox_archive())
        yield started


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--log-driver=local"],
        ["--log-opt=labels=team,missing", "--log-opt=env=LANG,PATH"],
        ["--log-opt=labels-regex=^te", "--log-opt=env-regex=^LA", "--log-opt=labels=other"],
        ["--log-opt=tag={{.Name}}|{{.ImageName}} {{.DaemonName}}", "--log-opt=env=LANG"],
    ],
)
def test_the_same_is_shown(engine: Engine, dockerd: Dockerd, options: list[str]) -> None:
    shown = []
    for host in (engine.host, dockerd.host):
        words = ["--label=team=a b,c", "--label=other=é", "-e", "LANG=C=1&2", *options]
        docker(host, "run", "-t=false", "--name=said", *words, "busybox", "sh", "-c", SCRIPT)
        logs = docker(host, "logs", "--details", "said")
        # The two outputs, in any order.
        shown.append(sorted((logs.stdout + logs.stderr).splitlines()))
        docker(host, "rm", "said")
    assert shown[0] == shown[1]
    assert len(shown[0]) == 3
