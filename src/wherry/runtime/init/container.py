"""Prepares a container's first process: from the fork to just before the exec.

The order: cgroups before their namespace; namespaces before mounts; the root before what is mounted
in it; sysctls before /proc/sys becomes read-only; what is read-only and masked last. Then it says
that it is ready and waits for the word to go on.
"""

from __future__ import annotations

import codecs
import ctypes
import errno
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.base.values import dataclass
from wherry.linux import (
    credentials,
    interfaces,
    libc,
    mounts,
    namespaces,
    openat2,
    pidfd,
    prctl,
    terminal,
)
from wherry.runtime import cgroups, hooks, report
from wherry.runtime.cgroups.hierarchy import hierarchy
from wherry.runtime.init import process as process_stage
from wherry.runtime.init.process import step
from wherry.runtime.rootfs import plan
from wherry.runtime.rootfs.operations import Mask, Operation, ReadOnly, overlay
from wherry.runtime.security import seccomp

_PROPAGATION: Final = {
    "shared": mounts.MS_SHARED,
    "rshared": mounts.MS_SHARED | mounts.MS_REC,
    "slave": mounts.MS_SLAVE,
    "rslave": mounts.MS_SLAVE | mounts.MS_REC,
    "private": mounts.MS_PRIVATE,
    "rprivate": mounts.MS_PRIVATE | mounts.MS_REC,
}
_setdomainname = libc.function("setdomainname", ctypes.c_char_p, ctypes.c_size_t)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the child needs to know; see `runtime.launch.Launch`."""

    config: Mapping[str, Any]
    bundle: str
    stdio: tuple[int, int, int]
    terminal: bool
    console_size: tuple[int, int] | None
    join: Mapping[str, int | str]
    seccomp: bytes | None
    identifier: str = ""
    gate: int = -1
    announce_root: bool = False
    preserved: int = 0

    @property
    def linux(self) -> Mapping[str, Any]:
        """The part of the configuration that is Linux's."""
        found: Mapping[str, Any] = self.config.get("linux") or {}
        return found


def preload() -> None:
    """Load and read once what no container changes.

    After the root has changed there is no standard library to import from, codecs included.
    """
    for name in ("ascii", "utf-8"):
        codecs.lookup(name)
    hierarchy()


def run(setup: Setup, channel: socket.socket) -> None:
    """Prepare, wait, exec; a failure is reported and ends the process."""
    try:
        program = _prepare(setup, channel)
        if setup.gate >= 0:
            # From here on whoever says the word hears what becomes of it.
            channel = report.await_opened(setup.gate)
        else:
            report.await_proceed(channel)
        process_stage.execute(
            setup.config["process"],
            program,
            channel,
            preserved=setup.preserved,
            last=lambda: _run_hooks(setup, "startContainer", "created"),
        )
    except BaseException as error:  # whatever it was must reach the engine
        report.send_failed(channel, report.as_failed(error, "container init"))
    os._exit(127)


def _prepare(setup: Setup, channel: socket.socket) -> bytes | None:
    """Do all that comes before the word to exec; return the compiled seccomp filter."""
    process_stage.begin()
    prctl.set_not_dumpable()
    process = setup.config["process"]
    if _is_own_user(setup):
        _become_root_of_namespace(channel)
    program = setup.seccomp
    if program is None and setup.linux.get("seccomp"):
        program = seccomp.compile_profile(setup.linux["seccomp"])
    joined = _join_cgroups(setup)
    _join_namespaces(setup)
    process_stage.set_limits(process)
    root = _make_root(setup)
    terminals = _make_terminal(setup, root, process) if setup.terminal else None
    with step("joining the container's cgroups"):
        joined()
    if setup.announce_root:
        report.send_mounted(channel)
        report.await_proceed(channel)
    _run_hooks(setup, "createContainer", "creating")
    _enter_root(setup, root)
    _name_host(setup)
    _set_sysctls(setup)
    _restrict(setup)
    credentials.join_new_session_keyring()
    if setup.gate >= 0:
        # Who creates with one command and starts with another is told by the first (as runc does).
        process_stage.enter_and_find(process)
    master = terminals[0] if terminals else None
    report.send_ready(channel, master)
    _take_stdio(setup, terminals, (process.get("user") or {}).get("uid", 0))
    process_stage.close_others(channel.fileno(), setup.gate, *range(3, 3 + setup.preserved))
    return program


