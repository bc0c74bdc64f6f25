"""Overlayfs on the file system of the data root: tried, in a mount namespace of this process.

What images are made of is tried on a small tree: removing a file of a lower layer (a device node in
the upper one), replacing a directory (a trusted attribute), and what files carry in attributes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import Final

from wherry.base.values import dataclass
from wherry.doctor.finding import Finding, command, ok, problem
from wherry.doctor.machine import Machine
from wherry.doctor.mounted import mounts
from wherry.linux import mounts as kernel
from wherry.linux import namespaces
from wherry.linux.mountinfo import Mount, mount_of

_SUITABLE: Final = ("ext4", "xfs", "btrfs")
_OPAQUE: Final = "trusted.overlay.opaque"
_EFFECT: Final = "no container starts and no image is built: layers cannot be stacked there"


class _ShortcomingError(Exception):
    """What the file system cannot do."""


@dataclass(frozen=True, slots=True)
class _Stack:
    """A lower and an upper layer, and where both are seen as one."""

    lower: str
    upper: str
    work: str
    merged: str


def check_overlay(machine: Machine) -> list[Finding]:
    """Overlayfs works with its writable layers on the data root's file system."""
    place = nearest(machine.settings.data_root)
    there = mount_of(mounts(machine), place)
    kind = there.kind if there else "?"
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return [problem(f"{place} is read-only, so overlayfs cannot be tried there", _EFFECT)]
    namespaces.unshare(namespaces.CLONE_NEWNS)
    kernel.set_propagation("/", kernel.MS_PRIVATE | kernel.MS_REC)
    try:
        with _stacked(place) as stack:
            _try(stack)
    except _ShortcomingError as error:
        return [_unsuitable(machine, place, kind, str(error))]
    except OSError as error:
        if error.errno == errno.ENODEV:
            return [_no_overlayfs()]
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        return [_unsuitable(machine, place, kind, f"it cannot be mounted ({error.strerror})")]
    return ok(f"works on {place} ({kind})")


def nearest(path: str) -> str:
    """Return the path, or the nearest directory above it that exists."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


@contextlib.contextmanager
def _stacked(place: str) -> Iterator[_Stack]:
    top = tempfile.mkdtemp(prefix=".wherry-doctor.", dir=place)
    try:
        stack = _Stack(*(f"{top}/{name}" for name in ("lower", "upper", "work", "merged")))
        for directory in (stack.lower, stack.upper, stack.work, stack.merged):
            os.mkdir(directory)
        os.makedirs(f"{stack.lower}/directory/below")
        with open(f"{stack.lower}/file", "x", encoding="ascii") as file:
            file.write("lower")
        options = f"lowerdir={stack.lower},upperdir={stack.upper},workdir={stack.work}"
        kernel.mount("overlay", stack.merged, "overlay", 0, options)
        try:
            yield stack
        finally:
            kernel.unmount(stack.merged, kernel.MNT_DETACH)
    finally:
        shutil.rmtree(top)


def _try(stack: _Stack) -> None:
    """Do to the stack what builds and containers do; raises _ShortcomingError, OSError."""
    os.unlink(f"{stack.merged}/file")
    if not stat.S_ISCHR(os.lstat(f"{stack.upper}/file").st_mode):
        raise _ShortcomingError("a removed file is not recorded")
    shutil.rmtree(f"{stack.merged}/directory")
    os.mkdir(f"{stack.merged}/directory")
    try:
        opaque = os.getxattr(f"{stack.upper}/directory", _OPAQUE)
    except OSError as error:
        raise _ShortcomingError("it has no trusted attributes") from error
    if opaque != b"y" or os.listdir(f"{stack.merged}/directory"):
        raise _ShortcomingError("a replaced directory shows what was in the old one")
    try:
        os.setxattr(f"{stack.merged}/directory", "user.wherry", b"1")
    except OSError as error:
        raise _ShortcomingError("it has no user attributes") from error


def _no_overlayfs() -> Finding:
    return problem(
        "the kernel has no overlayfs",
        _EFFECT,
        "modprobe overlay",
        "echo overlay > /etc/modules-load.d/wherry.conf",
    )


def _unsuitable(machine: Machine, place: str, kind: str, why: str) -> Finding:
    return problem(
        f"overlayfs does not work on {place} ({kind}): {why}",
        f"{_EFFECT}. Use an ext4, xfs (ftype=1) or btrfs file system",
        *move(machine, place),
    )


def move(machine: Machine, place: str) -> tuple[str, ...]:
    """Return the commands that put the data root onto a disk that will do."""
    data_root = machine.settings.data_root
    better = f"{_elsewhere(machine, place)}/wherry"
    return (
        command("mkdir", "-p", better, data_root),
        command("cp", "-a", f"{data_root}/.", better),
        command("mount", "--bind", better, data_root),
        f"{command('echo', f'{better} {data_root} none bind 0 0')} >> /etc/fstab",
        *(machine.restart_engine() if machine.engine() else ()),
    )


def _elsewhere(machine: Machine, place: str) -> str:
    """Return the suitable file system with the most room, or a name that stands for one."""
    bad = mount_of(mounts(machine), place)
    best, room = "/mnt", 0
    for mount in mounts(machine):
        if mount.kind in _SUITABLE and mount.root == "/" and not _same(mount, bad):
            with contextlib.suppress(OSError):
                told = os.statvfs(mount.target)
                free = 0 if told.f_flag & os.ST_RDONLY else told.f_bavail * told.f_frsize
                if free > room and os.path.isdir(mount.target):
                    best, room = mount.target.rstrip("/"), free
    return best


def _same(one: Mount, other: Mount | None) -> bool:
    return other is not None and one.device == other.device
