"""Every file that is installed beside the programs, from one source for packages and pip.

Pure: what is returned is written by `service.install`, by `python -m wherry.service files`, and by
whoever builds a package. The texts are in `templates/`.

    systemd    wherry.service, wherry.socket, the group (sysusers.d)
    SysV       init.d/wherry, logrotate.d/wherry (with systemd the log is in the journal)
    docker     the command `docker`, /run/docker.sock, and `docker.service` as another name
"""

from __future__ import annotations

import os
from typing import Final

from wherry.base.values import dataclass

SERVICE: Final = "wherry.service"
SOCKET: Final = "wherry.socket"
GROUP: Final = "wherry"
DOCKER_SOCKET: Final = "/run/docker.sock"
# What a daemon.json is for that names no hosts, pidfile or data-root.
HOST: Final = "unix:///run/wherry/wherry.sock"
PIDFILE: Final = "/run/wherry/wherryd.pid"
EXEC_ROOT: Final = "/run/wherry"
DATA_ROOT: Final = "/var/lib/wherry"
CONFIGURATION: Final = "/etc/wherry"
LOGS: Final = "/var/log/wherry"
INIT_SCRIPT: Final = "/etc/init.d/wherry"
# Where the packages put the programs.
PACKAGED: Final = "/opt/wherry/bin"

_TEMPLATES: Final = os.path.join(os.path.dirname(__file__), "templates")
_DATA: Final = 0o644
_PROGRAM: Final = 0o755
_LINK: Final = 0o777


@dataclass(frozen=True, slots=True)
class File:
    """A file's mode and content; a symbolic link instead where `target` is not empty."""

    mode: int
    content: bytes
    target: str = ""


@dataclass(frozen=True, slots=True)
class Prefix:
    """Where the programs are, and whose files these are.

    `programs` is the directory of `wherry` and `wherryd`, `python` the interpreter that has the
    package, by default the one beside them. Files of a package (`vendor`) are below /usr/lib, which
    leaves /etc to the administrator; those of `wherry service install` are below /etc. `commands`
    is where the link `docker` is made.
    """

    programs: str = PACKAGED
    python: str = ""
    vendor: bool = True
    commands: str = "/usr/bin"

    @property
    def configuration(self) -> str:
        """Return the directory that has systemd/, sysusers.d/ and tmpfiles.d/."""
        return "/usr/lib" if self.vendor else "/etc"

    @property
    def units(self) -> str:
        """Return the directory of the units."""
        return f"{self.configuration}/systemd/system"


def files(prefix: Prefix, *, systemd: bool = True, sysv: bool = True) -> dict[str, File]:
    """Return the files of the service by their absolute paths."""
    made: dict[str, File] = {}
    if systemd:
        made[f"{prefix.units}/{SERVICE}"] = _data(prefix, SERVICE)
        made[f"{prefix.units}/{SOCKET}"] = _data(prefix, SOCKET)
        made[f"{prefix.configuration}/sysusers.d/wherry.conf"] = _data(prefix, "sysusers.conf")
    if sysv:
        made[INIT_SCRIPT] = File(_PROGRAM, _text(prefix, "init.sh"))
        made["/etc/logrotate.d/wherry"] = _data(prefix, "logrotate.conf")
    return made


def docker_files(prefix: Prefix, *, systemd: bool = True) -> dict[str, File]:
    """Return what makes programs that look for Docker find wherry, by absolute paths."""
    tmpfiles = f"{prefix.configuration}/tmpfiles.d/wherry-docker.conf"
    made = {
        f"{prefix.commands}/docker": _link(f"{prefix.programs}/wherry"),
        # The SysV script makes what it says, too.
        tmpfiles: _data(prefix, "docker-tmpfiles.conf"),
    }
    if systemd:
        made[f"{prefix.units}/docker.service"] = _link(SERVICE)
        made[f"{prefix.units}/docker.socket"] = _link(SOCKET)
    return made


def _data(prefix: Prefix, name: str) -> File:
    return File(_DATA, _text(prefix, name))


def _link(target: str) -> File:
    return File(_LINK, b"", target)


def _text(prefix: Prefix, name: str) -> bytes:
    with open(f"{_TEMPLATES}/{name}", encoding="utf-8") as file:
        text = file.read()
    python = prefix.python or f"{prefix.programs}/python3"
    return text.replace("@PROGRAMS@", prefix.programs).replace("@PYTHON@", python).encode()
