"""Writes what a runtime needs to start a container: `config.json`, and the compiled filter.

The bundle is the container's directory. It is written anew at every start: the user's number may
have changed in the container's own /etc/passwd, devices on the host. Blocking; called in a thread.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from wherry.base.atomic import write_file
from wherry.base.errors import InvalidError, UnsupportedError
from wherry.base.values import dataclass
from wherry.engine.containers.defaults import effective
from wherry.engine.containers.record import Container
from wherry.engine.settings import Live
from wherry.engine.spec import capabilities, resources, security
from wherry.engine.spec.container import Facts, container_spec
from wherry.linux.credentials import bounding_set
from wherry.oci.users import Identity, resolve
from wherry.runtime.cgroups.hierarchy import hierarchy
from wherry.runtime.security.default_profile import default_profile
from wherry.runtime.security.seccomp import compile_profile
from wherry.runtime.security.seccomp import resolve as resolve_profile
from wherry.store.layers.view import LayerView
from wherry.store.snapshots import MountSpec, SnapshotStore

_INIT_PROGRAMS: Final = ("docker-init", "tini-static", "tini", "catatonit")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written. `seccomp` is the path of a compiled filter, empty for none."""

    directory: str
    cgroups_path: str
    process: Mapping[str, Any]
    mounts: Sequence[Mapping[str, Any]]
    seccomp: str = ""

    @property
    def log_directory(self) -> str:
        """Where the container's output is kept."""
        return f"{self.directory}/logs"


@dataclass(frozen=True, slots=True)
class Root:
    """A root file system: what is mounted as `/`, and a view of the same files.

    `mounts` are entries of the runtime-spec besides those that every container has.
    """

    layers: Sequence[MountSpec]
    view: LayerView
    mounts: Sequence[Mapping[str, Any]] = ()


class Bundles:
    """Writes bundles of containers, and keeps compiled filters below the exec root."""

    def __init__(
        self, engine_id: str, exec_root: str, snapshots: SnapshotStore, live: Live | None = None
    ) -> None:
        self._live = live or Live()
        self.security = security.defaults(self._live.current.containers)
        self._engine_id = engine_id
        # Where the next runs are put.
        self.parent_cgroup = self.own_cgroup
        self.open_files: tuple[int, int] | None = None
        self._filters = os.path.join(exec_root, "seccomp")
        self._snapshots = snapshots
        # Several first starts at once would compile the same filter into the same file.
        self._compiling = threading.Lock()
        self.capabilities = bounding_set()

    def cgroups_path(self, record: Container) -> str:
        """Return where the cgroups of the container's run are, below every controller."""
        # Runs of engines that did not note it were all in the same place.
        return record.state.cgroup or _below(self.own_cgroup, record)

    @property
    def own_cgroup(self) -> str:
        """The cgroup below which containers are where no service manager gives one."""
        return f"/wherry-{self._engine_id}"

    def directory(self, record: Container) -> str:
        """Return the container's directory, which is its bundle."""
        return self._snapshots.directory(record.id)

    def log_directory(self, record: Container) -> str:
        """Return where the container's output is kept."""
        return f"{self.directory(record)}/logs"

    def write(self, record: Container, root: Root | None = None) -> Bundle:
        """Write the bundle; without `root` the container's own layers are its root file system.

        Raises InvalidError for what the image or host cannot give.
        """
        root = root or self._root(record)
        defaults, unified = self._live.current.containers, hierarchy().is_unified
        host = effective(record.host_config, defaults, unified=unified)
        record = msgspec.structs.replace(record, host_config=host)
        facts = self._facts(record, root)
        spec = container_spec(record, facts)
        data = json.dumps(spec, separators=(",", ":")).encode()
        write_file(os.path.join(facts.directory, "config.json"), data, 0o600, sync=False)
        return Bundle(
            directory=facts.directory,
            cgroups_path=facts.cgroups_path,
            process=spec["process"],
            mounts=spec["mounts"],
            seccomp=self.seccomp(record),
        )

    def _root(self, record: Container) -> Root:
        return Root(
            self._snapshots.mounts(record.id, record.layers),
            self._snapshots.view(record.id, record.layers),
        )

    def _facts(self, record: Container, root: Root) -> Facts:
        host = record.host_config
        return Facts(
            directory=self.directory(record),
            root=root.layers,
            mounts=root.mounts,
            identity=_identity(record, record.config.user, root.view),
            cgroups_path=_below(self.parent_cgroup, record),
            open_files=self.open_files,
            hostname=record.config.hostname or os.uname().nodename,
            capabilities=self.capabilities,
            devices=_devices(record),
            disk_numbers={path: _disk(path) for path in resources.disks(host)},
            init=find_init(self._live.current.containers.init_path) if host.init else "",
            security=self.security,
        )

    def identity(self, record: Container, user: str) -> Identity:
        """Resolve a user by the container's own files."""
        return _identity(record, user, self._snapshots.view(record.id, record.layers))

    def seccomp(self, record: Container) -> str:
        """Return the path of the container's compiled filter, empty for none."""
        host = record.host_config
        names = capabilities.effective(
            host.cap_add, host.cap_drop, privileged=host.privileged, available=self.capabilities
        )
        chosen = security.parse(host.security_opt, self.security).seccomp
        if host.privileged or chosen == {}:
            return ""
        profile = default_profile(names) if chosen is None else resolve_profile(chosen, names)
        return self.filter_of(profile)

    def filter_of(self, profile: Mapping[str, Any]) -> str:
        """Return the path of the compiled filter for a profile, compiled once."""
        key = hashlib.sha256(json.dumps(profile, sort_keys=True).encode()).hexdigest()
        path = os.path.join(self._filters, f"{key}.bpf")
        with self._compiling:
            if not os.path.exists(path):
                os.makedirs(self._filters, 0o700, exist_ok=True)
                write_file(path, compile_profile(profile), 0o600)
        return path


