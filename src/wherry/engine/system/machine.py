"""What `info` says of the machine. Blocking: reads files, and asks the init program its version."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Sequence
from typing import Any, Final

from wherry.linux.mountinfo import Mount, mount_of, mounts

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64"}
# Docker's names of file systems, which go by their magic numbers.
_FILE_SYSTEMS: Final = {
    "ext2": "extfs", "ext3": "extfs", "ext4": "extfs", "overlay": "overlayfs", "nfs4": "nfs",
}  # fmt: skip
_INIT_SECONDS: Final = 5
_COMMIT: Final = re.compile(r"git\.([0-9a-f]+)")


def architecture() -> str:
    """Return this machine's architecture in Go's words."""
    return _ARCHITECTURES.get(os.uname().machine, os.uname().machine)


def facts() -> dict[str, Any]:
    """Return kernel, system, processors and memory, by the names of the API."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    release = _os_release()
    return {
        "KernelVersion": os.uname().release,
        "OperatingSystem": release.get("PRETTY_NAME", "Linux"),
        "OSVersion": release.get("VERSION_ID", ""),
        "OSType": "linux",
        "Architecture": os.uname().machine,
        "NCPU": os.cpu_count() or 1,
        "MemTotal": pages * size,
        "Name": os.uname().nodename,
    }


def running() -> dict[str, int]:
    """Return how many descriptors and threads this process has."""
    return {"NFd": len(os.listdir("/proc/self/fd")), "NGoroutines": threading.active_count()}


def _os_release() -> dict[str, str]:
    try:
        import platform  # noqa: PLC0415 - costs more than all the rest of this module

        return platform.freedesktop_os_release()
    except OSError:
        return {}


def is_set(path: str) -> bool:
    """Tell whether a switch of the kernel is on; one that is not there is off."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip() not in ("", "0")
    except OSError:
        return False


def file_system_of(path: str) -> str:
    """Return what file system a path is on, by Docker's name."""
    return file_system_in(mounts(), os.path.realpath(path))


def file_system_in(known: Sequence[Mount], path: str) -> str:
    """Return the file system of a real path (pure)."""
    mount = mount_of(known, path)
    found = "unknown" if mount is None else mount.kind
    return _FILE_SYSTEMS.get(found, found)


class InitVersion:
    """The version of the program for --init, asked once for each program that is found."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def __call__(self, path: str) -> str:
        """Return the commit that the program names, "N/A" for one that is not there or says none.

        Docker's clients show it as its version.
        """
        try:
            key = path, os.stat(path).st_mtime_ns
        except OSError:
            return "N/A"
        if key not in self._known:
            self._known[key] = commit_of(_output([path, "--version"]))
        return self._known[key]


def commit_of(told: str) -> str:
    """Return the commit in words such as `tini version 0.19.0 - git.de40ad0`."""
    match = _COMMIT.search(told)
    return match[1] if match else "N/A"


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_INIT_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return ""
