"""Prepares a process that joins a running container: cgroups, namespaces, terminal, exec.

It is born in the container's PID namespace (`runtime.launch`) and joins the others here, all at
once, by the pidfd of the container's first process: no path that the container could have changed.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any, Final

from wherry.base.values import dataclass
from wherry.linux import credentials, namespaces, pidfd, prctl, terminal
from wherry.runtime import cgroups, report
from wherry.runtime.init import process as process_stage
from wherry.runtime.init.process import step

_JOINED: Final = (
    namespaces.CLONE_NEWNS
    | namespaces.CLONE_NEWUTS
    | namespaces.CLONE_NEWIPC
    | namespaces.CLONE_NEWNET
    | namespaces.CLONE_NEWCGROUP
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the child needs to know; see `runtime.launch.LaunchExec`."""

    pidfd: int
    process: str
    cgroups_path: str
    stdio: tuple[int, int, int]
    terminal: bool
    console_size: tuple[int, int] | None
    seccomp: bytes | None


def run(setup: Setup, channel: socket.socket) -> None:
    """Prepare and exec; a failure is reported and ends the process."""
    try:
        _run(setup, channel)
    except BaseException as error:  # whatever it was must reach the engine
        report.send_failed(channel, report.as_failed(error, "exec"))
    os._exit(127)


def _run(setup: Setup, channel: socket.socket) -> None:
    process_stage.begin()
    prctl.set_not_dumpable()
    with open(setup.process, "rb") as file:
        process = json.load(file)
    if setup.cgroups_path:
        with step("joining the container's cgroups"):
            cgroups.join(setup.cgroups_path)
    process_stage.set_limits(process)
    with step("joining the container's namespaces"):
        _join(setup.pidfd)
    credentials.join_new_session_keyring()
    owner = (process.get("user") or {}).get("uid", 0)
    if setup.terminal:
        with step("opening a terminal"):
            _take_terminal(setup, channel, process, owner)
    else:
        report.send_ready(channel, None)
        process_stage.take_stdio(setup.stdio, owner)
    process_stage.close_others(channel.fileno())
    process_stage.execute(process, setup.seccomp, channel)


def _join(descriptor: int) -> None:
    kinds = _JOINED
    ours = os.stat("/proc/self/ns/user").st_ino
    pid = _pid_of(descriptor)
    # Joining the user namespace that one is in is refused; joining another brings its rights.
    if pid and os.stat(f"/proc/{pid}/ns/user").st_ino != ours:
        kinds |= namespaces.CLONE_NEWUSER
    pidfd.join_namespaces(descriptor, kinds)


def _pid_of(descriptor: int) -> int:
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as file:
        for line in file:
            if line.startswith("Pid:"):
                return max(int(line.split()[1]), 0)
    return 0


def _take_terminal(
    setup: Setup, channel: socket.socket, process: dict[str, Any], owner: int
) -> None:
    master, slave = terminal.open_pair("/dev/pts/ptmx")
    size = setup.console_size or _size_of(process)
    if size:
        terminal.set_size(master, *size)
    os.fchown(slave, owner, -1)
    report.send_ready(channel, master)
    os.close(master)
    terminal.make_controlling(slave)
    process_stage.take_stdio((slave, slave, slave), owner)


def _size_of(process: dict[str, Any]) -> tuple[int, int] | None:
    size = process.get("consoleSize")
    return (size["height"], size["width"]) if size else None
