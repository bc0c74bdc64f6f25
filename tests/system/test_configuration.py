"""The configuration of a real wherryd: one file, --validate, and what SIGHUP does with it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.engine import Engine, program, running_engine
from fixtures.waiting import eventually
from wherry.base.trees import remove_tree
from wherry.daemon.configuration.flags import parse

pytestmark = pytest.mark.timeout(120)

SECCOMP = '{"defaultAction": "SCMP_ACT_ALLOW"}'


def validate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("wherryd"), "--validate", *words],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def write(file: Path, content: Any) -> None:
    """Replace a file as an editor does."""
    made = file.with_suffix(".new")
    made.write_text(content if isinstance(content, str) else json.dumps(content))
    made.replace(file)


class TestValidate:
    def test_a_good_file(self, tmp_path: Path) -> None:
        file = tmp_path / "daemon.json"
        write(file, '{ // as people write\n  "mtu": 1400, # it\n  "live-restore": true,\n}')
        done = validate("--config-file", str(file))
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == (
            f"note: {file}:3: live-restore: changes nothing: containers always go on while the"
            " engine is away\nconfiguration OK\n"
        )

    def test_every_mistake_of_a_bad_one(self, tmp_path: Path) -> None:
        file = tmp_path / "daemon.json"
        write(file, '{\n"dns": "1.1.1.1",\n"userns-remap": "default",\n"mtu": "big"\n}')
        done = validate("--config-file", str(file), "--bip", "10.0.0.0/8")
        assert (done.returncode, done.stdout) == (1, "")
        assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [
            "--bip", f"{file}:2", f"{file}:3", f"{file}:4"
        ]  # fmt: skip
        started = subprocess.run(
            [program("wherryd"), "--config-file", str(file), "--bip", "10.0.0.0/8"],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert (started.returncode, started.stderr) == (1, done.stderr)

    def test_a_profile_that_is_none(self, tmp_path: Path) -> None:
        file, profile = tmp_path / "daemon.json", tmp_path / "profile.json"
        write(file, {"seccomp-profile": str(profile)})
        write(profile, SECCOMP)
        assert validate("--config-file", str(file)).returncode == 0
        write(profile, "{")
        done = validate("--config-file", str(file))
        assert done.returncode == 1
        assert f"{file}:1: seccomp-profile: seccomp profile {profile}: " in done.stderr

    def test_checking_needs_no_privileges(self) -> None:
        # The program of a test run is nothing that others may read: it is loaded before.
        code = (
            "import os, sys; from wherry.daemon.main import main;"
            " os.setgroups([]); os.setgid(65534); os.setuid(65534); main(sys.argv[1:])"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{"mtu": 1400}')
            file.flush()
            os.chmod(file.name, 0o644)
            done = subprocess.run(
                [program("python"), "-c", code, "--validate", "--config-file", file.name],
                capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "configuration OK\n")


def test_every_flag_of_the_dockerd_that_is_here() -> None:
    shown = subprocess.run(["dockerd", "--help"], capture_output=True, text=True, check=True).stdout
    flags = re.findall(r"^ +(?:(-\w), )?(--[a-z0-9-]+)", shown, re.MULTILINE)
    assert len(flags) > 60
    for pair in flags:
        for flag in filter(None, pair):
            try:
                parse([flag])
            except ValueError:
                raise
            except Exception as error:
                assert str(error) == f"{flag}: a word is wanted after it"  # noqa: PT017 - or none


def test_a_start_loads_nothing_heavy_for_its_configuration() -> None:
    code = "import sys, wherry.daemon.configuration; print(*sys.modules)"
    loaded = subprocess.run(
        [program("python"), "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"argparse", "asyncio", "ssl", "logging", "textwrap", "difflib", "msgspec", "grp"}
    assert heavy & set(loaded) == set()


@pytest.fixture(scope="module")
def configured() -> Iterator[tuple[Engine, Path]]:
    """Yield an engine with a configuration file, and the file."""
    root = Path(tempfile.mkdtemp(prefix="wr."))
    file = root / "daemon.json"
    write(file, {"labels": ["rack=4"], "shutdown-timeout": 5, "default-shm-size": "8m"})
    try:
        with running_engine("--config-file", str(file), root=root / "engine") as engine:
            yield engine, file
    finally:
        remove_tree(str(root))


def reload(engine: Engine, said: str) -> str:
    """Send SIGHUP and return what was logged since, as soon as `said` is in it."""
    assert engine.process is not None
    before = engine.log.stat().st_size
    engine.process.send_signal(signal.SIGHUP)

    def logged() -> str:
        return engine.log.read_bytes()[before:].decode()

    eventually(lambda: said in logged())
    return logged()


def info(engine: Engine, template: str) -> str:
    return engine.docker("info", "--format", template).stdout.strip()


def shm_size(engine: Engine) -> int:
    made = engine.docker("create", "busybox").stdout.strip()
    told = engine.docker("inspect", "--format", "{{.HostConfig.ShmSize}}", made).stdout
    engine.docker("rm", made)
    return int(told)


class TestReload:
    def test_the_file_is_in_force_and_what_it_says_in_vain_is_logged(
        self, configured: tuple[Engine, Path]
    ) -> None:
        engine, file = configured
        assert info(engine, "{{json .Labels}}") == '["rack=4"]'
        assert shm_size(engine) == 8 << 20
        assert (
            f"{file}:1: shutdown-timeout: changes nothing: containers go on when the engine ends"
            in engine.log.read_text()
        )

    def test_what_can_change_changes(self, configured: tuple[Engine, Path]) -> None:
        engine, file = configured
        write(file, {"labels": ["rack=5"], "registry-mirrors": ["https://m.example"],
                     "default-shm-size": "9m"})  # fmt: skip
        reload(engine, "default-shm-size")
        eventually(lambda: info(engine, "{{json .Labels}}") == '["rack=5"]')
        assert "https://m.example" in info(engine, "{{json .RegistryConfig.Mirrors}}")
        assert shm_size(engine) == 9 << 20
        write(file, {"labels": ["rack=4"], "default-shm-size": "8m"})
        reload(engine, "default-shm-size")
        eventually(lambda: info(engine, "{{json .Labels}}") == '["rack=4"]')
        assert info(engine, "{{json .RegistryConfig.Mirrors}}") in ("[]", "null")

    def test_what_cannot_is_named_and_stays(self, configured: tuple[Engine, Path]) -> None:
        engine, file = configured
        was = info(engine, "{{.DockerRootDir}}")
        write(file, {"labels": ["rack=4"], "default-shm-size": "8m", "icc": False})
        logged = reload(engine, "icc")
        assert "restart" in next(line for line in logged.splitlines() if "icc" in line)
        assert info(engine, "{{.DockerRootDir}}") == was

    def test_a_broken_file_changes_nothing(self, configured: tuple[Engine, Path]) -> None:
        engine, file = configured
        write(file, '{"labels": ["rack=9"],\n "mtu": "big"}')
        logged = reload(engine, "mtu")
        assert f"{file}:2: mtu: a whole number from 0 to 65535 is wanted" in logged
        assert info(engine, "{{json .Labels}}") == '["rack=4"]'
        file.unlink()
        reload(engine, "there is no such file")
        assert info(engine, "{{json .Labels}}") == '["rack=4"]'
        assert shm_size(engine) == 8 << 20


def test_everything_from_one_file(tmp_path: Path) -> None:
    root = Path(tempfile.mkdtemp(prefix="wr."))
    file = root / "daemon.json"
    socket = root / "s.sock"
    write(file, {
        "hosts": [f"unix://{socket}"], "data-root": f"{root}/data", "exec-root": f"{root}/run",
        "pidfile": f"{root}/pid", "log-level": "warn", "log-format": "json", "bridge": "none",
    })  # fmt: skip
    process = subprocess.Popen(
        [program("wherryd"), "--config-file", str(file)], stderr=subprocess.PIPE, text=True
    )
    try:
        answers = ["docker", "-H", f"unix://{socket}", "version"]
        eventually(
            lambda: subprocess.run(answers, capture_output=True, check=False).returncode == 0, 30
        )
        assert int((root / "pid").read_text()) == process.pid
        process.terminate()
        _, told = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "listen" not in told  # which is logged at info
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        remove_tree(str(root))
