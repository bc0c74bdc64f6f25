"""What a power cut leaves of creations and starts that somebody may have been told of.

The record says that a start was under way before anything of the run is there. After another boot
that counts as a run that ended, so restart policies see to it; in the same boot nothing is made up,
for whatever runs is found.

A record reaches the disk before the container's directories do: they are made again.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.waiting import eventually
from wherry.base.trees import remove_tree

pytestmark = pytest.mark.timeout(120)


def cut_short(engine: Engine, *, booted: bool) -> None:
    """Kill engine and keepers, and have every record say that a start was under way."""
    engine.kill()
    for pid in engine.keepers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not engine.keepers())
    with contextlib.closing(sqlite3.connect(engine.data_root / "wherry.db")) as database:
        query = "SELECT id, body FROM records WHERE kind = 'containers'"
        for identifier, body in database.execute(query).fetchall():
            record = json.loads(body)
            record["state"]["starting"] = True
            database.execute(
                "UPDATE records SET body = ? WHERE kind = 'containers' AND id = ?",
                (json.dumps(record).encode(), identifier),
            )
        if booted:
            database.execute("UPDATE settings SET value = 'another' WHERE key = 'boot-id'")
        database.commit()


def status(engine: Engine, name: str) -> str:
    template = "{{.State.Status}} {{.State.ExitCode}}"
    return engine.docker("inspect", "-f", template, name).stdout.strip()


def make(engine: Engine) -> None:
    for policy in ("no", "always"):
        command = ("busybox", "sleep", "1000")
        engine.docker("create", "--name", policy, "--restart", policy, *command)
    # Stopped before, and then started again: the stop is not what was asked for last.
    engine.docker("run", "-d", "--name", "again", "--restart", "unless-stopped", *command)
    engine.docker("stop", "-t", "0", "again")


def test_after_another_boot_it_is_a_run_that_ended(own_engine: Engine) -> None:
    engine = own_engine
    make(engine)
    cut_short(engine, booted=True)
    engine.start()
    eventually(lambda: status(engine, "always") == status(engine, "again") == "running 0")
    assert status(engine, "no") == "exited 255"


def test_in_the_same_boot_nothing_is_made_up(own_engine: Engine) -> None:
    engine = own_engine
    make(engine)
    cut_short(engine, booted=False)
    for _ in range(2):  # the second start finds that the first has settled it
        engine.start()
        assert status(engine, "no") == status(engine, "always") == "created 0"
        assert status(engine, "again").startswith("exited")
        engine.kill()
    engine.start()


def test_directories_that_did_not_reach_the_disk_are_made_again(own_engine: Engine) -> None:
    engine = own_engine
    volume = ("-v", "data:/data")
    engine.docker("create", "--name", "whole", *volume, "busybox", "sh", "-c", "echo x > /data/x")
    engine.docker("create", "--name", "half", "busybox", "sh", "-c", "echo out; touch /in; ls /in")
    engine.docker("create", "--name", "none", "--restart", "always", "busybox", "sleep", "1000")
    place = {
        name: Path(engine.data_root, "containers", identifier)
        for name in ("whole", "half", "none")
        for identifier in [engine.docker("inspect", "-f", "{{.Id}}", name).stdout.strip()]
    }
    kept = place["whole"] / "upper" / "kept"
    kept.write_text("x")
    engine.kill()
    remove_tree(str(place["none"]))
    remove_tree(str(place["half"] / "upper"))
    remove_tree(str(place["half"] / "logs"))
    remove_tree(str(engine.data_root / "volumes" / "data"))
    cut_short(engine, booted=True)
    engine.start()
    eventually(lambda: status(engine, "none") == "running 0")
    assert engine.docker("start", "-a", "half").stdout == "out\n/in\n"
    assert (place["half"] / "upper").stat().st_mode & 0o7777 == 0o755
    engine.docker("start", "-a", "whole")
    assert kept.exists()
    assert (engine.data_root / "volumes/data/_data/x").read_text() == "x\n"
