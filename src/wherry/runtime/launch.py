"""Forks the first process of a container, or another one into it, and returns at once.

    launch(request)       -> Child       the child prepares everything up to the exec, then waits
    read_report(channel)  -> Ready       (never blocks; None while there is nothing)
    proceed(channel)                     the child execs
    read_report(channel)  -> Executed    or Failed, at either point

The caller must have a single thread, and is the parent of what it launches: it reaps. All that can
block or fail on behalf of a container happens in the child. Descriptors of a request stay the
caller's.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from wherry.base.values import dataclass, field
from wherry.linux import namespaces, pidfd
from wherry.runtime.init import container as container_init
from wherry.runtime.init import execute as execute_init
from wherry.runtime.report import PROCEED, Executed, Failed, Mounted, Ready, Report, Reports

__all__ = [
    "Child", "Executed", "Failed", "Launch", "LaunchExec", "Mounted", "Ready", "Report",
    "launch", "launch_exec", "preload", "proceed", "read_report",
]  # fmt: skip

_NO_STDIO: Final = (-1, -1, -1)
_reports = Reports()


@dataclass(frozen=True, slots=True)
class Launch:
    """A container to start. `bundle` is a directory with a `config.json` of the runtime-spec.

    `namespaces` are joined by descriptor (of a namespace, or a pidfd) and win over paths in the
    configuration. Without `seccomp` the configuration's own profile is compiled in the child.

    The rest is for a launcher that goes away before the program runs. `config` stands in for the
    bundle's file, and `identifier` is what hooks are told. With `gate`, a listening socket, the
    word to exec comes from whoever connects to it, who gets the reports from there on. With
    `announce_root` the child reports `Mounted` and waits. `preserved` descriptors from 3 on reach
    the program. `place` is called here with the pid of a child in a user namespace of its own,
    which cannot put itself into cgroups.
    """

    bundle: str
    stdio: tuple[int, int, int] = _NO_STDIO
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    namespaces: Mapping[str, int] = field(default_factory=dict)
    seccomp: bytes | None = None
    config: Mapping[str, Any] | None = None
    identifier: str = ""
    gate: int = -1
    announce_root: bool = False
    preserved: int = 0
    place: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class LaunchExec:
    """A process to add to a running container, whose first process `pidfd` is of.

    `process` is the path of a JSON file with an OCI `process` object.
    """

    pidfd: int
    process: str
    cgroups_path: str = ""
    stdio: tuple[int, int, int] = _NO_STDIO
    terminal: bool = False
    console_size: tuple[int, int] | None = None
    seccomp: bytes | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A forked child: a direct child of the caller. `channel` does not block on this side."""

    pid: int
    pidfd: int
    channel: int


def preload() -> None:
    """Do once what every child would otherwise do again: read what does not change."""
    container_init.preload()


def launch(request: Launch) -> Child:
    """Fork a container's first process, PID 1 of its own PID namespace unless it joins one.

    Raises OSError or ValueError when the configuration cannot be read or the fork fails.
    """
    config = request.config
    if config is None:
        with open(f"{request.bundle}/config.json", "rb") as file:
            config = json.load(file)
    assert config is not None
    kinds, joined = _namespaces(config, request.namespaces)
    pid_namespace = joined.pop("pid", None)

    def initialise(channel: socket.socket) -> None:
        container_init.run(
            container_init.Setup(
                config=config,
                bundle=request.bundle,
                stdio=request.stdio,
                terminal=request.terminal,
                console_size=request.console_size,
                join=joined,
                seccomp=request.seccomp,
                identifier=request.identifier,
                gate=request.gate,
                announce_root=request.announce_root,
                preserved=request.preserved,
            ),
            channel,
        )

    if not kinds & namespaces.CLONE_NEWUSER:
        return _fork(kinds, pid_namespace, initialise)
    maps = config["linux"]

    def admit(pid: int) -> None:
        _map_users(pid, maps)
        if request.place is not None:
            request.place(pid)

    return _fork(kinds, pid_namespace, initialise, admit)


