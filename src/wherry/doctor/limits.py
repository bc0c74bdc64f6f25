"""Limits of the kernel that many containers share, and that are low by default."""

from __future__ import annotations

import resource
from typing import Final

from wherry.doctor.finding import Finding, note, ok, problem, warning
from wherry.doctor.machine import Machine

# What a container takes of an engine and its keepers: pipes, a pidfd, a namespace, in both.
_FILES_EACH: Final = 8
_FEW_FILES: Final = 4096
_TOO_FEW_FILES: Final = 512
_MANY_FILES: Final = 1 << 20
_KEPT: Final = "/etc/sysctl.d/60-wherry.conf"


def raise_to(setting: str, value: int) -> tuple[str, ...]:
    """Return what sets a value now, and again at each boot."""
    return (f"sysctl -w {setting}={value}", f"echo '{setting} = {value}' >> {_KEPT}")


def check_open_files(machine: Machine) -> list[Finding]:
    """The engine may open enough files."""
    engine = machine.engine()
    if engine is not None:
        limit = _files_of(machine.text(f"/proc/{engine.pid}/limits"))
        whose = f"of the engine (process {engine.pid})"
    else:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        limit = None if hard == resource.RLIM_INFINITY else hard
        whose = "of what is started from here"
    if limit is None:
        return ok("no limit")
    text = f"the limit {whose} is {limit} open files"
    effect = f"some {limit // _FILES_EACH} containers can run at once; then starts fail"
    commands = _more_files(machine)
    if limit < _TOO_FEW_FILES:
        return [problem(text, effect, *commands)]
    if limit < _FEW_FILES:
        return [warning(text, effect, *commands)]
    return ok(f"{text}: enough for some {limit // _FILES_EACH} containers")


def _more_files(machine: Machine) -> tuple[str, ...]:
    if machine.runs_systemd() and machine.has_unit():
        directory = "/etc/systemd/system/wherry.service.d"
        return (
            f"mkdir -p {directory}",
            f"printf '[Service]\\nLimitNOFILE={_MANY_FILES}\\n' > {directory}/files.conf",
            "systemctl daemon-reload",
            *machine.restart_engine(),
        )
    return (f"ulimit -n {_MANY_FILES}", *machine.restart_engine())


def _files_of(limits: str) -> int | None:
    """Return the hard limit in a /proc/<pid>/limits, None for no limit (pure)."""
    for line in limits.splitlines():
        if line.startswith("Max open files"):
            hard = line.split()[4]
            return int(hard) if hard.isdecimal() else None
    return None


def check_file_table(machine: Machine) -> list[Finding]:
    """The kernel's table of open files is not nearly full."""
    used, _, most = machine.text("/proc/sys/fs/file-nr").split()
    text = f"{used} of {most} open files of the whole machine"
    if int(used) > int(most) * 0.9:
        effect = "soon no program can open anything"
        return [problem(text, effect, *raise_to("fs.file-max", max(int(most) * 4, 1 << 20)))]
    return ok(text)


def check_processes(machine: Machine) -> list[Finding]:
    """There are process numbers and threads left, on the machine and in the engine's own group."""
    threads = int(machine.text("/proc/loadavg").split()[3].partition("/")[2])
    findings = []
    for setting, least in (("kernel.pid_max", 1 << 22), ("kernel.threads-max", 1 << 20)):
        most = machine.number(f"/proc/sys/{setting.replace('.', '/')}") or least
        text = f"{threads} processes and threads of at most {most} ({setting})"
        if threads > most * 0.9:
            effect = "soon no process can be started, in containers or outside"
            findings.append(problem(text, effect, *raise_to(setting, least)))
        elif most < 1 << 16:
            effect = "a thousand containers with some threads each reach that"
            findings.append(note(text, effect, *raise_to(setting, least)))
    return findings + _own_group(machine) or ok(f"{threads} processes and threads")


def _own_group(machine: Machine) -> list[Finding]:
    """Return what is wrong with the limit of the group that the engine runs in."""
    engine = machine.engine()
    if engine is None:
        return []
    groups = machine.text_or(f"/proc/{engine.pid}/cgroup").splitlines()
    for line in groups:
        _, controllers, path = line.split(":", 2)
        top = "/sys/fs/cgroup/pids" if controllers == "pids" else "/sys/fs/cgroup"
        most = machine.number(f"{top}{path}/pids.max") if path != "/" else None
        if controllers in ("pids", "") and most is not None and most < 1024:
            text = f"the engine's control group {path} may hold {most} processes"
            effect = "keepers and starts of containers fail"
            return [warning(text, effect, f"echo max > {top}{path}/pids.max")]
    return []


def check_inotify(machine: Machine) -> list[Finding]:
    """Programs that watch files can do so in many containers."""
    findings = []
    for name, least in (("max_user_instances", 1024), ("max_user_watches", 65536)):
        setting = f"fs.inotify.{name}"
        most = machine.number(f"/proc/sys/fs/inotify/{name}")
        if most is not None and most < least:
            text = f"{setting} is {most} for each user, over all containers"
            effect = "programs that watch files fail in the next containers: 'too many open files'"
            findings.append(note(text, effect, *raise_to(setting, least)))
    return findings or ok("enough instances and watches for each user")


def check_neighbours(machine: Machine) -> list[Finding]:
    """The neighbour table has room for every container that talks to another."""
    setting = "net.ipv4.neigh.default.gc_thresh3"
    most = machine.number("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
    if most is None:
        return ok("the kernel does not tell here (it is a setting of the first namespace)")
    if most >= 8192:
        return ok(f"{most} entries")
    effect = f"with more than {most} containers on networks, packets are lost"
    halves = [
        command
        for name, value in (("3", 16384), ("2", 8192), ("1", 2048))
        for command in raise_to(f"{setting[:-1]}{name}", value)
    ]
    return [note(f"{setting} is {most}", effect, *halves)]


def check_keyrings(machine: Machine) -> list[Finding]:
    """Every container can have its session keyring."""
    setting = "kernel.keys.root_maxkeys"
    most = machine.number("/proc/sys/kernel/keys/root_maxkeys")
    if most is None:
        return ok("the kernel has none")
    if most < 4096:
        effect = f"from the {most}th container on, they share the engine's keyring"
        return [warning(f"{setting} is {most}", effect, *raise_to(setting, 1_000_000))]
    return ok(f"{most} keys of root")


def check_terminals(machine: Machine) -> list[Finding]:
    """There are terminals left."""
    used, most = (machine.number(f"/proc/sys/kernel/pty/{name}") for name in ("nr", "max"))
    if used is None or most is None:
        return ok("the kernel does not tell")
    text = f"{used} of {most} terminals are in use"
    if used > most * 0.9:
        return [warning(text, "run -t will soon fail", *raise_to("kernel.pty.max", most * 4))]
    return ok(text)


def check_connections(machine: Machine) -> list[Finding]:
    """The table of tracked connections is not nearly full."""
    top = "/proc/sys/net/netfilter/nf_conntrack_"
    used, most = machine.number(f"{top}count"), machine.number(f"{top}max")
    if not used or not most:
        return ok("none are tracked")
    text = f"{used} of {most} tracked connections"
    if used > most * 0.8:
        setting = "net.netfilter.nf_conntrack_max"
        effect = "new connections to and from containers are dropped when it is full"
        return [warning(text, effect, *raise_to(setting, most * 4))]
    return ok(text)