def _run_hooks(setup: Setup, kind: str, status: str) -> None:
    """Run the hooks that belong inside the container's namespaces; they see this process's pid."""
    wanted = (setup.config.get("hooks") or {}).get(kind)
    if wanted:
        state = hooks.state(setup.config, setup.identifier, status, os.getpid(), setup.bundle)
        hooks.run_all(kind, wanted, state)


def _is_own_user(setup: Setup) -> bool:
    """Tell whether the child was born in a user namespace of its own.

    It then has no right to limit itself: whoever forked it has made and joined its cgroups.
    """
    kinds = {entry["type"] for entry in setup.linux.get("namespaces") or []}
    return "user" in kinds and "user" not in setup.join


def _become_root_of_namespace(channel: socket.socket) -> None:
    """Wait until the parent has written the maps, then be root in the user namespace."""
    report.await_proceed(channel)
    with step("becoming root of the user namespace"):
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)


def _join_cgroups(setup: Setup) -> Callable[[], None]:
    """Make and join the cgroups; returns what waits until the process is in them."""
    path = setup.linux.get("cgroupsPath")
    wanted = {entry["type"] for entry in setup.linux.get("namespaces") or []}
    joined: Callable[[], None] = _nothing
    if path and not _is_own_user(setup):
        with step("making the container's cgroups"):
            cgroups.make(path, setup.linux.get("resources") or {})
            if "cgroup" in wanted or "time" in wanted or setup.join.keys() - {"network"}:
                # Such a namespace wants the process in its cgroups first, or without threads.
                cgroups.join(path)
            else:
                joined = cgroups.begin_join(path)
    if "cgroup" in wanted and "cgroup" not in setup.join:
        with step("making a cgroup namespace"):
            namespaces.unshare(namespaces.CLONE_NEWCGROUP)
    return joined


def _nothing() -> None:
    """Wait for nothing: the process is where it belongs."""


def _join_namespaces(setup: Setup) -> None:
    # A user namespace first: it brings the rights to join the others.
    for kind in sorted(setup.join, key=lambda kind: kind != "user"):
        target = setup.join[kind]
        with step(f"joining the {kind} namespace"):
            opened = os.open(target, os.O_RDONLY) if isinstance(target, str) else target
            pidfd.join_namespaces(opened, namespaces.FLAGS[kind])
    wanted = {entry["type"] for entry in setup.linux.get("namespaces") or []} - setup.join.keys()
    if "network" in wanted:
        with step("bringing up the loopback interface"):
            interfaces.bring_up("lo")
    if "time" in wanted:
        with step("making a time namespace"):
            namespaces.make_time_namespace(setup.linux.get("timeOffsets") or {})


