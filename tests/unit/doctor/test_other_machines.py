"""Machines that cannot be made here: their files are put below a root, and checks look at those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.doctor import cgroups, disk, installation, kernel, limits, network
from wherry.doctor.finding import Finding, Level
from wherry.doctor.machine import Machine
from wherry.doctor.settings import Settings

Check = Callable[[Machine], list[Finding]]


def machine(root: Path, files: dict[str, str], **environment: str) -> Machine:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "proc").mkdir(exist_ok=True)
    return Machine(Settings(), environment, 0, 0.0, str(root))


V1 = """\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
"""
V2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
CONTROLLERS = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t1\t1\nmemory\t0\t1\t0\n"

# Files, the check, its level, a part of the text, a part of what mends it.
MACHINES: dict[str, tuple[dict[str, str], Check, Level, str, str]] = {
    "an old kernel": (
        {"proc/sys/kernel/osrelease": "5.10.0-30-amd64\n", "etc/os-release": "ID=debian\n"},
        kernel.check_version, Level.PROBLEM, "5.10.0-30-amd64 is too old",
        "apt-get install -y linux-image-amd64 && reboot",
    ),
    "an old kernel of another family": (
        {"proc/sys/kernel/osrelease": "4.18.0-553.el8\n",
         "etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"\n'},
        kernel.check_version, Level.PROBLEM, "too old", "dnf install -y kernel && reboot",
    ),
    "SELinux": (
        {"sys/fs/selinux/enforce": "1"},
        kernel.check_security_modules, Level.NOTE, "SELinux is enforced", "",
    ),
    "AppArmor": (
        {"sys/module/apparmor/parameters/enabled": "Y\n"},
        kernel.check_security_modules, Level.NOTE, "AppArmor is active", "",
    ),
    "memory switched off at boot": (
        {"proc/self/mountinfo": V2, "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
         "proc/cgroups": CONTROLLERS},
        cgroups.check_controllers, Level.WARNING, "the controller memory is missing",
        "cgroup_enable=memory swapaccount=1",
    ),
    "a controller that waits to be mounted": (
        {"proc/self/mountinfo": V1, "proc/cgroups": CONTROLLERS},
        cgroups.check_controllers, Level.WARNING, "the controller cpu is missing",
        "mount -t cgroup -o cpu cgroup /sys/fs/cgroup/cpu",
    ),
    "swap that nobody counts": (
        {"proc/self/mountinfo": V1},
        cgroups.check_swap, Level.NOTE, "swap is not accounted for", "swapaccount=1",
    ),
    "few watchers": (
        {"proc/sys/fs/inotify/max_user_instances": "128\n",
         "proc/sys/fs/inotify/max_user_watches": "1000000\n"},
        limits.check_inotify, Level.NOTE, "max_user_instances is 128",
        "sysctl -w fs.inotify.max_user_instances=1024",
    ),
    "few neighbours": (
        {"proc/sys/net/ipv4/neigh/default/gc_thresh3": "1024\n"},
        limits.check_neighbours, Level.NOTE, "gc_thresh3 is 1024",
        "sysctl -w net.ipv4.neigh.default.gc_thresh3=16384",
    ),
    "few keys": (
        {"proc/sys/kernel/keys/root_maxkeys": "200\n"},
        limits.check_keyrings, Level.WARNING, "root_maxkeys is 200",
        "sysctl -w kernel.keys.root_maxkeys=1000000",
    ),
    "no terminals": (
        {"proc/sys/kernel/pty/nr": "4000\n", "proc/sys/kernel/pty/max": "4096\n"},
        limits.check_terminals, Level.WARNING, "4000 of 4096", "sysctl -w kernel.pty.max=16384",
    ),
    "no connections": (
        {"proc/sys/net/netfilter/nf_conntrack_count": "65000\n",
         "proc/sys/net/netfilter/nf_conntrack_max": "65536\n"},
        limits.check_connections, Level.WARNING, "65000 of 65536",
        "sysctl -w net.netfilter.nf_conntrack_max=262144",
    ),
    "a full table of files": (
        {"proc/sys/fs/file-nr": "99000\t0\t100000\n"},
        limits.check_file_table, Level.PROBLEM, "99000 of 100000", "sysctl -w fs.file-max=1048576",
    ),
    "no process numbers": (
        {"proc/loadavg": "0.1 0.1 0.1 1/32000 5\n", "proc/sys/kernel/pid_max": "32768\n",
         "proc/sys/kernel/threads-max": "200000\n"},
        limits.check_processes, Level.PROBLEM, "32000 processes and threads of at most 32768",
        "sysctl -w kernel.pid_max=4194304",
    ),
    "no memory": (
        {"proc/meminfo": "MemTotal: 2000000 kB\nMemAvailable: 20000 kB\n"},
        disk.check_memory, Level.WARNING, "20 MiB available of 1.9 GiB", "ps -eo rss",
    ),
    "memory that is promised only once": (
        {"proc/meminfo": "MemTotal: 2000000 kB\nMemAvailable: 900000 kB\n",
         "proc/sys/vm/overcommit_memory": "2\n"},
        disk.check_memory, Level.NOTE, "overcommit_memory is 2",
        "sysctl -w vm.overcommit_memory=0",
    ),
    "frames through iptables": (
        {"proc/sys/net/bridge/bridge-nf-call-iptables": "1\n"},
        network.check_bridged, Level.NOTE, "bridge-nf-call-iptables is 1",
        "sysctl -w net.bridge.bridge-nf-call-iptables=0",
    ),
    "a unit that is not enabled": (
        {"run/systemd/system/x": "", "usr/lib/systemd/system/wherry.service": ""},
        installation.check_service, Level.WARNING, "not started at boot",
        "systemctl enable wherry",
    ),
    "a unit that is enabled": (
        {"run/systemd/system/x": "", "usr/lib/systemd/system/wherry.service": "",
         "etc/systemd/system/multi-user.target.wants/wherry.service": ""},
        installation.check_service, Level.OK, "systemd starts it at boot", "",
    ),
    "nothing installed": (
        {}, installation.check_service, Level.NOTE, "no service is installed",
        "wherry service install --now",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
def test_other_machines(tmp_path: Path, name: str) -> None:
    files, check, level, text, command = MACHINES[name]
    findings = check(machine(tmp_path, files))
    matching = [f for f in findings if text in f.text]
    assert matching, findings
    assert matching[0].level == level
    assert command in "\n".join(matching[0].mend)
    assert bool(matching[0].effect) == (level > Level.OK)


def test_what_a_machine_does_not_have_is_no_finding(tmp_path: Path) -> None:
    bare = machine(tmp_path, {})
    for check in (
        kernel.check_security_modules, limits.check_inotify, limits.check_neighbours,
        limits.check_keyrings, limits.check_terminals, limits.check_connections,
        network.check_bridged,
    ):  # fmt: skip
        assert [f.level for f in check(bare)] == [Level.OK]


def test_proxies_of_the_caller(tmp_path: Path) -> None:
    known = machine(tmp_path, {}, https_proxy="proxy.example:3128")
    without_scheme, missing = network.check_proxies(known)
    assert without_scheme.mend == ("export HTTPS_PROXY=http://proxy.example:3128",)
    assert "the engine has no https-proxy" in missing.text
    assert '"proxies": {"https-proxy": "proxy.example:3128"}' in missing.mend[-1]
    assert [f.level for f in network.check_proxies(machine(tmp_path, {}))] == [Level.OK]


def test_programs_of_another_wherry(tmp_path: Path) -> None:
    program = tmp_path / "elsewhere" / "wherryd"
    program.parent.mkdir()
    program.touch(0o755)
    found = installation.check_programs(machine(tmp_path, {}, PATH=str(program.parent)))
    assert any(f"{program} is another wherry" in f.text for f in found)
    assert max(f.level for f in found) == Level.WARNING
