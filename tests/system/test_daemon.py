"""wherryd as a program: flags, the configuration file, and what it refuses."""

from __future__ import annotations

import grp
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from fixtures.engine import Engine, program, running_engine
from fixtures.registry import free_port
from fixtures.waiting import PATIENCE

pytestmark = pytest.mark.timeout(120)


def refused(*flags: str) -> str:
    """Start what must not start; returns its one sentence."""
    done = subprocess.run(
        [program("wherryd"), *flags],
        capture_output=True,
        text=True,
        timeout=30 * PATIENCE,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def other_roots(folder: Path, **chosen: str) -> list[str]:
    """Return the flags of an engine with roots of its own but for what is chosen."""
    flags = {
        "data-root": f"{folder}/data",
        "exec-root": f"{folder}/run",
        "pidfile": f"{folder}/pid",
        "host": f"unix://{folder}/other.sock",
    } | chosen
    return [word for name, value in flags.items() for word in (f"--{name}", value)]


def test_help_and_version() -> None:
    for flag in ("-h", "--help"):
        shown = subprocess.run(
            [program("wherryd"), flag], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        assert "--data-root" in shown
        assert "examples:" in shown


def test_unknown_keys_and_flags_are_named(tmp_path: Path) -> None:
    file = tmp_path / "daemon.json"
    file.write_text(json.dumps({"data-rot": "/x"}))
    assert "data-rot" in refused("--config-file", str(file))
    file.write_text("{")
    assert str(file) in refused("--config-file", str(file))
    assert "--no-such-flag" in refused("--no-such-flag")


@pytest.mark.parametrize(
    ("what", "words"),
    [("data_root", "data root"), ("exec_root", "exec root"), ("socket", "another process")],
)
def test_what_another_engine_uses_is_refused(
    engine: Engine, tmp_path: Path, what: str, words: str
) -> None:
    taken = str(getattr(engine, what))
    name = {"socket": "host"}.get(what, what.replace("_", "-"))
    flags = other_roots(tmp_path, **{name: f"unix://{taken}" if what == "socket" else taken})
    assert words in refused(*flags)
    assert engine.docker("version").returncode == 0


def test_several_hosts_from_a_file_and_a_group(tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "daemon.json"
    second = tmp_path / "second.sock"
    group = grp.getgrgid(os.getgid()).gr_name
    file.write_text(json.dumps({"group": group}))
    flags = ("--config-file", str(file), "-H", f"unix://{second}", "-H", f"tcp://127.0.0.1:{port}")
    with running_engine(*flags) as engine:
        for host in (f"unix://{second}", f"tcp://127.0.0.1:{port}"):
            command = ["docker", "-H", host, "ps", "-q"]
            subprocess.run(command, check=True, capture_output=True, timeout=30)
        told = os.stat(second)
        assert stat.S_IMODE(told.st_mode) == 0o660
        assert told.st_gid == os.getgid()
        assert engine.docker("info", "-f", "{{.Driver}}").stdout == "overlay2\n"


def test_two_engines_do_not_notice_each_other(engine: Engine) -> None:
    with running_engine() as other:
        engine.docker("run", "-d", "--name", "same", "busybox", "sleep", "600")
        other.docker("run", "-d", "--name", "same", "busybox", "sleep", "600")
        other.docker("rm", "-f", "same")
        assert "same" in engine.docker("ps").stdout
        assert "same" not in other.docker("ps", "-a").stdout
