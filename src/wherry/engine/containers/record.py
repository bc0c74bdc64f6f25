"""What the engine keeps of a container: one row of the database, encoded as JSON.

A record is replaced and never changed in place by readers; the engine writes it while it holds the
container's lock. Times are nanoseconds since the epoch, 0 for "never".
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from wherry.base.ids import ContainerId
from wherry.oci.digest import Digest
from wherry.wire.container_config import Config, EndpointSettings, HostConfig, PortBinding


class Status(StrEnum):
    """Docker's words for where a container is in its life."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    REMOVING = "removing"
    EXITED = "exited"
    DEAD = "dead"


class State(msgspec.Struct, omit_defaults=True):
    """Where the container is; `pid` and `start_ticks` identify its first process while it runs.

    `exit_known` is False where nobody could learn how the process ended: the exit code is then
    reported as 255 with an error text, never as 0. `cgroup` is where the run was put: a later
    engine may put its containers elsewhere. `starting` is on the disk before anything of a run is
    there: if the machine dies before it says more, the container counts as one that ran.
    """

    status: Status = Status.CREATED
    pid: int = 0
    start_ticks: int = 0
    cgroup: str = ""
    starting: bool = False
    exit_code: int = 0
    exit_known: bool = True
    oom_killed: bool = False
    error: str = ""
    started_at: int = 0
    finished_at: int = 0
    stopped_by_user: bool = False

    @property
    def running(self) -> bool:
        """True while a process of the container exists."""
        return self.status in (Status.RUNNING, Status.PAUSED)


class MountPoint(msgspec.Struct, omit_defaults=True):
    """A bind, volume or tmpfs of a container, resolved when it was created."""

    type: str
    destination: str
    source: str = ""
    name: str = ""
    driver: str = ""
    mode: str = ""
    read_write: bool = True
    propagation: str = ""
    no_copy: bool = False
    anonymous: bool = False
    options: list[str] = msgspec.field(default_factory=list)


class Container(msgspec.Struct, omit_defaults=True):
    """A container, whether or not it runs. `name` has no leading slash.

    `hardware_addresses` are those that the user chose, by the name of the network.
    """

    id: ContainerId
    name: str
    created: int
    config: Config
    host_config: HostConfig
    image_id: Digest
    image_name: str
    path: str
    args: list[str]
    state: State
    layers: list[Digest] = msgspec.field(default_factory=list)
    networks: dict[str, EndpointSettings] = msgspec.field(default_factory=dict)
    mounts: list[MountPoint] = msgspec.field(default_factory=list)
    hardware_addresses: dict[str, str] = msgspec.field(default_factory=dict)
    ports: dict[str, list[PortBinding] | None] = msgspec.field(default_factory=dict)
    restart_count: int = 0
    exec_ids: list[str] = msgspec.field(default_factory=list)
