"""Make, join, read and remove the cgroups of a container.

`make` and `join` run in the forked child, before its namespaces; the others in whoever looks after
the container. Removing is idempotent. An engine's own parent cgroup is left for `remove_parent`,
since containers come and go below it at the same time.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import itertools
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wherry.runtime.cgroups import devices, plan
from wherry.runtime.cgroups.hierarchy import Hierarchy, hierarchy

_CONTROLLERS_V2 = frozenset({"cpu", "cpuset", "io", "memory", "pids"})
_ALL_CONTROLLERS = (*plan.ALWAYS_V1, "cpuset", "blkio")
# Swap accounting and block weights are compiled out of some kernels; Docker goes on too.
_MAY_BE_ABSENT = (
    "memory.memsw.limit_in_bytes", "blkio.weight", "blkio.weight_device", "io.weight",
)  # fmt: skip
_REMOVE_TRIES = 100
_REMOVE_PAUSE_SECONDS = 0.01


def make(path: str, resources: Mapping[str, Any]) -> None:
    """Make the container's cgroups and set their limits."""
    found = hierarchy()
    if found.is_unified:
        _make_v2(found, path, resources)
        return
    wanted = plan.controllers_v1(resources)
    for directory in found.directories(path, wanted):
        _make_directory(directory)
    if "cpuset" in wanted and "cpuset" in found.legacy:
        _inherit_cpuset(found.legacy["cpuset"], path)
    _apply_v1(found, path, plan.writes_v1(resources))


def anticipate() -> None:
    """Begin the wait that the next process to join a cgroup would begin with.

    The first move in a while waits for a grace period of RCU, 4 to 16 ms measured; those that soon
    follow another do not. To write this process into the cgroup that it is in already changes
    nothing and takes that wait, while whoever starts a container does something else.
    """
    found = hierarchy()
    top = found.unified if found.is_unified else next(iter(found.legacy.values()), None)
    name = "" if found.is_unified else next(iter(found.legacy), "")
    if top is None:
        return
    with contextlib.suppress(OSError):
        _write(f"{top}{_own_path(name)}/cgroup.procs", "0")


def _own_path(controller: str) -> str:
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path
    return ""


def _make_directory(directory: str) -> None:
    try:
        os.mkdir(directory, 0o755)
    except FileNotFoundError:
        os.makedirs(directory, 0o755, exist_ok=True)
    except FileExistsError:
        pass  # it was made before this start, by an earlier one or by whoever chose the path


def _inherit_cpuset(top: str, path: str) -> None:
    """A new v1 cpuset is empty, and nothing can join it: copy from its parent, all the way down."""
    at = top
    for component in path.strip("/").split("/"):
        below = f"{at}/{component}"
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not _read(f"{below}/{name}").strip():
                _write(f"{below}/{name}", _read(f"{at}/{name}").strip())
        at = below


def _apply_v1(found: Hierarchy, path: str, writes: list[plan.Write]) -> None:
    for (controller, file), group in itertools.groupby(writes, lambda one: one[:2]):
        if controller not in found.legacy:
            raise OSError(errno.EOPNOTSUPP, f"this machine has no cgroup controller {controller}")
        values = [value for _, _, value in group]
        _write_limit(f"{found.legacy[controller]}{path}/{file}", *values)


def _write_limit(file: str, *values: str) -> None:
    try:
        _write(file, *values)
    except FileNotFoundError:
        if not file.endswith(_MAY_BE_ABSENT):
            raise


def _make_v2(found: Hierarchy, path: str, resources: Mapping[str, Any]) -> None:
    at = str(found.unified)
    writes = plan.writes_v2(resources)
    wanted = _CONTROLLERS_V2.union(write.controller for write in writes)
    for component in path.strip("/").split("/"):
        _enable(at, wanted)
        at = f"{at}/{component}"
        _make_directory(at)
    for _, file, value in writes:
        _write_limit(f"{at}/{file}", value)
    if rules := resources.get("devices"):
        devices.attach(at, rules)


def _enable(directory: str, wanted: Iterable[str]) -> None:
    """Have children of a v2 cgroup controlled, as far as it is itself.

    What is enabled already is not written again: above a delegated cgroup that is systemd's to do.
    """
    there = set(_read(f"{directory}/cgroup.controllers").split())
    enabled = _read(f"{directory}/cgroup.subtree_control").split()
    if missing := sorted(there.intersection(wanted).difference(enabled)):
        with contextlib.suppress(OSError):  # one that cannot be enabled shows at its own write
            _write(f"{directory}/cgroup.subtree_control", " ".join(f"+{n}" for n in missing))


def update(path: str, resources: Mapping[str, Any]) -> None:
    """Change the limits of a running container; device rules stay as they are."""
    found = hierarchy()
    changed = {key: value for key, value in resources.items() if key != "devices"}
    if found.is_unified:
        for _, file, value in plan.writes_v2(changed):
            _write_limit(f"{found.unified}{path}/{file}", value)
        return
    writes = plan.writes_v1(changed)
    try:
        _apply_v1(found, path, writes)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # The limit may not exceed that of memory and swap: when both grow, swap goes first.
        order = sorted(writes, key=lambda w: "memsw" not in w.file)
        _apply_v1(found, path, order)


