"""The installed package on a machine without systemd: its SysV script, and real containers.

The machine is a Debian in a directory, with its own processes, mounts and network; the stock docker
client reaches its engine from outside, through the socket in that directory.
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.busybox import busybox_archive
from fixtures.package_roots import Machine, Root, directory, unpack
from fixtures.packages import Packages
from fixtures.waiting import eventually
from wherry import __version__

pytestmark = pytest.mark.timeout(600)

SCRIPT = "/etc/init.d/wherry"
DEB = f"/root/wherry_{__version__}_*.deb"
NOT_RUNNING, DEAD = 3, 1
CGROUPS = Path("/sys/fs/cgroup")
ASK_ID = """
import sqlite3
database = sqlite3.connect("/var/lib/wherry/wherry.db")
query = "SELECT value FROM settings WHERE key = ?"
print(*database.execute(query, ["engine-id"]).fetchone())
"""


@dataclass(frozen=True)
class Service:
    """A machine with the package installed and its engine running."""

    root: Root
    machine: Machine

    def docker(self, *words: str, stdin: bytes | None = None) -> str:
        """Run the stock client against the engine; returns what it printed."""
        socket = self.root.below("/run/wherry/wherry.sock")
        done = subprocess.run(
            ["docker", "-H", f"unix://{socket}", *words], check=False, input=stdin,
            capture_output=True, timeout=120,
        )  # fmt: skip
        log = self.root.below("/var/log/wherry/wherryd.log")
        assert done.returncode == 0, done.stderr.decode() + log.read_text()[-3000:]
        return done.stdout.decode().strip()

    def engine(self) -> int:
        """Return the process of the engine, in the machine's numbers."""
        return int(self.root.below("/run/wherry/wherryd.pid").read_text())

    def started(self, container: str) -> str:
        """Return what changes when a container is started again."""
        return self.docker("inspect", "-f", "{{.State.StartedAt}} {{.State.Pid}}", container)


def engines_cgroups(identity: str) -> list[Path]:
    """Return the engine's directories in every hierarchy."""
    return [*CGROUPS.glob(f"wherry-{identity}"), *CGROUPS.glob(f"*/wherry-{identity}")]


@contextlib.contextmanager
def installed_service(bookworm: Path, packages: Packages) -> Iterator[Service]:
    """Make a machine of Debian 12 and install the package, which starts the engine."""
    with directory() as place:
        root = unpack(bookworm, place / "system")
        root.add(packages.deb)
        # Debian's tools start nothing in what has no init, or an init that is in no runlevel.
        root.below("/usr/sbin/policy-rc.d").unlink()
        root.below("/usr/sbin/init").symlink_to("/bin/true")
        root.below("/usr/sbin/runlevel").write_text("#!/bin/sh\necho N 2\n")
        root.below("/usr/sbin/runlevel").chmod(0o755)
        with root.boot() as machine:
            machine.run(f"dpkg -i {DEB}")
            made = Service(root, machine)
            made.docker("load", stdin=busybox_archive())
            identity = machine.output(f"python3 -c '{ASK_ID}'")
            yield made
        # The machine is gone; but cgroups are in no namespace of its own.
        for top in engines_cgroups(identity):
            for path in [*sorted(top.rglob("*/"), reverse=True), top]:
                eventually(functools.partial(_remove_group, path))


@pytest.fixture(scope="module")
def service(bookworm: Path, packages: Packages) -> Iterator[Service]:
    """A machine whose engine runs before and after each test."""
    with installed_service(bookworm, packages) as made:
        yield made


@pytest.fixture
def own_service(bookworm: Path, packages: Packages) -> Iterator[Service]:
    """A machine for a test that removes what it has."""
    with installed_service(bookworm, packages) as made:
        yield made


def _remove_group(group: Path) -> bool:
    """Remove a cgroup; false while processes in it end."""
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def test_the_script_starts_reports_restarts_and_stops(service: Service) -> None:
    machine = service.machine
    assert machine.output(f"{SCRIPT} status") == f"wherry: runs, process ID {service.engine()}"
    first = service.engine()
    machine.run(f"{SCRIPT} start")  # once more is no error, and no second engine
    assert service.engine() == first
    machine.run(f"{SCRIPT} reload")
    assert service.engine() == first
    machine.run(f"{SCRIPT} restart")
    assert service.engine() != first
    assert service.docker("images", "-q") != ""
    machine.run(f"{SCRIPT} stop")
    assert machine.run(f"{SCRIPT} status", check=False).returncode == NOT_RUNNING
    machine.run(f"{SCRIPT} stop")  # nor is that an error
    machine.run(f"{SCRIPT} start")
    machine.run(f"kill -KILL {service.engine()}")
    eventually(lambda: machine.run(f"{SCRIPT} status", check=False).returncode == DEAD)
    machine.run(f"{SCRIPT} restart")
    assert machine.run(f"{SCRIPT} nonsense", check=False).returncode == 2


