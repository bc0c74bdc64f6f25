"""For which machines and which Pythons the packages are made. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Oldest first. What a distribution calls python3 is one of these, from Debian 12 and Fedora 38 on;
# RHEL 9 has python3.11 and python3.12 beside its own 3.9.
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")

MAINTAINER: Final = "The wherry developers <wherry@localhost>"

# RHEL 9 has the oldest C library of those that we want: 2.34.
NEWEST_LIBC: Final = 34
_OLDEST_LIBC: Final = 17


class BuildError(Exception):
    """The packages cannot be made; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of processor, by the names that dpkg, rpm and Python have for it."""

    debian: str
    rpm: str

    @property
    def platforms(self) -> tuple[str, ...]:
        """What pip may take wheels for, best first."""
        minors = range(NEWEST_LIBC, _OLDEST_LIBC - 1, -1)
        tags = [f"manylinux_2_{minor}" for minor in minors]
        return tuple(f"{tag}_{self.rpm}" for tag in [*tags, "manylinux2014"])

    def environment(self, python: str) -> dict[str, str]:
        """Values of the variables of markers (PEP 508) there."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": self.rpm,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{python}.0",
            "python_version": python,
            "sys_platform": "linux",
        }


MACHINES: Final = {
    "amd64": Machine("amd64", "x86_64"),
    "arm64": Machine("arm64", "aarch64"),
}
