"""`create`: prepare a container up to its exec, and leave it waiting.

The forked child holds a listening socket in the state directory; `start` connects to it. What was
made is undone when any step fails: the child is killed and reaped, its cgroups and the name go.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

from wherry.runtime import cgroups, hooks
from wherry.runtime.command import waiting
from wherry.runtime.command.check import check
from wherry.runtime.command.errors import ConfigError, WrongStatusError
from wherry.runtime.command.records import Place, Record, connect
from wherry.runtime.launch import (
    Child,
    Failed,
    Launch,
    Mounted,
    Ready,
    launch,
    preload,
    proceed,
)

_OWN_PARENT: Final = "/wherry-runtime"
# The devices that every container has, and making nodes: configurations count on it without saying
# so, as runc adds these too (config-linux.md, "Default Devices").
_DEFAULT_RULES: Final = tuple(
    {"allow": True, "type": kind, "major": major, "minor": minor, "access": access}
    for kind, major, minor, access in (
        ("c", -1, -1, "m"), ("b", -1, -1, "m"), ("c", 1, 3, "rwm"), ("c", 1, 5, "rwm"),
        ("c", 1, 7, "rwm"), ("c", 1, 8, "rwm"), ("c", 1, 9, "rwm"), ("c", 5, 0, "rwm"),
        ("c", 5, 2, "rwm"), ("c", 136, -1, "rwm"),
    )
)  # fmt: skip
_TERMINAL_NAME: Final = b"/dev/ptmx"


def main(parsed: argparse.Namespace) -> int:
    """Create the container."""
    create(parsed)
    return 0


def create(parsed: argparse.Namespace) -> Record:
    """Create the container and return its record."""
    place = Place(parsed.root, parsed.id)
    bundle = os.path.abspath(parsed.bundle)
    config = _config(bundle, parsed.id)
    terminal = bool(config["process"].get("terminal"))
    if terminal != bool(parsed.console_socket):
        raise ConfigError(
            "process.terminal needs --console-socket, which gets the terminal"
            if terminal
            else "--console-socket is of no use: process.terminal is not set"
        )
    record = Record(
        id=parsed.id,
        bundle=bundle,
        rootfs=os.path.join(bundle, config["root"]["path"]),
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        cgroups_path=config["linux"]["cgroupsPath"],
        own_cgroup=config["linux"]["cgroupsPath"] == f"{_OWN_PARENT}/{parsed.id}",
        config={
            key: config[key] for key in ("ociVersion", "annotations", "hooks") if key in config
        },
    )
    with contextlib.ExitStack() as undo:
        place.take()
        undo.callback(place.remove)
        place.write(record)
        os.chdir(bundle)  # what a bundle names by relative paths is in it
        gate = undo.enter_context(place.listen())
        undo.callback(remove_cgroups, record)
        child = launch(_request(parsed, config, bundle, gate, terminal=terminal))
        undo.callback(_destroy, child)
        record = record.with_process(child.pid)
        master = _prepared(child, record, config)
        if master is not None:
            hand_over(master, parsed.console_socket)
        place.write(record)
        if parsed.pid_file:
            waiting.write_pid(parsed.pid_file, child.pid)
        undo.pop_all()
        gate.close()
        os.close(child.channel)
    return record


def remove_cgroups(record: Record) -> None:
    """Remove a container's cgroups, and their parent where that is ours and empty."""
    if record.cgroups_path:
        cgroups.remove(record.cgroups_path)
    if record.own_cgroup:
        cgroups.remove_parent(_OWN_PARENT)


def _config(bundle: str, identifier: str) -> dict[str, Any]:
    try:
        with open(f"{bundle}/config.json", "rb") as file:
            config = json.load(file)
    except FileNotFoundError:
        raise ConfigError(f"{bundle}/config.json does not exist") from None
    except ValueError as error:
        raise ConfigError(f"{bundle}/config.json is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{bundle}/config.json is no JSON object")
    check(config, bundle)
    linux = dict(config.get("linux") or {})
    path = (linux.get("cgroupsPath") or "").strip("/")
    linux["cgroupsPath"] = f"/{path}" if path else f"{_OWN_PARENT}/{identifier}"
    resources = dict(linux.get("resources") or {})
    if rules := resources.get("devices"):
        resources["devices"] = [*rules, *_DEFAULT_RULES]
    linux["resources"] = resources
    return config | {"linux": linux}


def _request(
    parsed: argparse.Namespace,
    config: Mapping[str, Any],
    bundle: str,
    gate: socket.socket,
    *,
    terminal: bool,
) -> Launch:
    preload()
    linux = config["linux"]

    def place_in_cgroups(pid: int) -> None:
        cgroups.make(linux["cgroupsPath"], linux.get("resources") or {})
        cgroups.place(linux["cgroupsPath"], pid)

    told = config.get("hooks") or {}
    return Launch(
        bundle=bundle,
        stdio=(0, 1, 2),
        terminal=terminal,
        config=config,
        identifier=parsed.id,
        gate=gate.fileno(),
        announce_root=bool(told.get("prestart") or told.get("createRuntime")),
        preserved=parsed.preserve_fds,
        place=place_in_cgroups,
    )


def _prepared(child: Child, record: Record, config: Mapping[str, Any]) -> int | None:
    """Wait until the child is ready, running hooks in between; return its terminal's master."""
    while True:
        match waiting.next_report(child.channel):
            case Mounted():
                told = hooks.state(config, record.id, "creating", child.pid, record.bundle)
                for kind in ("prestart", "createRuntime"):
                    hooks.run_all(kind, config["hooks"].get(kind) or [], told)
                proceed(child.channel)
            case Ready(terminal):
                return terminal
            case Failed() as failed:
                raise waiting.failure(failed)
            case _:
                raise WrongStatusError("the process ran its program before it was told to")


def hand_over(master: int, path: str) -> None:
    """Send the terminal to whoever holds its other end from now on."""
    try:
        with connect(path, socket.SOCK_STREAM) as console:
            socket.send_fds(console, [_TERMINAL_NAME], [master])
    finally:
        os.close(master)


def _destroy(child: Child) -> None:
    os.close(child.channel)
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.pidfd)