def test_the_socket_is_for_root_and_the_group(service: Service) -> None:
    group = service.machine.output("getent group wherry | cut -d : -f 3")
    socket = service.root.below("/run/wherry/wherry.sock").stat()
    assert socket.st_mode & 0o777 == 0o660
    assert socket.st_gid == int(group)
    as_user = "setpriv --reuid 65534 --regid 65534 --clear-groups wherry ps"
    done = service.machine.run(as_user, check=False)
    assert done.returncode != 0
    assert "permission" in done.stderr.lower()


def test_a_container_runs_as_the_stock_client_asks(service: Service) -> None:
    assert (
        service.docker("run", "--rm", "busybox", "echo", "from a container") == "from a container"
    )
    service.docker(
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "8080:80",
        "busybox",
        "sh",
        "-c",
        "mkdir /www && echo served >/www/index.html && exec httpd -f -h /www -p 80",
    )
    ask = 'from urllib.request import urlopen; print(urlopen("http://127.0.0.1:8080").read())'
    fetch = f"python3 -c '{ask}'"
    eventually(lambda: "served" in service.machine.run(fetch, check=False).stdout)
    assert service.docker("run", "--rm", "--memory", "64m", "busybox", "id", "-u") == "0"


def test_docker_of_the_other_package_talks_to_the_engine(
    service: Service, packages: Packages
) -> None:
    service.root.add(packages.docker_deb)
    service.machine.run(f"dpkg -i /root/{packages.docker_deb.name}")
    assert service.machine.output("docker run --rm busybox echo hello") == "hello"
    ask = """
import socket
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect("/var/run/docker.sock")
    asked.sendall(b"GET /_ping HTTP/1.0\\r\\n\\r\\n")
    print(asked.recv(12).decode())
"""
    answer = service.machine.output(f"python3 -c '{ask}'")
    assert answer.endswith("200")


def test_containers_go_on_whatever_happens_to_the_engine(own_service: Service) -> None:
    """It is restarted, upgraded, stopped, and its package removed; a purge ends what runs."""
    service = own_service
    machine = service.machine
    service.docker(
        "run",
        "-d",
        "--name",
        "steady",
        "-v",
        "kept:/kept",
        "busybox",
        "sh",
        "-c",
        "i=0; while :; do i=$((i+1)); echo $i >/kept/count; sleep 0.1; done",
    )
    before = service.started("steady")
    count = service.root.below("/var/lib/wherry/volumes/kept/_data/count")

    def goes_on() -> bool:
        seen = count.read_text()
        eventually(lambda: count.read_text() not in (seen, ""))
        return True

    eventually(count.exists)
    machine.run(f"{SCRIPT} restart")
    assert service.started("steady") == before
    engine = service.engine()
    machine.run(f"dpkg -i {DEB}")
    assert service.engine() != engine  # an upgrade brings a new engine up
    assert service.started("steady") == before
    machine.run(f"{SCRIPT} stop")
    assert goes_on()
    machine.run("dpkg --remove wherry")
    assert not service.root.below("/opt/wherry").exists()
    assert goes_on()
    machine.run(f"dpkg -i {DEB}")
    assert service.started("steady") == before
    assert service.docker("exec", "steady", "cat", "/proc/1/comm") == "sh"
    identity = machine.output("nft list tables").split("wherry-")[1].split()[0]
    assert engines_cgroups(identity) != []

    machine.run("dpkg --purge wherry")
    # All that is left to run is what holds the machine, and the ps of the question.
    running = machine.output("cat /proc/[0-9]*/comm")
    assert sorted(set(running.split()) - {"cat", "sh", "env"}) == ["python3"]
    for path in ("/var/lib/wherry", "/run/wherry", "/etc/wherry", "/var/log/wherry", "/opt/wherry"):
        assert not service.root.below(path).exists(), path
    assert "wherry" not in machine.output("nft list tables")
    assert "whb" not in machine.output("ip -br link")
    assert engines_cgroups(identity) == []
