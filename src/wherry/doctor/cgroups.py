"""Control groups: mounted, with the controllers that limits need, and not read-only."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Final

from wherry.doctor.finding import Finding, note, ok, problem, warning
from wherry.doctor.machine import Machine
from wherry.doctor.mounted import made_writable, mounts
from wherry.runtime.cgroups.hierarchy import Hierarchy, parse_mountinfo

# Controller: the option of `run` that does nothing without it.
_V1: Final = {
    "memory": "--memory", "pids": "--pids-limit", "cpu": "--cpus", "cpuset": "--cpuset-cpus",
    "blkio": "--blkio-weight", "devices": "--device and the list of allowed devices",
    "freezer": "pause", "cpuacct": "the CPU time in stats",
}  # fmt: skip
_V2: Final = {
    "memory": "--memory", "pids": "--pids-limit", "cpu": "--cpus", "cpuset": "--cpuset-cpus",
    "io": "--device-write-bps",
}  # fmt: skip
_TOP: Final = "/sys/fs/cgroup"
_GRUB: Final = (
    "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{} /' /etc/default/grub",
    "update-grub || grub2-mkconfig -o /boot/grub2/grub.cfg",
    "reboot",
)


def found(machine: Machine) -> Hierarchy:
    """Return the hierarchies that are mounted."""
    return parse_mountinfo(machine.text("/proc/self/mountinfo"))


def check_hierarchy(machine: Machine) -> list[Finding]:
    """Control groups are mounted: version 2, version 1, or both."""
    there = found(machine)
    if there.is_unified:
        return ok(f"version 2 at {there.unified}")
    if there.legacy:
        kind = "version 1, with an empty version 2 beside it" if there.unified else "version 1"
        return ok(f"{kind}: {len(there.legacy)} controllers")
    return [
        problem(
            "no control groups are mounted",
            "no container starts",
            f"mkdir -p {_TOP}",
            f"mount -t cgroup2 cgroup2 {_TOP}",
        )
    ]


def check_controllers(machine: Machine) -> list[Finding]:
    """Every controller that limits need is there."""
    there = found(machine)
    if there.is_unified:
        path = f"{there.unified}/cgroup.controllers"
        return _findings(machine, _V2, machine.text_or(path).split(), unified=True)
    if not there.legacy:
        return [note("not looked at: no control groups are mounted")]
    return _findings(machine, _V1, there.legacy, unified=False)


def _findings(
    machine: Machine, wanted: Mapping[str, str], there: Collection[str], *, unified: bool
) -> list[Finding]:
    known = kernel_controllers(machine.text_or("/proc/cgroups"))
    findings = [
        warning(
            f"the controller {name} is missing",
            f"{use} has no effect on containers",
            *_way_in(name, unified=unified, switched_on=known.get(name, False)),
        )
        for name, use in wanted.items()
        if name not in there
    ]
    return findings or ok(", ".join(wanted))


def _way_in(name: str, *, unified: bool, switched_on: bool) -> tuple[str, ...]:
    """Return the commands that bring a controller: it waits to be mounted, or to be booted with."""
    if unified and switched_on:
        return ()  # whoever made the group that this machine sees as its top kept it back
    if not switched_on:
        enable = f"cgroup_enable={name}" + (" swapaccount=1" if name == "memory" else "")
        return (_GRUB[0].format(enable), *_GRUB[1:])
    return (f"mkdir -p {_TOP}/{name}", f"mount -t cgroup -o {name} cgroup {_TOP}/{name}")


def kernel_controllers(text: str) -> dict[str, bool]:
    """Return whether each controller of /proc/cgroups is switched on (pure)."""
    rows = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {row[0]: row[3] == "1" for row in rows if len(row) == 4}


def check_writable(machine: Machine) -> list[Finding]:
    """The engine can make groups: the hierarchies are not mounted read-only."""
    there = found(machine)
    tops = [there.unified] if there.is_unified else list(dict.fromkeys(there.legacy.values()))
    findings = [
        problem(
            f"{top} is mounted read-only",
            "no container starts: its control group cannot be made",
            *(made_writable(mount) for mount in mounts(machine) if mount.target == top),
        )
        for top in filter(None, tops)
        if os.statvfs(machine.root + top).f_flag & os.ST_RDONLY
    ]
    return findings or ok("groups can be made")


def check_swap(machine: Machine) -> list[Finding]:
    """Swap can be limited as memory can."""
    there = found(machine)
    memory = there.legacy.get("memory")
    if memory is None or there.is_unified:
        return ok("not a matter of version 2" if there.is_unified else "there is no controller")
    if machine.exists(f"{memory}/memory.memsw.limit_in_bytes"):
        return ok("swap is accounted for")
    return [
        note(
            "swap is not accounted for",
            "--memory-swap has no effect: a container can use any amount of swap",
            _GRUB[0].format("swapaccount=1"),
            *_GRUB[1:],
        )
    ]
