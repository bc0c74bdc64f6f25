"""What a container may and may not, line by line beside dockerd."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.busybox import busybox_archive
from fixtures.dockerd import Dockerd, running_dockerd
from fixtures.engine import Engine
from fixtures.waiting import PATIENCE

pytestmark = pytest.mark.dockerd

STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp|Groups|Uid|Gid)' /proc/self/status"
LISTS = {
    "capabilities and seccomp": STATUS,
    "devices": "cd /dev && ls -l . | awk '{print $1, $3, $4, $NF}' | grep -v ^total | sort",
    "masked and read-only paths": (
        "for p in /proc/kcore /proc/keys /proc/timer_list /proc/scsi /proc/acpi /proc/asound"
        " /sys/firmware; do test -d $p && { echo $p; ls -A $p | wc -l; }"
        " || { test -e $p && { echo $p; head -c1 $p | wc -c; }; }; done"
    ),
    "file systems that are read-only": (
        "awk '$2 ~ \"^/(proc|sys)\" && $4 ~ /^ro/ && $2 !~ /cgroup/ {print $2, $3}' /proc/mounts"
        " | sort"
    ),
    "limits of the shell": "ulimit -c; ulimit -s",
    "first process": "echo $$; set -- /proc/[0-9]*; echo $#",
    "environment": "env | grep -v HOSTNAME | sort",
    "hosts file": "sed -e 's/[0-9.]*\\t[0-9a-f]*$//' /etc/hosts",
    "umask": "umask",
    "shared memory": "grep ' /dev/shm ' /proc/mounts",
    "terminals": "grep ' /dev/pts ' /proc/mounts | cut -d' ' -f2-3",
}
FORBIDDEN = {
    "mount": "mount -t tmpfs none /mnt",
    "unshare": "unshare -U true",
    "reboot": "reboot -f",
    "raw device": "mknod /d b 254 0 && head -c1 /d",
    "raw memory": "head -c1 /dev/mem",
    "sysctl": "echo 1 >/proc/sys/kernel/panic",
    "sysfs": "echo 1 >/sys/kernel/mm/ksm/run",
    "sysrq": "echo h >/proc/sysrq-trigger",
    "change root escape": "chroot /proc/1/root/../../.. test -e /host-marker",
    "clock": '! date -s 2020-01-01 2>&1 | grep "can\'t set date"',
    "kernel log": "dmesg",
    "interface": "ip link add dummy0 type dummy",
    "cgroup": "mkdir /sys/fs/cgroup/memory/x",
}


@pytest.fixture(scope="module")
def dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """Debian's dockerd with the same image."""
    with running_dockerd(tmp_path_factory.mktemp("dockerd")) as started:
        command = ["docker", "-H", started.host, "load"]
        subprocess.run(command, input=busybox_archive(), check=True, capture_output=True)
        yield started


def run(host: str, script: str) -> tuple[int, str]:
    """Run a script in a container of the image; return its status and both streams."""
    command = ["docker", "-H", host, "run", "--rm", "busybox", "sh", "-c", script]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60 * PATIENCE, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("what", sorted(LISTS))
def test_it_is_as_in_dockerd(engine: Engine, dockerd: Dockerd, what: str) -> None:
    assert run(engine.host, LISTS[what]) == run(dockerd.host, LISTS[what])


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_it_is_refused_as_in_dockerd(engine: Engine, dockerd: Dockerd, what: str) -> None:
    ours, theirs = run(engine.host, FORBIDDEN[what]), run(dockerd.host, FORBIDDEN[what])
    assert ours[0] != 0
    assert ours == theirs


def test_nothing_of_the_host_is_seen(engine: Engine) -> None:
    marker = engine.root / "host-marker"
    marker.write_text("")
    _, listed = run(engine.host, "cat /proc/mounts; ls /proc; find / -xdev -name host-marker")
    assert "host-marker" not in listed
    assert str(engine.root) not in "\n".join(
        line.split(" ")[1] for line in listed.splitlines() if line.count(" ") > 3
    )
    assert str(Path.cwd()) not in listed


def test_no_descriptor_leaks(engine: Engine) -> None:
    words = ("run", "--rm", "busybox", "ls", "/proc/self/fd")
    assert engine.docker(*words).stdout.split() == ["0", "1", "2", "3"]  # 3 is the listing's own


def test_the_directory_of_the_cgroups_cannot_be_written(engine: Engine) -> None:
    # dockerd of Debian 12 leaves this one writable; a newer runc does not.
    status, said = run(engine.host, "mkdir /sys/fs/cgroup/x")
    assert status != 0
    assert "Read-only file system" in said
