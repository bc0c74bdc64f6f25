"""The kernel: its version, system calls, namespaces, and what this process may do with them."""

from __future__ import annotations

import errno
import os
import platform
from typing import Final

from wherry.base.errors import WherryError
from wherry.doctor.finding import Finding, note, ok, problem, warning
from wherry.doctor.machine import Machine
from wherry.linux import libc, namespaces

LEAST: Final = (5, 12)  # mount_setattr(2), which every bind mount needs
_MACHINES: Final = ("x86_64", "aarch64")
_BAD: Final = -1

# Arguments that every kernel refuses, so that nothing happens but the answer whether it knows them.
_CALLS: Final = (
    ("clone3", libc.CLONE3, (0, 0)),
    ("pidfd_open", libc.PIDFD_OPEN, (_BAD, 0)),
    ("pidfd_send_signal", libc.PIDFD_SEND_SIGNAL, (_BAD, 0, 0, 0)),
    ("openat2", libc.OPENAT2, (_BAD, 0, 0, 0)),
    ("open_tree", libc.OPEN_TREE, (_BAD, 0, _BAD)),
    ("move_mount", libc.MOVE_MOUNT, (_BAD, 0, _BAD, 0, _BAD)),
    ("fsopen", libc.FSOPEN, (0, _BAD)),
    ("fsconfig", libc.FSCONFIG, (_BAD, _BAD, 0, 0, 0)),
    ("fsmount", libc.FSMOUNT, (_BAD, _BAD, _BAD)),
    ("mount_setattr", libc.MOUNT_SETATTR, (_BAD, 0, _BAD, 0, 0)),
    ("close_range", libc.CLOSE_RANGE, (1, 0, 0)),
)
_OPTIONAL_NAMESPACES: Final = ("user", "time")
_LIMIT_NAMES: Final = {"mount": "mnt", "network": "net"}

# By number, from linux/capability.h: what an engine does every day.
_NEEDED: Final = {
    0: "chown", 1: "dac_override", 3: "fowner", 4: "fsetid", 5: "kill", 6: "setgid", 7: "setuid",
    8: "setpcap", 12: "net_admin", 18: "sys_chroot", 19: "sys_ptrace", 21: "sys_admin",
    27: "mknod", 31: "setfcap",
}  # fmt: skip
_RESOURCE: Final = 24
_MORE_RIGHTS: Final = (
    "this is a container or a restricted service: start it with every capability, as"
    " --privileged does"
)


def check_version(machine: Machine) -> list[Finding]:
    """The kernel is new enough, and of an architecture that wherry knows."""
    release = machine.text("/proc/sys/kernel/osrelease").strip()
    found = [f"Linux {release} {platform.machine()}"]
    if version(release) < LEAST:
        return [
            problem(
                f"Linux {release} is too old: {LEAST[0]}.{LEAST[1]} is the oldest that will do",
                "no container starts: mount_setattr(2) is missing",
                _newer_kernel(machine),
            )
        ]
    if platform.machine() not in _MACHINES:
        return [warning(f"{found[0]}: an architecture that nobody tried wherry on", "it may fail")]
    return ok(found[0])


def version(release: str) -> tuple[int, int]:
    """Return the first two numbers of a kernel's release (pure)."""
    numbers = release.replace("-", ".").replace("+", ".").split(".")
    numeric = [int(part) if part.isdecimal() else 0 for part in [*numbers, "0"][:2]]
    return numeric[0], numeric[1]


def _newer_kernel(machine: Machine) -> str:
    return f"{machine.install('linux-image-amd64', 'kernel', 'kernel-default')} && reboot"


def check_system_calls(_machine: Machine) -> list[Finding]:
    """The kernel has the system calls of the last years, and no filter takes them away."""
    missing = [name for name, number, arguments in _CALLS if not _is_known(name, number, arguments)]
    if "close_range" in missing and len(missing) == 1:
        return [note("close_range(2) is missing", "a start takes a little longer")]
    if missing:
        return [
            problem(
                f"system calls are missing or filtered: {', '.join(missing)}",
                "no container starts; where wherry runs in another engine's container, start that"
                " one with --privileged --security-opt seccomp=unconfined",
            )
        ]
    return ok(f"all {len(_CALLS)} that containers need are there")