def _below(parent: str, record: Container) -> str:
    chosen = record.host_config.cgroup_parent.strip("/")
    return f"/{chosen}/{record.id}" if chosen else f"{parent}/{record.id}"


def _identity(record: Container, user: str, view: LayerView) -> Identity:
    extra = record.host_config.group_add or ()
    return resolve(user, extra, view.read("/etc/passwd"), view.read("/etc/group"))


def find_init(chosen: str = "") -> str:
    """Return the path of the program for --init, which the settings may choose."""
    for name in (chosen,) if chosen else _INIT_PROGRAMS:
        if found := shutil.which(name):
            return found
    raise UnsupportedError(
        "--init needs a small init program on the engine's machine: install docker-init or tini"
    )


def _devices(record: Container) -> list[dict[str, Any]]:
    host = record.host_config
    if host.privileged:
        return _all_devices()
    found = []
    for device in host.devices or ():
        inside = device.path_in_container or device.path_on_host
        found += _device(device.path_on_host, inside, device.cgroup_permissions or "rwm")
    return found


def _device(path: str, inside: str, access: str) -> list[dict[str, Any]]:
    try:
        told = os.stat(path)
    except OSError as error:
        raise InvalidError(
            f'error gathering device information while adding custom device "{path}":'
            f" {(error.strerror or '').lower()}"
        ) from None
    if stat.S_ISDIR(told.st_mode):
        names = sorted(os.listdir(path))
        return [d for n in names for d in _device(f"{path}/{n}", f"{inside}/{n}", access)]
    if not (stat.S_ISCHR(told.st_mode) or stat.S_ISBLK(told.st_mode)):
        raise InvalidError(
            f'error gathering device information while adding custom device "{path}":'
            " not a device node"
        )
    return [_described(inside, told, access)]


def _disk(path: str) -> tuple[int, int]:
    """Return the numbers of a disk that a container's use of is limited."""
    try:
        told = os.stat(path)
    except OSError:
        # Not in the kernel's words: clients take those for a program that is missing.
        raise InvalidError(f"no disk to limit: {path} is not there") from None
    if not stat.S_ISBLK(told.st_mode):
        raise InvalidError(f"no disk to limit: {path} is not a block device")
    return os.major(told.st_rdev), os.minor(told.st_rdev)


def _described(inside: str, told: os.stat_result, access: str) -> dict[str, Any]:
    return {
        "path": inside,
        "type": "b" if stat.S_ISBLK(told.st_mode) else "c",
        "major": os.major(told.st_rdev),
        "minor": os.minor(told.st_rdev),
        "fileMode": stat.S_IMODE(told.st_mode),
        "uid": told.st_uid,
        "gid": told.st_gid,
        "access": access,
    }


def _all_devices() -> list[dict[str, Any]]:
    """Return every device node of the host but terminals, for a privileged container."""
    left_out = ("/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd")
    found = []
    for top, folders, names in os.walk("/dev"):
        folders[:] = [name for name in folders if f"{top}/{name}" not in left_out]
        for name in names:
            path = f"{top}/{name}"
            told = os.lstat(path)
            device = stat.S_ISCHR(told.st_mode) or stat.S_ISBLK(told.st_mode)
            if device and path not in ("/dev/console", "/dev/ptmx"):
                found.append(_described(path, told, "rwm"))
    return found
