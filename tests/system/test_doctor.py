"""Faults that are really there, in a machine within this one, and that the doctor finds and mends.

Each test breaks one thing, asks the doctor for the check of that name, runs the very commands that
it shows, and asks again. Checks without a command that can be run here are undone by the test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.own_machine import Machine, own_machine
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(180)

ID = "0d0c70b5a1e5"


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine without an engine."""
    with own_machine() as made:
        yield made


@dataclass(frozen=True)
class Fault:
    """A script that breaks a machine, the check that finds it, its words and its level."""

    script: str
    check: str
    words: str
    level: str


UNIFIED = Path("/sys/fs/cgroup/cgroup.controllers").exists()
GROUPS = "/sys/fs/cgroup" if UNIFIED else "/sys/fs/cgroup/pids"

# The commands that are shown make each of these go away.
FAULTS = {
    "no forwarding": Fault(
        "echo 0 > /proc/sys/net/ipv4/ip_forward", "ip-forward", "ip_forward is 0", "note"
    ),
    "iptables drops": Fault(
        "iptables -P FORWARD DROP", "forward-drop", "ip filter FORWARD drops", "warning"
    ),
    "older iptables drop": Fault(
        "iptables-legacy -P FORWARD DROP", "forward-drop", "iptables-legacy drops", "warning"
    ),
    "another firewall drops": Fault(
        "nft 'table inet fw { chain f { type filter hook forward priority 0; policy drop; }; }'",
        "forward-drop", "inet fw f drops", "warning",
    ),
    "another firewall rejects at its end": Fault(
        """
        nft 'table inet fw { chain f { type filter hook forward priority 0; ct state established \
            accept; counter reject with icmpx admin-prohibited; }; }'
        """,
        "forward-drop", "inet fw f drops", "warning",
    ),
    "docker0 is left": Fault(
        "ip link add docker0 type bridge", "docker-remains", "docker0", "note"
    ),
    "chains of Docker are left": Fault(
        """
        iptables -t nat -N DOCKER
        iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        iptables -t nat -A DOCKER -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
        iptables -N DOCKER-USER
        iptables -A FORWARD -j DOCKER-USER
        """,
        "docker-remains", "chains of Docker", "warning",
    ),
    "a bridge is left": Fault(
        "ip link add whb0d0c-a1b2c3 type bridge", "remains", "whb0d0c-a1b2c3", "warning"
    ),
    "a table is left": Fault(
        f"nft add table inet wherry-{ID}", "remains", f"wherry-{ID}", "warning"
    ),
    "a control group is left": Fault(
        f"mkdir -p {GROUPS}/wherry-{ID}/container", "remains", f"{GROUPS}/wherry-{ID}", "warning"
    ),
    "no resolvers": Fault(": > /etc/resolv.conf", "dns", "names no server", "warning"),
    "a hierarchy is read-only": Fault(
        f"mount -o remount,bind,ro {GROUPS}", "cgroup-writable",
        f"{GROUPS} is mounted read-only", "problem",
    ),
    "no control groups": Fault(
        "umount --lazy --recursive /sys/fs/cgroup", "cgroup-hierarchy", "no control groups",
        "problem",
    ),
    "the disk is read-only": Fault(
        "mount -o remount,ro /var/lib/wherry", "read-only", "is read-only", "problem"
    ),
    "a part of the disk is read-only": Fault(
        "mount -o remount,bind,ro /var/lib/wherry", "read-only", "is read-only", "problem"
    ),
    "no programs on the disk": Fault(
        "mount -o remount,bind,nosuid,noexec /var/lib/wherry", "data-root-place",
        "noexec,nosuid", "note",
    ),
    "everybody may write the data root": Fault(
        "chmod 777 /var/lib/wherry", "data-root-owner", "can be written by others", "problem"
    ),
    "somebody owns the data root": Fault(
        "chown 1000 /var/lib/wherry", "data-root-owner", "belongs to user 1000", "problem"
    ),
    "the database is damaged": Fault(
        "head -c 4096 /dev/urandom > /var/lib/wherry/wherry.db", "database", "is no database",
        "problem",
    ),
    "everybody may write the exec root": Fault(
        "mkdir -m 777 /run/wherry", "exec-root", "can be written by others", "problem"
    ),
    "everybody may write the configuration": Fault(
        """
        mkdir -p /etc/wherry
        echo '{}' > /etc/wherry/daemon.json
        chmod 666 /etc/wherry/daemon.json
        """,
        "configuration-owner", "can be written by others", "problem",
    ),
    "something is mounted below the data root": Fault(
        """
        mkdir -p '/var/lib/wherry/containers/a b'
        mount -t tmpfs none '/var/lib/wherry/containers/a b'
        """,
        "mount-remains", "/var/lib/wherry/containers/a b", "warning",
    ),
    "a dead socket of Docker": Fault(
        f"""{sys.executable} -c '
import socket
socket.socket(socket.AF_UNIX).bind("/run/docker.sock")'""",
        "other-engines", "/run/docker.sock", "note",
    ),
    "no addresses are left": Fault(
        """
        ip link add wire type bridge
        ip link set wire up
        ip route add 172.16.0.0/12 dev wire
        ip route add 192.168.0.0/16 dev wire
        """,
        "address-pools", "0 of 31", "problem",
    ),
}  # fmt: skip
if not UNIFIED:  # version 2 has one hierarchy for all
    FAULTS["a hierarchy is not mounted"] = Fault(
        "umount /sys/fs/cgroup/pids", "cgroup-controllers", "controller pids", "warning"
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_mended(machine: Machine, fault: str) -> None:
    it = FAULTS[fault]
    machine.gone(it.check, it.words)
    machine.shell(it.script)
    machine.mend(machine.found(it.check, it.words, it.level))
    machine.gone(it.check, it.words)


def test_everything_of_a_rule_set_but_dockers_stays(machine: Machine) -> None:
    machine.shell(
        "iptables -A FORWARD -s 10.9.9.9 -j DROP; iptables -N DOCKER; iptables -A FORWARD -j DOCKER"
    )
    machine.mend(machine.found("docker-remains", "chains of Docker", "warning"))
    rules = machine.shell("iptables -S")
    assert "10.9.9.9" in rules
    assert "DOCKER" not in rules


def test_a_control_group_that_a_container_is_in(machine: Machine) -> None:
    group = f"{GROUPS}/wherry-{ID}/container"
    machine.shell(f"mkdir -p {group}")
    machine.spawn("sh", "-c", f"echo $$ > {group}/cgroup.procs; exec sleep infinity")
    eventually(lambda: machine.shell(f"cat {group}/cgroup.procs") != "")
    machine.gone("remains", ID)
    machine.shell(f"kill -9 $(cat {group}/cgroup.procs)")
    eventually(lambda: machine.shell(f"cat {group}/cgroup.procs") == "")
    machine.mend(machine.found("remains", f"{GROUPS}/wherry-{ID}", "warning"))
    machine.gone("remains", ID)


@pytest.mark.parametrize(
    ("library", "check"), [("libnftables.so.1", "libnftables"), ("libseccomp.so.2", "seccomp")]
)
def test_a_library_that_is_missing(machine: Machine, library: str, check: str) -> None:
    path = machine.shell(f"ldconfig -p | sed -n 's/.*{library}.*=> //p' | head -1").strip()
    machine.gone(check, library)
    machine.shell(f"mount --bind /dev/null {path}")
    finding = machine.found(check, f"{library} is missing", "problem")
    assert any("install" in command and check in command for command in finding.mend)
    machine.shell(f"umount {path}")
    machine.gone(check, library)


def test_a_python_library_that_is_missing(machine: Machine) -> None:
    site = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    folder = next(site.glob("h11-*.dist-info"))
    machine.shell(f"mount -t tmpfs none {folder}")
    finding = machine.found("libraries", "the library h11 is missing", "problem")
    assert "pip install 'h11" in finding.mend[0]
    machine.shell(f"umount {folder}")
    machine.gone("libraries", "h11")


def add_good_disk(machine: Machine) -> None:
    """Mount a disk with more room than any other: what is shown is to be done to that one."""
    good = machine.root / "good"
    machine.shell(
        f"truncate -s 8T {good}; mkfs.ext4 -q -F -m 0 -T largefile4 -O ^has_journal {good};"
        f" mount -t tmpfs none /srv; mkdir /srv/good; mount -o loop {good} /srv/good"
    )


UNSUITABLE = {
    "overlay on overlay": (
        "mkdir /run/a /run/b /run/c; mount -t overlay none /var/lib/wherry"
        " -o lowerdir=/run/a,upperdir=/run/b,workdir=/run/c"
    ),
    "no attributes": "mount -t ramfs none /var/lib/wherry",
}


@pytest.mark.parametrize("unsuitable", UNSUITABLE)
def test_a_file_system_that_overlayfs_does_not_work_on(machine: Machine, unsuitable: str) -> None:
    add_good_disk(machine)
    machine.gone("overlay", "does not work")
    machine.shell(f"umount /var/lib/wherry; {UNSUITABLE[unsuitable]}")
    finding = machine.found("overlay", "does not work", "problem")
    assert machine.shell("ls -A /var/lib/wherry") == ""
    assert finding.mend[0] == "mkdir -p /srv/good/wherry /var/lib/wherry"
    machine.mend(finding)
    machine.gone("overlay", "does not work")


def test_a_disk_that_is_full() -> None:
    with own_machine("600M") as machine:
        machine.gone("disk-space", "free of")
        machine.shell("fallocate -l 500M /var/lib/wherry/big")
        machine.found("disk-space", "free of", "problem")
        machine.shell("rm /var/lib/wherry/big")
        machine.gone("disk-space", "free of")


def test_room_that_runs_short() -> None:
    with own_machine("3G") as machine:
        machine.shell("fallocate -l 2700M /var/lib/wherry/big")
        machine.found("disk-space", "free of", "warning")
        machine.shell("rm /var/lib/wherry/big")
        machine.gone("disk-space", "free")


def test_inodes_that_run_out() -> None:
    with own_machine("512M", "-N", "2000") as machine:
        machine.found("inodes", "inodes free", "warning")
        machine.shell("cd /var/lib/wherry; i=0; while touch f$i 2> /dev/null; do i=$((i+1)); done")
        machine.found("inodes", "0 of", "problem")


def test_data_in_memory(machine: Machine) -> None:
    machine.gone("data-root-place", "in memory")
    add_good_disk(machine)
    machine.shell("umount /var/lib/wherry; mkdir -p '/var/lib/wherry/volumes/a b'")
    machine.mend(machine.found("data-root-place", "in memory", "warning"))
    machine.gone("data-root-place", "in memory")
    assert machine.shell("ls /var/lib/wherry/volumes") == "a b\n"


def test_a_database_of_a_newer_wherry(machine: Machine) -> None:
    database = "sqlite3.connect('/var/lib/wherry/wherry.db')"
    script = f"import sqlite3; {database}.execute('PRAGMA user_version=99')"
    machine.run(sys.executable, "-c", script)
    finding = machine.found("database", "newer wherry (schema 99", "problem")
    assert "--upgrade wherry" in finding.mend[0]


def test_files_from_the_future(machine: Machine) -> None:
    machine.shell("touch -d '+2 days' /var/lib/wherry/wherry.db")
    finding = machine.found("clock-jump", "the clock was set back", "warning")
    machine.shell(finding.mend[-1])
    machine.gone("clock-jump", "set back")


def test_resolvers_on_the_loopback(machine: Machine) -> None:
    machine.shell("echo nameserver 127.0.0.1 > /etc/resolv.conf")
    finding = machine.found("dns", "only servers on the loopback: 127.0.0.1", "warning")
    machine.mend(finding)
    assert '"dns": ["8.8.8.8"' in machine.shell("cat /etc/wherry/daemon.json")
    machine.gone("configuration", "daemon.json:")
    machine.gone("dns", "loopback")
    machine.shell("rm /etc/wherry/daemon.json")
    machine.found("dns", "only servers on the loopback: 127.0.0.1", "warning")
    # systemd's stub is no such case: the file behind it is read.
    machine.shell(
        "echo nameserver 127.0.0.53 > /etc/resolv.conf; mkdir -p /run/systemd/resolve;"
        " echo nameserver 192.0.2.7 > /run/systemd/resolve/resolv.conf"
    )
    machine.gone("dns", "loopback")


def test_a_network_in_the_way_of_another(machine: Machine) -> None:
    machine.shell(
        "ip link add whb0d0c-a1b2c3 type bridge; ip addr add 172.17.0.1/16 dev whb0d0c-a1b2c3;"
        " ip link set whb0d0c-a1b2c3 up; ip link add vpn type bridge; ip link set vpn up"
    )
    machine.gone("overlaps", "overlaps")
    machine.shell("ip route add 172.17.5.0/24 dev vpn")
    finding = machine.found("overlaps", "172.17.5.0/24", "warning")
    assert finding.mend == ["wherry network rm a1b2c3"]


def test_namespaces_that_are_not_allowed(machine: Machine) -> None:
    # These settings are of a user namespace; that of a machine's own root is everybody's.
    inside = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")
    setting = "user.max_net_namespaces"
    broken = (*inside, f'sysctl -qw {setting}=0; exec "$@"', "sh")
    finding = machine.found("namespaces", f"({setting} = 0)", "problem", before=broken)
    assert "no network namespace" in finding.text
    (command,) = finding.mend
    mended = (*inside, f'sysctl -qw {setting}=0; {command} > /dev/null; exec "$@"', "sh")
    machine.gone("namespaces", "no network", before=mended)


def test_capabilities_that_were_taken_away(machine: Machine) -> None:
    machine.gone("capabilities", "net_admin")
    less = ("setpriv", "--bounding-set=-net_admin,-mknod")
    finding = machine.found("capabilities", "net_admin, mknod", "problem", before=less)
    assert "--privileged" in finding.effect
    machine.found("links", "not permitted", "problem", before=less)


FILTER = """
import os, sys
from wherry.linux import credentials
from wherry.runtime.security.seccomp import compile_profile
rule = {"names": ["mount_setattr", "fsopen"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
program = compile_profile({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})
credentials.load_filter(program)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_system_calls_that_are_filtered(machine: Machine) -> None:
    machine.gone("system-calls", "filtered")
    before = (sys.executable, "-c", FILTER)
    finding = machine.found("system-calls", "fsopen, mount_setattr", "problem", before=before)
    assert "seccomp=unconfined" in finding.effect


def test_few_open_files(machine: Machine) -> None:
    few = ("prlimit", "--nofile=400:400")
    machine.found("open-files", "is 400 open files", "problem", before=few)
    machine.found("open-files", "is 2000", "warning", before=("prlimit", "--nofile=2000:2000"))
    machine.start_engine(before=few)
    finding = machine.found("open-files", "of the engine", "problem")
    assert finding.mend[0].startswith("ulimit -n ")