def join(path: str) -> None:
    """Move the calling process into every cgroup of this path that exists."""
    _move(_open_procs(path))


def begin_join(path: str) -> Callable[[], None]:
    """Begin to move the calling process; returns what waits until it is done, or raises.

    To move is mostly to wait (see `anticipate`), which a thread does while the process mounts its
    file systems. The thread has ended when the wait is over: nothing that needs a process of one
    thread may come in between.
    """
    opened = _open_procs(path)
    done = _thread.allocate_lock()
    done.acquire()
    failures: list[OSError] = []

    def move() -> None:
        try:
            _move(opened)
        except OSError as error:
            failures.append(error)
        finally:
            done.release()

    _thread.start_new_thread(move, ())

    def wait() -> None:
        done.acquire()
        if failures:
            raise failures[0]

    return wait


def _open_procs(path: str) -> list[int]:
    opened = []
    for directory in hierarchy().directories(path, _ALL_CONTROLLERS):
        with contextlib.suppress(FileNotFoundError):
            opened.append(os.open(f"{directory}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))
    return opened


def _move(opened: list[int], pid: int = 0) -> None:
    """Write a process, by default the calling one, into open files of cgroups, and close them."""
    try:
        for descriptor in opened:
            os.write(descriptor, str(pid).encode())
    finally:
        for descriptor in opened:
            os.close(descriptor)


def pids(path: str) -> list[int]:
    """Return the processes in the container's cgroup; none when it does not exist."""
    found = hierarchy()
    directories = found.directories(path, ("pids", "memory", "cpu"))[:1]
    try:
        return [int(line) for line in _read(f"{directories[0]}/cgroup.procs").split()]
    except (FileNotFoundError, IndexError):
        return []


def kill(path: str) -> None:
    """Send SIGKILL to every process in the cgroup."""
    found = hierarchy()
    if found.is_unified:
        with contextlib.suppress(FileNotFoundError):
            _write(f"{found.unified}{path}/cgroup.kill", "1")
            return
    for pid in pids(path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)


def oom_kills(path: str) -> int:
    """Return how many processes the kernel has killed for want of memory; 0 without a cgroup."""
    found = hierarchy()
    file = "memory.events" if found.is_unified else "memory.oom_control"
    for directory in found.directories(path, ("memory",)):
        with contextlib.suppress(FileNotFoundError, OSError):
            for line in _read(f"{directory}/{file}").splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    return 0


def freeze(path: str, frozen: bool) -> None:
    """Stop or go on with every process of the container."""
    found = hierarchy()
    if found.is_unified:
        _write(f"{found.unified}{path}/cgroup.freeze", "1" if frozen else "0")
        return
    file = f"{found.legacy['freezer']}{path}/freezer.state"
    wanted = "FROZEN" if frozen else "THAWED"
    for _ in range(_REMOVE_TRIES):
        _write(file, wanted)
        if _read(file).strip() == wanted:
            return
        time.sleep(_REMOVE_PAUSE_SECONDS)  # FREEZING until every task has reached a stop
    raise OSError(errno.EBUSY, f"the processes of {path} did not all stop")


def is_frozen(path: str) -> bool:
    """Tell whether the container's processes are stopped, or about to be."""
    found = hierarchy()
    file, word = ("cgroup.freeze", "1") if found.is_unified else ("freezer.state", "FROZEN")
    for directory in found.directories(path, ("freezer",)):
        with contextlib.suppress(OSError):
            return _read(f"{directory}/{file}").strip() == word
    return False


def place(path: str, pid: int) -> None:
    """Move another process into every cgroup of this path that exists."""
    _move(_open_procs(path), pid)


def remove(path: str) -> None:
    """Remove the cgroups; raises EBUSY when processes are left after a second."""
    for directory in hierarchy().directories(path, _ALL_CONTROLLERS):
        _remove_directory(directory)


def _remove_directory(directory: str) -> None:
    for attempt in range(_REMOVE_TRIES):
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY) or attempt == _REMOVE_TRIES - 1:
                raise
            # Processes made cgroups of their own below, or one is still on its way out.
            _remove_below(directory)
            time.sleep(_REMOVE_PAUSE_SECONDS)


def _remove_below(directory: str) -> None:
    for top, folders, _ in os.walk(directory, topdown=False):
        for name in folders:
            with contextlib.suppress(OSError):
                os.rmdir(f"{top}/{name}")


def remove_parent(path: str) -> None:
    """Remove an engine's own parent cgroup where it is empty."""
    for directory in hierarchy().directories(path, _ALL_CONTROLLERS):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def _read(file: str) -> str:
    with open(file, encoding="ascii") as opened:
        return opened.read()


def _write(file: str, *values: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    value = ""
    try:
        for value in values:
            os.write(descriptor, value.encode())
    except OSError as error:
        raise OSError(error.errno, f"writing {value!r} to {file}: {error.strerror}") from error
    finally:
        os.close(descriptor)