def _namespaces(
    config: Mapping[str, Any], given: Mapping[str, int]
) -> tuple[int, dict[str, int | str]]:
    """Split the wanted namespaces into those to make at the fork and those to join.

    The cgroup namespace is made later: its root is the cgroup that the process is in at that time.
    """
    kinds = 0
    joined: dict[str, int | str] = {}
    for entry in config.get("linux", {}).get("namespaces") or []:
        kind = entry["type"]
        if kind in given:
            joined[kind] = given[kind]
        elif path := entry.get("path"):
            joined[kind] = path
        elif kind != "cgroup":
            kinds |= namespaces.FLAGS[kind]
    for kind, descriptor in given.items():
        joined.setdefault(kind, descriptor)
    return kinds & ~namespaces.CLONE_NEWTIME, joined


def launch_exec(request: LaunchExec) -> Child:
    """Fork a process into a running container; it goes on to the exec without being told to."""

    def initialise(channel: socket.socket) -> None:
        execute_init.run(
            execute_init.Setup(
                pidfd=request.pidfd,
                process=request.process,
                cgroups_path=request.cgroups_path,
                stdio=request.stdio,
                terminal=request.terminal,
                console_size=request.console_size,
                seccomp=request.seccomp,
            ),
            channel,
        )

    return _fork(0, request.pidfd, initialise)


def _fork(
    kinds: int,
    pid_namespace: int | str | None,
    initialise: Callable[[socket.socket], None],
    admit: Callable[[int], None] | None = None,
) -> Child:
    """Fork; with `admit` the child waits until that was called with its pid."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        with _children_in(pid_namespace):
            pid, descriptor = namespaces.fork_into(kinds)
        if pid == 0:
            _become_child(ours, theirs, initialise)
        theirs.close()
        if admit is not None:
            admit(pid)
            ours.send(PROCEED)
    except BaseException:
        ours.close()
        raise
    ours.setblocking(False)
    return Child(pid, descriptor, ours.detach())


def _become_child(
    ours: socket.socket, theirs: socket.socket, initialise: Callable[[socket.socket], None]
) -> None:
    """Never returns: an exception that left here would run the parent's code a second time."""
    try:
        ours.close()
        initialise(theirs)
    finally:
        os._exit(1)


class _children_in:  # noqa: N801 - reads as a phrase in `with`
    """While inside, children of this process are born in another PID namespace.

    `setns` on a PID namespace does not move the caller, only what it forks; going back is joining
    one's own again.
    """

    def __init__(self, target: int | str | None) -> None:
        self._target = target

    def __enter__(self) -> None:
        if self._target is None:
            return
        if isinstance(self._target, str):
            opened = os.open(self._target, os.O_RDONLY | os.O_CLOEXEC)
            try:
                pidfd.join_namespaces(opened, namespaces.CLONE_NEWPID)
            finally:
                os.close(opened)
        else:
            pidfd.join_namespaces(self._target, namespaces.CLONE_NEWPID)

    def __exit__(self, *_: object) -> None:
        if self._target is None:
            return
        own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        try:
            pidfd.join_namespaces(own, namespaces.CLONE_NEWPID)
        finally:
            os.close(own)


def _map_users(pid: int, config: Mapping[str, Any]) -> None:
    """Write the user namespace's maps, which only its parent may do for ranges."""
    for name, key in (("uid_map", "uidMappings"), ("gid_map", "gidMappings")):
        lines = [f"{m['containerID']} {m['hostID']} {m['size']}" for m in config.get(key) or []]
        if lines:
            with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
                file.write("\n".join(lines))


def read_report(channel: int) -> Report | None:
    """Return the child's next report; None while there is none. Never blocks."""
    return _reports.read(channel)


def proceed(channel: int) -> None:
    """Tell a child that is ready to exec; raises BrokenPipeError when it has died."""
    borrowed = socket.socket(fileno=channel)
    try:
        borrowed.send(PROCEED, socket.MSG_NOSIGNAL)
    finally:
        borrowed.detach()
