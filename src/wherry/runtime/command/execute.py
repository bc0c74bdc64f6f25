"""`exec`: run another process in a container, in all its namespaces and its cgroups."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from wherry.linux import pidfd
from wherry.runtime.command import waiting
from wherry.runtime.command.check import process_problems
from wherry.runtime.command.create import hand_over
from wherry.runtime.command.errors import ConfigError, WrongStatusError
from wherry.runtime.command.records import Place, Record
from wherry.runtime.command.run import exit_status, forwarding
from wherry.runtime.launch import Executed, Failed, LaunchExec, Ready, launch_exec
from wherry.runtime.security import seccomp


def main(parsed: argparse.Namespace) -> int:
    """Run the process; return its exit status, or 0 at once with `--detach`."""
    place = Place(parsed.root, parsed.id)
    record = place.read()
    status = place.status(record)
    if status != "running":
        raise WrongStatusError(f"cannot exec in a container in the {status} state")
    config = _config(record)
    process = _process(parsed, config)
    if parsed.preserve_fds:
        raise ConfigError("exec does not support --preserve-fds")
    if bool(process.get("terminal")) != bool(parsed.console_socket):
        raise ConfigError("process.terminal and --console-socket need each other")
    pid = _launch(parsed, record, config, process)
    if parsed.pid_file:
        waiting.write_pid(parsed.pid_file, pid)
    if parsed.detach:
        return 0
    with forwarding(record.with_process(pid)):
        return exit_status(pid)


def _config(record: Record) -> dict[str, Any]:
    with open(f"{record.bundle}/config.json", "rb") as file:
        config: dict[str, Any] = json.load(file)
    return config


def _process(parsed: argparse.Namespace, config: Mapping[str, Any]) -> dict[str, Any]:
    if parsed.process:
        with open(parsed.process, "rb") as file:
            process: dict[str, Any] = json.load(file)
    else:
        process = dict(config["process"]) | {"args": parsed.command, "terminal": False}
    if parsed.tty:
        process["terminal"] = True
    if problem := next(process_problems(process), None):
        raise ConfigError(problem)
    return process


def _launch(
    parsed: argparse.Namespace,
    record: Record,
    config: Mapping[str, Any],
    process: Mapping[str, Any],
) -> int:
    """Fork and wait until it runs its program; return its pid."""
    profile = (config.get("linux") or {}).get("seccomp")
    opened = pidfd.open_pidfd(record.pid)
    with tempfile.NamedTemporaryFile("w", dir=parsed.root, prefix=".exec-") as file:
        json.dump(process, file)
        file.flush()
        child = launch_exec(
            LaunchExec(
                pidfd=opened,
                process=file.name,
                cgroups_path=record.cgroups_path,
                stdio=(0, 1, 2),
                terminal=bool(process.get("terminal")),
                seccomp=seccomp.compile_profile(profile) if profile else None,
            )
        )
        while True:
            match waiting.next_report(child.channel):
                case Ready(int() as master):
                    hand_over(master, parsed.console_socket)
                case Failed() as failed:
                    os.waitpid(child.pid, 0)
                    raise waiting.failure(failed)
                case Executed():
                    return child.pid
                case _:
                    pass
