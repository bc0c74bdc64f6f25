"""Disk and memory: room, inodes, where the data root is, and who may write to it."""

from __future__ import annotations

import os
import stat
from typing import Final

from wherry.doctor.finding import Finding, command, note, ok, problem, warning
from wherry.doctor.machine import Machine
from wherry.doctor.mounted import made_writable, mounts
from wherry.doctor.overlay import move, nearest
from wherry.linux.mountinfo import mount_of

_MIB: Final = 1 << 20
_FULL_BYTES: Final = 128 * _MIB
_SMALL_BYTES: Final = 2048 * _MIB
_FEW_INODES: Final = 20_000
_NO_INODES: Final = 500
_LITTLE_MEMORY: Final = 64 * _MIB
_NETWORKED: Final = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs")
_FLEETING: Final = ("tmpfs", "ramfs")
_SQLITE: Final = b"SQLite format 3\0"
_USER_VERSION_AT: Final = 60
_PRUNE: Final = "wherry system prune --all --force"


def check_space(machine: Machine) -> list[Finding]:
    """There is room on the data root's file system."""
    place = nearest(machine.settings.data_root)
    told = os.statvfs(place)
    free, size = told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize
    text = f"{_readable(free)} free of {_readable(size)} on {place}"
    used = command("du", "-xh", "--max-depth=2", machine.settings.data_root)
    commands = (_PRUNE, f"{used} | sort -h | tail")
    if free < _FULL_BYTES:
        return [problem(text, "pulls, builds and writes of containers fail", *commands)]
    if free < min(_SMALL_BYTES, size // 10):
        return [warning(text, "pulls and builds will soon fail", *commands)]
    return ok(text)


def check_inodes(machine: Machine) -> list[Finding]:
    """There are inodes left: an image has tens of thousands of files."""
    place = nearest(machine.settings.data_root)
    told = os.statvfs(place)
    if not told.f_files:
        return ok(f"the file system of {place} makes them as it needs them")
    text = f"{told.f_favail} of {told.f_files} inodes free on {place}"
    used = command("du", "--inodes", "-x", "--max-depth=2", machine.settings.data_root)
    commands = (_PRUNE, f"{used} | sort -n | tail")
    if told.f_favail < _NO_INODES:
        return [problem(text, "no file can be made: pulls, builds and containers fail", *commands)]
    if told.f_favail < _FEW_INODES:
        return [warning(text, "the next image may not fit, whatever room there is", *commands)]
    return ok(text)


def check_read_only(machine: Machine) -> list[Finding]:
    """The data root's file system is not mounted read-only."""
    place = nearest(machine.settings.data_root)
    there = mount_of(mounts(machine), place)
    if not os.statvfs(place).f_flag & os.ST_RDONLY:
        return ok(f"{place} can be written")
    return [
        problem(
            f"the file system of {place} is read-only",
            "the engine cannot start; a kernel does this when the disk fails: see dmesg",
            *([made_writable(there)] if there else []),
        )
    ]


def check_place(machine: Machine) -> list[Finding]:
    """The data root is on a disk of this machine, not in memory and not on the network."""
    place = nearest(machine.settings.data_root)
    there = mount_of(mounts(machine), place)
    if there is None:
        return ok(f"{place}")
    if there.kind in _FLEETING:
        return [
            warning(
                f"{place} is on {there.kind}, in memory",
                "images, containers and volumes are gone after a reboot",
                *move(machine, place),
            )
        ]
    if there.kind in _NETWORKED:
        return [
            problem(
                f"{place} is on {there.kind}, over the network",
                "the database may be damaged and overlayfs refuses its writable layers",
                *move(machine, place),
            )
        ]
    strict = sorted(there.options & {"nosuid", "noexec", "nodev"})
    if strict:
        allowed = [option.removeprefix("no") for option in strict]
        return [
            note(
                f"{there.target} is mounted {','.join(strict)}",
                "volumes inherit that: programs in them may not run",
                command("mount", "-o", f"remount,bind,{','.join(allowed)}", there.target),
            )
        ]
    return ok(f"{place} on {there.kind}")


def check_owner(machine: Machine) -> list[Finding]:
    """Only root can write to the data root and what is in it."""
    root = machine.settings.data_root
    findings = []
    names = ("", "/wherry.db", "/content", "/layers", "/containers", "/volumes", "/trash")
    for path in [f"{root}{name}" for name in names]:
        try:
            told = os.lstat(path)
        except FileNotFoundError:
            continue
        if told.st_uid != 0:
            text = f"{path} belongs to user {told.st_uid}, not to root"
            effect = "that user can change what containers run as root"
            findings.append(problem(text, effect, command("chown", "root:root", path)))
        if stat.S_IMODE(told.st_mode) & 0o022 and not stat.S_ISLNK(told.st_mode):
            text = f"{path} can be written by others (mode {stat.S_IMODE(told.st_mode):o})"
            effect = "whoever can is root on this machine"
            findings.append(problem(text, effect, command("chmod", "go-w", path)))
    if findings:
        return findings
    return ok(f"only root can write to {root}" if os.path.exists(root) else f"{root} is not there")


def check_database(machine: Machine) -> list[Finding]:
    """The database is one, and not from a newer wherry."""
    # Loads sqlite, which may be missing.
    from wherry.store.metadata.schema import VERSION  # noqa: PLC0415

    path = f"{machine.settings.data_root}/wherry.db"
    try:
        with open(path, "rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        return ok("there is none yet")
    if not head:
        return ok("it is empty: nothing was written yet")
    effect = "the engine does not start"
    aside = command("mv", path, f"{path}.broken")
    if not head.startswith(_SQLITE) or len(head) < 100:
        lost = f"{effect}; without the file it starts anew, without containers and images"
        return [problem(f"{path} is no database: it was damaged", lost, aside)]
    version = int.from_bytes(head[_USER_VERSION_AT : _USER_VERSION_AT + 4], "big")
    if version > VERSION:
        text = f"{path} was written by a newer wherry (schema {version}; this one knows {VERSION})"
        return [problem(text, effect, *machine.upgrade())]
    return ok(f"schema {version}")


def check_memory(machine: Machine) -> list[Finding]:
    """There is memory left."""
    known = memory(machine.text("/proc/meminfo"))
    available, total = known.get("MemAvailable", 0), known.get("MemTotal", 0)
    text = f"{_readable(available)} available of {_readable(total)}"
    if available < _LITTLE_MEMORY:
        effect = "the kernel ends processes when there is none left: containers, or the engine"
        return [warning(text, effect, "ps -eo rss,pid,args --sort=-rss | head")]
    if machine.number("/proc/sys/vm/overcommit_memory") == 2:
        effect = "programs that reserve more than they use fail to start (Go, Java, databases)"
        return [note("vm.overcommit_memory is 2", effect, "sysctl -w vm.overcommit_memory=0")]
    return ok(text)


def memory(text: str) -> dict[str, int]:
    """Return the bytes in /proc/meminfo by name (pure)."""
    rows = [line.split() for line in text.splitlines()]
    return {
        row[0].rstrip(":"): int(row[1]) << 10 for row in rows if len(row) > 1 and row[1].isdecimal()
    }


def _readable(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
