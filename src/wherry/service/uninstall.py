"""Takes the service away again: ends nothing that runs, keeps data unless they are to be purged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from wherry.base.errors import ConflictError, WherryError
from wherry.base.trees import remove_tree
from wherry.linux.mountinfo import mounts
from wherry.service import enabling
from wherry.service.files import (
    CONFIGURATION,
    DATA_ROOT,
    DOCKER_SOCKET,
    EXEC_ROOT,
    GROUP,
    LOGS,
    PIDFILE,
)  # fmt: skip
from wherry.service.install import PackagedError, prefix_of, wanted_files
from wherry.service.machine import Machine
from wherry.service.place import remove
from wherry.service.running import keepers, running


class StillRunningError(ConflictError):
    """Data cannot go while it is used."""


def uninstall(machine: Machine, programs: str, *, purge: bool) -> Iterator[str]:
    """Remove the service; yields what was done.

    Raises PackagedError, StillRunningError, CommandFailedError, OSError.
    """
    if machine.is_packaged():
        raise PackagedError(
            "a package has installed the service: remove it with the package manager"
            " (apt remove wherry, dnf remove wherry)"
        )
    if purge:
        check_unused(machine)
        enabling.close_socket(machine)
    made = wanted_files(machine, prefix_of(programs), docker=True)
    yield from enabling.disable(machine)
    removed, kept = remove(machine.root, made)
    for path in removed:
        yield f"removed {path}"
    for path in kept:
        yield f"kept {path}: it is not as it was installed"
    enabling.forget(machine)
    link = machine.path(DOCKER_SOCKET)
    if os.path.islink(link) and os.readlink(link) == "wherry/wherry.sock":
        os.unlink(link)
    if purge:
        yield from _purge(machine)
    elif found := machine.is_live and running(PIDFILE):
        yield f"the engine still runs: `kill {found.pid}` ends it; containers go on"
    if not purge:
        yield f"kept {DATA_ROOT} and {CONFIGURATION}: --purge removes them"


def check_unused(machine: Machine) -> None:
    """Raise StillRunningError while an engine, a container or a mount uses the data."""
    if not machine.is_live:
        return
    if (found := running(PIDFILE)) is not None:
        raise StillRunningError(f"the engine runs, process ID {found.pid}: stop it before its data")
    if keepers(EXEC_ROOT):
        raise StillRunningError(
            "containers still run: start the engine, remove them with `wherry rm -f`, and stop it"
        )
    for mount in mounts():
        if mount.is_at_or_below(DATA_ROOT):
            raise StillRunningError(
                f"{mount.target} is mounted: unmount it before data are removed"
            )


def _purge(machine: Machine) -> Iterator[str]:
    for path in (DATA_ROOT, EXEC_ROOT, LOGS, CONFIGURATION):
        if os.path.isdir(machine.path(path)):
            remove_tree(machine.path(path))
            yield f"removed {path}"
    if machine.is_live and shutil.which("groupdel"):
        try:
            enabling.run(("groupdel", GROUP))
        except WherryError:
            return  # it is gone, or is somebody's first group
        yield f"removed the group {GROUP}"
