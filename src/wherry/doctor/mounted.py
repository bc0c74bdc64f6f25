"""What is mounted on the machine that is looked at."""

from __future__ import annotations

from wherry.doctor.finding import command
from wherry.doctor.machine import Machine
from wherry.linux.mountinfo import PATH, Mount, parse


def mounts(machine: Machine) -> list[Mount]:
    """Return every mount, in the order in which they were made."""
    return parse(machine.text(PATH))


def made_writable(mount: Mount) -> str:
    """Return the command that makes it writable: the file system, or this mount alone."""
    options = "remount,rw" if "ro" in mount.whole else "remount,bind,rw"
    return command("mount", "-o", options, mount.target)
