"""What manages services on a machine, and what else is there: found out, never changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Final

from wherry.service.files import DOCKER_SOCKET, SERVICE, SOCKET
from wherry.service.running import answers

VENDOR_UNITS: Final = ("/usr/lib/systemd/system", "/lib/systemd/system")
_UNITS: Final = ("/etc/systemd/system", "/usr/local/lib/systemd/system", *VENDOR_UNITS)
_FOLDERS: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_DOCKER: Final = ("docker", "dockerd")
_DOCKER_UNITS: Final = ("docker.service", "docker.socket")
_SYSTEMD: Final = ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")


class Machine:
    """A machine; with another root than /, one that does not run yet."""

    def __init__(self, root: str = "/") -> None:
        self.root = root.rstrip("/")

    @property
    def is_live(self) -> bool:
        """Tell whether this is the machine that we run on, whose services can be talked to."""
        return not self.root

    def path(self, name: str) -> str:
        """Return where an absolute path is, below the root."""
        return f"{self.root}{name}"

    def has_systemd(self) -> bool:
        """Tell whether systemd manages services: it runs, or it is what the root has."""
        if self.is_live:
            return os.path.isdir("/run/systemd/system")
        return any(os.path.lexists(self.path(name)) for name in _SYSTEMD)

    def has_sysv(self) -> bool:
        """Tell whether there are scripts in init.d."""
        return os.path.isdir(self.path("/etc/init.d"))

    def program(self, name: str) -> str:
        """Return the path of a program of the machine's, empty for none."""
        if self.is_live:
            return shutil.which(name) or ""
        paths = (f"{folder}/{name}" for folder in _FOLDERS)
        return next((path for path in paths if os.path.exists(self.path(path))), "")

    def is_packaged(self) -> bool:
        """Tell whether a package has installed the service, which looks after it itself."""
        return any(os.path.exists(self.path(f"{folder}/{SERVICE}")) for folder in VENDOR_UNITS)

    def other_docker(self, programs: str) -> list[str]:
        """Name everything of another Docker: programs, units, its socket.

        `programs` is the directory of ours; links that lead there are no other Docker.
        """
        return [*self._docker_programs(programs), *self._docker_units(), *self._docker_socket()]

    def _docker_programs(self, programs: str) -> Iterator[str]:
        seen: set[str] = set()
        for folder in _FOLDERS:
            for name in _DOCKER:
                path = self.path(f"{folder}/{name}")
                # /bin may be /usr/bin.
                place = os.path.join(os.path.realpath(os.path.dirname(path)), name)
                if os.path.lexists(path) and place not in seen and not _leads_to(path, programs):
                    yield f"the program {folder}/{name}"
                seen.add(place)

    def _docker_units(self) -> Iterator[str]:
        seen: set[str] = set()
        for folder in _UNITS:
            for name in _DOCKER_UNITS:
                path = self.path(f"{folder}/{name}")
                place = os.path.join(os.path.realpath(os.path.dirname(path)), name)
                ours = os.path.islink(path) and os.path.basename(os.readlink(path)) in (
                    SERVICE,
                    SOCKET,
                )
                if os.path.lexists(path) and place not in seen and not ours:
                    yield f"the unit {folder}/{name}"
                seen.add(place)

    def _docker_socket(self) -> Iterator[str]:
        path = self.path(DOCKER_SOCKET)
        if os.path.lexists(path) and not os.path.islink(path):
            told = "which somebody listens on" if answers(path) else "left by a Docker that ended"
            yield f"the socket {DOCKER_SOCKET}, {told}"


def _leads_to(path: str, programs: str) -> bool:
    """Tell whether a path is a link to our own client, wherever the root is."""
    ours = f"{programs}/wherry"
    if not os.path.islink(path):
        return False
    return os.readlink(path) == ours or os.path.realpath(path) == os.path.realpath(ours)
