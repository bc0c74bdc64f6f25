"""Installs the service from wherever the programs are, such as an environment of pip's.

May be done again: what is there stays. Files that somebody has changed are named and left alone,
unless they are to be replaced. All reasons to refuse are looked at before the first write.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from wherry.base.errors import ConflictError, ForbiddenError, NotFoundError
from wherry.base.values import dataclass
from wherry.service import enabling
from wherry.service.files import CONFIGURATION, File, Prefix, docker_files, files
from wherry.service.machine import Machine
from wherry.service.place import ChangedFilesError, differing, place

_DAEMON_JSON: Final = f"{CONFIGURATION}/daemon.json"
_COMMANDS: Final = "/usr/local/bin"
_WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


class DockerThereError(ConflictError):
    """Another Docker is on the machine, and `docker` is to mean wherry."""


class PackagedError(ConflictError):
    """A package looks after the service."""


class UnsafeProgramsError(ForbiddenError):
    """Somebody else than root could change what root is to run."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    docker: bool = False
    now: bool = False
    force: bool = False


def programs_folder(python: str = sys.executable, called: str = sys.argv[0]) -> str:
    """Return the directory that has `wherryd`, beside the interpreter or the running program."""
    for path in (python, os.path.realpath(called)):
        folder = os.path.dirname(os.path.abspath(path))
        if os.access(f"{folder}/wherryd", os.X_OK):
            return folder
    raise NotFoundError(
        f"there is no wherryd beside {python}: install wherry with pip into an environment"
    )


def prefix_of(programs: str) -> Prefix:
    """Return where the files of an installation without a package go."""
    return Prefix(programs, sys.executable, vendor=False, commands=_COMMANDS)


def wanted_files(machine: Machine, prefix: Prefix, *, docker: bool) -> dict[str, File]:
    """Return the files for what this machine has: units, or a script."""
    systemd = machine.has_systemd()
    made = files(prefix, systemd=systemd, sysv=not systemd)
    return {**made, **docker_files(prefix, systemd=systemd)} if docker else made


def install(machine: Machine, programs: str, wanted: Wanted) -> Iterator[str]:
    """Install the service; yields what was done, as it is done.

    Raises PackagedError, DockerThereError, UnsafeProgramsError, ChangedFilesError, OSError, and
    CommandFailedError.
    """
    prefix = prefix_of(programs)
    _check(machine, programs, wanted)
    made = wanted_files(machine, prefix, docker=wanted.docker)
    changed = differing(machine.root, made)
    if changed and not wanted.force:
        raise ChangedFilesError(changed)
    yield from enabling.make_group(machine)
    for path in place(machine.root, made, replace=wanted.force):
        yield f"{'replaced' if path in changed else 'wrote'} {path}"
    if not os.path.lexists(machine.path(_DAEMON_JSON)):
        place(machine.root, {_DAEMON_JSON: File(0o644, _default_configuration())})
        yield f"wrote {_DAEMON_JSON}: every setting, explained"
    yield from enabling.enable(machine)
    if wanted.docker:
        yield from _link_socket(machine)
    if wanted.now and machine.is_live:
        yield from enabling.start(machine)


def _check(machine: Machine, programs: str, wanted: Wanted) -> None:
    if machine.is_packaged():
        raise PackagedError(
            "a package has installed the service already: `systemctl enable --now wherry` starts"
            " it, and the package manager upgrades and removes it"
        )
    if wanted.docker and (found := machine.other_docker(programs)):
        raise DockerThereError(
            f"a Docker is here: {'; '.join(found)}. Remove it first, or install without --docker:"
            " wherry and Docker run beside each other"
        )
    if not wanted.force and (why := unsafe(programs)):
        raise UnsafeProgramsError(
            f"{why}, and the service runs what is there as root: install into a place of root's,"
            " such as `python3 -m venv /usr/local/lib/wherry`, or use --force"
        )


def unsafe(programs: str) -> str:
    """Say who else can change the programs; empty when nobody can."""
    path = os.path.realpath(programs)
    while True:
        told = os.stat(path)
        sticky = told.st_mode & stat.S_ISVTX
        if told.st_uid != 0:
            return f"{path} belongs to user {told.st_uid}"
        if told.st_mode & _WRITABLE_BY_OTHERS and not sticky:
            return f"others may write to {path}"
        if path == "/":
            return ""
        path = os.path.dirname(path)


def _default_configuration() -> bytes:
    """Return the text of a daemon.json, which the engine's own package writes."""
    words = [sys.executable, "-P", "-m", "wherry.daemon.configuration", "default"]
    return subprocess.run(words, check=True, capture_output=True).stdout


def _link_socket(machine: Machine) -> Iterator[str]:
    if not machine.is_live:
        return
    for path, file in _socket_link().items():
        if place("/", {path: file}):
            yield f"{path} leads to wherry's socket"


def _socket_link() -> dict[str, File]:
    return {"/run/docker.sock": File(0o777, b"", "wherry/wherry.sock")}
