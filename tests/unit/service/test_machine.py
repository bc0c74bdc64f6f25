"""What manages services, and whether another Docker is there."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.service.files import Prefix, docker_files
from wherry.service.machine import Machine
from wherry.service.place import place

PROGRAMS = "/srv/env/bin"


@pytest.fixture
def root() -> Iterator[Path]:
    """An empty machine, on a short path."""
    made = Path(tempfile.mkdtemp(prefix="wr."))
    for folder in ("etc", "run", "usr/bin", "usr/sbin", "usr/lib/systemd/system"):
        (made / folder).mkdir(parents=True)
    (made / "bin").symlink_to("usr/bin")
    (made / "lib").symlink_to("usr/lib")
    yield made
    shutil.rmtree(made)


def test_who_manages_services(root: Path) -> None:
    machine = Machine(str(root))
    assert (machine.has_systemd(), machine.has_sysv(), machine.is_live) == (False, False, False)
    (root / "etc/init.d").mkdir()
    (root / "usr/lib/systemd/systemd").touch()
    assert (machine.has_systemd(), machine.has_sysv()) == (True, True)
    assert Machine("/").is_live


def test_our_own_links_are_no_other_docker(root: Path) -> None:
    prefix = Prefix(PROGRAMS, vendor=False, commands="/usr/local/bin")
    place(str(root), docker_files(prefix))
    (root / "run/docker.sock").symlink_to("wherry/wherry.sock")
    assert Machine(str(root)).other_docker(PROGRAMS) == []
    assert Machine(str(root)).other_docker("/another/env/bin") == [
        "the program /usr/local/bin/docker"
    ]


def test_each_trace_of_another_is_named_once(root: Path) -> None:
    for name in ("docker", "dockerd"):
        (root / "usr/bin" / name).touch()
    (root / "usr/lib/systemd/system/docker.service").touch()
    (root / "usr/lib/systemd/system/docker.socket").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "run/docker.sock"))
        listener.listen()
        machine = Machine(str(root))
        assert machine.other_docker(PROGRAMS) == [
            "the program /usr/bin/docker",
            "the program /usr/bin/dockerd",
            "the unit /usr/lib/systemd/system/docker.service",
            "the unit /usr/lib/systemd/system/docker.socket",
            "the socket /run/docker.sock, which somebody listens on",
        ]
    assert machine.other_docker(PROGRAMS)[-1].endswith("left by a Docker that ended")


def test_programs_are_those_of_the_root(root: Path) -> None:
    (root / "usr/sbin/update-rc.d").touch()
    machine = Machine(str(root))
    assert machine.program("update-rc.d") == "/usr/sbin/update-rc.d"
    assert machine.program("chkconfig") == ""


def test_what_a_package_has_installed(root: Path) -> None:
    machine = Machine(str(root))
    assert not machine.is_packaged()
    (root / "usr/lib/systemd/system/wherry.service").touch()
    assert machine.is_packaged()