def _is_known(name: str, number: int, arguments: tuple[int, ...]) -> bool:
    try:
        libc.syscall(name, number, *arguments)
    except OSError as error:
        return error.errno != errno.ENOSYS
    return True


def check_namespaces(machine: Machine) -> list[Finding]:
    """Every kind of namespace can be made. (They end with the process that tries it.)"""
    findings = []
    # That of users last: within it, these limits are others.
    for kind in sorted(namespaces.FLAGS, key="user".__eq__):
        try:
            namespaces.unshare(namespaces.FLAGS[kind])
        except OSError as error:
            findings.append(_no_namespace(machine, kind, error))
    return findings or ok(", ".join(namespaces.FLAGS))


def _no_namespace(machine: Machine, kind: str, error: OSError) -> Finding:
    setting = f"user.max_{_LIMIT_NAMES.get(kind, kind)}_namespaces"
    limit = machine.number(f"/proc/sys/{setting.replace('.', '/')}")
    text = f"no {kind} namespace can be made: {os.strerror(error.errno or 0)}"
    if kind in _OPTIONAL_NAMESPACES:
        return note(text, f"containers that want a {kind} namespace of their own do not start")
    if error.errno == errno.ENOSPC and limit is not None:
        return problem(
            f"{text} ({setting} = {limit})", "no container starts", f"sysctl -w {setting}=65536"
        )
    if error.errno == errno.EPERM:
        return problem(text, f"no container starts; {_MORE_RIGHTS}")
    return problem(text, "no container starts: the kernel is built without", _newer_kernel(machine))


def check_capabilities(machine: Machine) -> list[Finding]:
    """Root is really root here: none of the capabilities that an engine needs was taken away."""
    held = capabilities(machine.text("/proc/self/status"))
    missing = [name for number, name in _NEEDED.items() if number not in held]
    if missing:
        return [
            problem(
                f"root lacks capabilities here: {', '.join(missing)}",
                f"wherryd cannot do its work; {_MORE_RIGHTS}",
            )
        ]
    if _RESOURCE not in held:
        return [
            note(
                "root lacks the capability sys_resource",
                "the limits that containers ask for with --ulimit cannot be above this machine's",
            )
        ]
    return ok("all are there")


def capabilities(status: str) -> frozenset[int]:
    """Return the numbers of the effective capabilities in a /proc/<pid>/status (pure)."""
    for line in status.splitlines():
        if line.startswith("CapEff:"):
            mask = int(line.split()[1], 16)
            return frozenset(n for n in range(64) if mask >> n & 1)
    return frozenset()


def check_seccomp(machine: Machine) -> list[Finding]:
    """The kernel can filter system calls, and libseccomp is there to write the filters."""
    if not machine.exists("/proc/sys/kernel/seccomp/actions_avail"):
        return [
            warning(
                "the kernel has no seccomp filters",
                "containers start only with --security-opt seccomp=unconfined",
                _newer_kernel(machine),
            )
        ]
    # It is one of the parts that may be missing.
    from wherry.runtime.security.seccomp import compile_profile  # noqa: PLC0415

    try:
        compile_profile({"defaultAction": "SCMP_ACT_ALLOW"})
    except (WherryError, OSError, AttributeError) as error:
        return [
            problem(
                f"{error}",
                "containers start only with --security-opt seccomp=unconfined",
                machine.install("libseccomp2", "libseccomp", "libseccomp2"),
            )
        ]
    return ok("libseccomp compiles filters")


def check_security_modules(machine: Machine) -> list[Finding]:
    """SELinux and AppArmor: wherry gives containers neither labels nor profiles."""
    findings = []
    if machine.text_or("/sys/fs/selinux/enforce") == "1":
        findings.append(
            note(
                "SELinux is enforced",
                "containers run in the engine's own context: --security-opt label has no effect, a"
                " policy that confines wherryd confines containers too",
            )
        )
    if machine.text_or("/sys/module/apparmor/parameters/enabled") == "Y":
        findings.append(
            note(
                "AppArmor is active",
                "containers run without a profile of their own: seccomp, capabilities and masked"
                " paths protect the machine",
            )
        )
    return findings or ok("neither SELinux nor AppArmor is active")
