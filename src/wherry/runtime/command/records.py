"""What is known of a container between two commands.

    <root>/<id>/          0700, made by `create`: its existence takes the name
      state.json          the record; replaced as a whole
      start               a socket where the created container waits; gone once it was started

A record without a pid is of a container whose creation is under way, or was cut off: `delete
--force` removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from wherry.base.atomic import write_file
from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field
from wherry.linux.process import is_running, start_ticks
from wherry.runtime import cgroups
from wherry.runtime.command.errors import ContainerExistsError, NoContainerError

_NAME: Final = re.compile(r"[\w+.-]{1,1024}")


@dataclass(frozen=True, slots=True)
class Record:
    """A container. `ticks` is when its process started; `config` is the part that hooks need."""

    id: str
    bundle: str
    rootfs: str
    created: str
    cgroups_path: str = ""
    own_cgroup: bool = False
    pid: int = 0
    ticks: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """True while its first process runs."""
        return self.pid > 0 and is_running(self.pid, self.ticks)

    def with_process(self, pid: int) -> Record:
        """Return it with its first process."""
        return replace(self, pid=pid, ticks=start_ticks(pid) or 0)


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one container; the only place that knows its paths."""

    root: str
    id: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.id) or self.id in (".", ".."):
            raise InvalidError(f"invalid container ID format: {self.id!r}")

    @property
    def directory(self) -> str:
        return os.path.join(self.root, self.id)

    def take(self) -> None:
        """Make the directory; raises ContainerExistsError when the name is taken."""
        os.makedirs(self.root, 0o711, exist_ok=True)
        try:
            os.mkdir(self.directory, 0o700)
        except FileExistsError:
            raise ContainerExistsError(self.id) from None

    def write(self, record: Record) -> None:
        """Replace the record."""
        content = json.dumps(asdict(record)).encode()
        # Its name is not worth a disk's time: what runs does not outlive the machine.
        write_file(f"{self.directory}/state.json", content, 0o600, sync=False)

    def read(self) -> Record:
        """Return the record; raises NoContainerError."""
        try:
            with open(f"{self.directory}/state.json", "rb") as file:
                return Record(**json.load(file))
        except FileNotFoundError:
            raise NoContainerError(self.id) from None

    def remove(self) -> None:
        """Remove the directory, which frees the name."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.directory):
                os.unlink(f"{self.directory}/{name}")
            os.rmdir(self.directory)

    def status(self, record: Record) -> str:
        """Return creating, created, running, paused or stopped."""
        if not record.pid:
            return "creating"
        if not record.alive:
            return "stopped"
        if os.path.exists(f"{self.directory}/start"):
            return "created"
        frozen = record.cgroups_path and cgroups.is_frozen(record.cgroups_path)
        return "paused" if frozen else "running"

    def listen(self) -> socket.socket:
        """Make the socket at which the created container waits."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with _short(f"{self.directory}/start") as path:
                listening.bind(path)
            listening.listen(1)
        except BaseException:
            listening.close()
            raise
        return listening

    def connect(self) -> socket.socket:
        """Connect to the created container; raises OSError when it does not wait any more."""
        with _short(f"{self.directory}/start") as path:
            return connect(path, socket.SOCK_SEQPACKET)

    def started(self) -> None:
        """Remove the socket: the container has been started."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.directory}/start")


@contextlib.contextmanager
def _short(path: str) -> Any:
    """Give another name of a path that fits an address, which has room for 107 bytes only."""
    folder, name = os.path.split(path)
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{opened}/{name}"
    finally:
        os.close(opened)


def connect(path: str, kind: int) -> socket.socket:
    """Connect to a unix socket; raises OSError that names it."""
    connection = socket.socket(socket.AF_UNIX, kind)
    try:
        with _short(os.path.abspath(path)) as address:
            connection.connect(address)
    except OSError as error:
        connection.close()
        raise OSError(error.errno, f"connecting to {path}: {os.strerror(error.errno or 0)}") from (
            error
        )
    return connection
