"""kill -9 of an engine in the middle of a step: the next one leaves nothing of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine, engine_id, running_engine
from fixtures.steps import busybox_directory
from fixtures.waiting import eventually, has_ended

pytestmark = pytest.mark.timeout(180)

FIXTURES = str(Path(__file__).resolve().parents[2])
PARENT = f"wherry-test-{os.getpid()}"
SCRIPT = "mkdir /written; echo up; while true; do echo more > /written/$RANDOM; usleep 1000; done"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "root"
    for top in cgroups_of(PARENT):
        top.rmdir()


@pytest.mark.parametrize("keepers_too", [False, True], ids=["engine", "engine-and-keepers"])
@pytest.mark.parametrize("parent", ["", f"/{PARENT}"], ids=["own-cgroup", "cgroup-of-a-user"])
def test_a_killed_engine_s_step_is_ended(root: Path, parent: str, keepers_too: bool) -> None:
    identifier, pid = killed_in_a_step(root, parent)
    engine = Engine(root)
    if keepers_too:
        for keeper in engine.keepers():
            os.kill(keeper, signal.SIGKILL)
        eventually(lambda: engine.keepers() == [])
    assert not has_ended(pid)
    with running_engine(root=root) as engine:
        assert has_ended(pid)
        assert not (engine.data_root / "containers" / identifier).exists()
        assert os.listdir(engine.data_root / "trash") == []
        assert cgroups_of(identifier) == []
        for folder in ("stdio", "exits"):
            names = os.listdir(engine.exec_root / folder)
            assert [name for name in names if identifier in name] == []
        mine = engine_id(engine)[:4]
        eventually(
            lambda: [n for n in os.listdir("/sys/class/net") if n.startswith("whv" + mine)] == []
        )
        assert engine.docker("ps", "-aq").stdout == ""
        assert engine.docker("run", "--rm", "busybox", "echo", "well").stdout == "well\n"


def killed_in_a_step(root: Path, parent: str) -> tuple[str, int]:
    """Run a step in an engine and kill it; returns the step's id and process."""
    layer = busybox_directory(root / "busybox")
    words = [str(root / "data"), str(root / "run"), layer, parent, "", SCRIPT]
    with (root / "program.log").open("wb") as log:
        program = subprocess.Popen(
            [sys.executable, "-m", "fixtures.step_engine", *words], stdout=subprocess.PIPE,
            stderr=log, env={**os.environ, "PYTHONPATH": FIXTURES}, start_new_session=True,
        )  # fmt: skip
    assert program.stdout is not None
    with program.stdout:
        line = program.stdout.readline().decode()
    assert line, (root / "program.log").read_text()
    program.kill()
    program.wait()
    identifier, pid = line.split()
    return identifier, int(pid)


def cgroups_of(identifier: str) -> list[Path]:
    """Return the cgroups of that name, below a controller of version 1 or not."""
    top = Path("/sys/fs/cgroup")
    found = (path for below in ("", "*/", "*/*/") for path in top.glob(below + identifier))
    return list(dict.fromkeys(path.resolve() for path in found))  # a controller may have two names
