"""Facts of the machine, from what files and programs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.engine.system import machine
from wherry.linux import mountinfo

MOUNTS = """\
22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
23 22 0:20 / /var rw - xfs /dev/sdb rw
24 23 0:21 / /var/lib\\040dir rw - btrfs /dev/sdc rw
25 22 0:22 / /run rw - tmpfs tmpfs rw
26 22 0:23 / /var rw master:1 - overlay overlay rw
"""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "extfs"),
        ("/home", "extfs"),
        ("/running", "extfs"),
        ("/run/wherry", "tmpfs"),
        ("/var", "overlayfs"),
        ("/var/lib", "overlayfs"),
        ("/var/lib dir/x", "btrfs"),
    ],
)
def test_the_file_system_is_that_of_the_last_mount_above(path: str, name: str) -> None:
    assert machine.file_system_in(mountinfo.parse(MOUNTS), path) == name


def test_a_real_path_has_a_file_system(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/proc")
    assert machine.file_system_of(str(link)) == "proc"


def test_switches(tmp_path: Path) -> None:
    file = tmp_path / "switch"
    for text, expected in (("1\n", True), ("2\n", True), ("0\n", False), ("", False)):
        file.write_text(text)
        assert machine.is_set(str(file)) is expected
    assert machine.is_set(str(tmp_path / "none")) is False


def test_commits() -> None:
    assert machine.commit_of("tini version 0.19.0 - git.de40ad0\n") == "de40ad0"
    assert machine.commit_of("tini version 0.19.0\n") == "N/A"


def test_the_init_program_is_asked_once(tmp_path: Path) -> None:
    ask = machine.InitVersion()
    program = tmp_path / "init"
    program.write_text(f"#!/bin/sh\necho asked >>{tmp_path}/log\necho 'x - git.abc123'\n")
    program.chmod(0o755)
    assert [ask(str(program)) for _ in range(3)] == ["abc123"] * 3
    assert (tmp_path / "log").read_text() == "asked\n"
    assert ask(str(tmp_path / "none")) == "N/A"
    other = tmp_path / "other"
    other.write_text("no program")
    assert ask(str(other)) == "N/A"


def test_facts() -> None:
    found = machine.facts()
    assert found["OSType"] == "linux"
    assert found["NCPU"] > 0
    assert found["MemTotal"] > 1 << 20
    assert machine.running()["NFd"] > 0