def _make_root(setup: Setup) -> int:
    """Mount the root and all that belongs in it; return a descriptor of it."""
    propagation = _PROPAGATION.get(setup.linux.get("rootfsPropagation") or "rslave")
    where = os.path.join(setup.bundle, setup.config["root"]["path"])
    with step(f'preparing the root file system "{where}"'):
        mounts.set_propagation("/", propagation or mounts.MS_SLAVE | mounts.MS_REC)
        if propagation and propagation & mounts.MS_SHARED:
            _make_parent_private(where)
        options = plan.root_options(setup.config)
        tree = overlay(options) if options else mounts.clone_tree(where, recursive=True)
        target = os.open(where, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        mounts.attach(tree, target)
        os.close(target)
        root = os.open(where, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for operation in plan.plan(setup.config, _own_cgroups(setup)):
        _execute(operation, root)
    return root


def _make_parent_private(path: str) -> None:
    """Keep the root's own mount from the host, when all others are shared with it."""
    while True:
        try:
            mounts.set_propagation(path, mounts.MS_PRIVATE)
        except OSError as error:  # only where something is mounted can its propagation change
            if error.errno != errno.EINVAL or path == "/":
                raise
            path = os.path.dirname(path)
        else:
            return


def _execute(operation: Operation, root: int) -> None:
    with step(f"error during container init: {operation.describe()}"):
        operation.execute(root)


def _own_cgroups(setup: Setup) -> dict[str, str]:
    path = setup.linux.get("cgroupsPath")
    found = hierarchy()
    if not path or found.is_unified:
        return {}
    directories = {
        name: f"{top}{path}" for name, top in found.legacy.items() if os.path.isdir(top + path)
    }
    return dict(sorted(directories.items()))


def _make_terminal(setup: Setup, root: int, process: Mapping[str, Any]) -> tuple[int, int]:
    with step("opening a terminal"):
        multiplexer = openat2.open_in_root(root, "dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY)
        master, slave = terminal.open_pair(multiplexer)
        size = process.get("consoleSize")
        if setup.console_size:
            terminal.set_size(master, *setup.console_size)
        elif size:
            terminal.set_size(master, size["height"], size["width"])
        os.fchown(slave, (process.get("user") or {}).get("uid", 0), -1)
        tree = mounts.clone_tree("", recursive=False, directory=slave)
        console = openat2.make_file(root, "dev/console", 0o666)
        mounts.attach(tree, console)
        os.close(tree)
        os.close(console)
    return master, slave


def _take_stdio(setup: Setup, terminals: tuple[int, int] | None, owner: int) -> None:
    with step("setting up standard streams"):
        if terminals is None:
            process_stage.take_stdio(setup.stdio, owner)
            return
        master, slave = terminals
        os.close(master)
        terminal.make_controlling(slave)
        process_stage.take_stdio((slave, slave, slave), owner)


def _enter_root(setup: Setup, root: int) -> None:
    with step("changing the root"):
        os.fchdir(root)
        mounts.pivot_root_here()
        os.close(root)
    if directory := setup.config["process"].get("cwd"):
        with step(f'making the working directory "{directory}"'):
            here = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.close(openat2.make_directories(here, directory))
            except (NotADirectoryError, OSError):
                pass  # `execute` says it better, once it cannot be entered
            finally:
                os.close(here)


def _name_host(setup: Setup) -> None:
    if name := setup.config.get("hostname"):
        with step("setting the host name"):
            socket.sethostname(name)
    if name := setup.config.get("domainname"):
        with step("setting the domain name"):
            libc.checked("setdomainname", _setdomainname(name.encode(), len(name.encode())))


def _set_sysctls(setup: Setup) -> None:
    for name, value in (setup.linux.get("sysctl") or {}).items():
        with step(f"setting sysctl {name}={value}"):
            _set_sysctl(name.replace(".", "/"), value)


def _set_sysctl(name: str, value: str) -> None:
    """Write to the container's real /proc and nothing that lies over it."""
    path = f"/proc/sys/{name}"
    file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if mounts.filesystem_magic(file) != mounts.PROC_MAGIC:
            raise OSError(errno.EPERM, "not a file of /proc", path)
        os.write(file, value.encode())
    finally:
        os.close(file)


def _restrict(setup: Setup) -> None:
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    _execute(ReadOnly(setup.linux.get("readonlyPaths") or ()), root)
    _execute(Mask(setup.linux.get("maskedPaths") or ()), root)
    if setup.config["root"].get("readonly"):
        with step("making the root file system read-only"):
            mounts.set_attributes(root, add=mounts.MOUNT_ATTR_RDONLY)
    os.close(root)
