"""What is installed: whole, valid, and of one source."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.service.files import PACKAGED, Prefix, docker_files, files
from wherry.service.place import place

UNITS = ("wherry.service", "wherry.socket")
PACKAGE = Prefix()
PIP = Prefix("/srv/env/bin", "/srv/env/bin/python", vendor=False, commands="/usr/local/bin")


def section(text: bytes, name: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text.decode())
    return dict(parser[name])


def test_packages_leave_etc_to_the_administrator() -> None:
    assert sorted(files(PACKAGE)) == [
        "/etc/init.d/wherry",
        "/etc/logrotate.d/wherry",
        "/usr/lib/systemd/system/wherry.service",
        "/usr/lib/systemd/system/wherry.socket",
        "/usr/lib/sysusers.d/wherry.conf",
    ]
    units = list(files(PIP, sysv=False))
    assert units == [
        "/etc/systemd/system/wherry.service",
        "/etc/systemd/system/wherry.socket",
        "/etc/sysusers.d/wherry.conf",
    ]


@pytest.mark.parametrize("prefix", [PACKAGE, PIP])
def test_every_placeholder_is_filled(prefix: Prefix) -> None:
    for path, file in {**files(prefix), **docker_files(prefix)}.items():
        assert not re.search(rb"@[A-Z]+@", file.content), path
        assert file.mode & 0o022 == 0 or file.target, path


def test_programs_are_those_of_the_prefix() -> None:
    service = section(files(PIP)["/etc/systemd/system/wherry.service"].content, "Service")
    assert service["ExecStart"] == "/srv/env/bin/wherryd $WHERRYD_OPTIONS"
    script = files(PIP)["/etc/init.d/wherry"]
    assert script.mode == 0o755
    assert b"WHERRYD=/srv/env/bin/wherryd\n" in script.content
    assert b"PYTHON=/srv/env/bin/python\n" in script.content
    packaged = files(PACKAGE)["/etc/init.d/wherry"].content
    assert f"PYTHON={PACKAGED}/python3\n".encode() in packaged


def test_containers_outlive_the_service() -> None:
    service = section(files(PACKAGE)["/usr/lib/systemd/system/wherry.service"].content, "Service")
    assert service["KillMode"] == "process"
    assert service["RuntimeDirectoryPreserve"] == "yes"
    assert service["Type"] == "notify"
    assert service["TasksMax"] == "infinity"


@pytest.mark.parametrize(
    "inherited",
    [
        "NoNewPrivileges",
        "SystemCallFilter",
        "PrivateTmp",
        "ProtectSystem",
        "LimitNOFILE",
        "Protect",
    ],
)
def test_nothing_is_set_that_containers_would_inherit(inherited: str) -> None:
    text = files(PACKAGE)["/usr/lib/systemd/system/wherry.service"].content.decode()
    settings = [line for line in text.splitlines() if not line.startswith("#")]
    assert not any(line.startswith(inherited) for line in settings)
    assert any(inherited in line for line in text.splitlines() if line.startswith("#")) or (
        inherited == "Protect"
    )


def test_the_socket_is_for_the_group_alone() -> None:
    found = section(files(PACKAGE)["/usr/lib/systemd/system/wherry.socket"].content, "Socket")
    assert found["ListenStream"] == "/run/wherry/wherry.sock"
    assert (found["SocketMode"], found["SocketGroup"]) == ("0660", "wherry")


def test_docker_is_a_link_in_every_way() -> None:
    made = docker_files(PACKAGE)
    assert {path: file.target for path, file in made.items() if file.target} == {
        "/usr/bin/docker": "/opt/wherry/bin/wherry",
        "/usr/lib/systemd/system/docker.service": "wherry.service",
        "/usr/lib/systemd/system/docker.socket": "wherry.socket",
    }
    assert b"L /run/docker.sock - - - - wherry/wherry.sock\n" in (
        made["/usr/lib/tmpfiles.d/wherry-docker.conf"].content
    )


def test_systemd_finds_no_fault(tmp_path: Path) -> None:
    root = str(tmp_path)
    place(root, files(PACKAGE))
    place(root, docker_files(PACKAGE))
    targets = (
        "basic", "multi-user", "network-online", "network-pre", "nss-lookup", "shutdown", "sockets",
        "sysinit", "time-set",
    )  # fmt: skip
    for name in targets:
        (tmp_path / f"usr/lib/systemd/system/{name}.target").write_text("[Unit]\n")
    for program in ("opt/wherry/bin/wherryd", "bin/kill"):
        path = tmp_path / program
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", *UNITS],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_writes_them_for_packages(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "wherry.service", "files", "--into", str(tmp_path)]
    subprocess.run(words, check=True, timeout=60)
    subprocess.run([*words[:-1], f"{tmp_path}/docker", "--docker"], check=True, timeout=60)
    for path, file in files(PACKAGE).items():
        written = Path(f"{tmp_path}{path}")
        assert written.read_bytes() == file.content
        assert written.stat().st_mode & 0o777 == file.mode
    assert (tmp_path / "docker/usr/bin/docker").readlink() == Path("/opt/wherry/bin/wherry")
    assert not (tmp_path / "docker/etc").exists()
