"""What goes on in a container: top, port, diff, export."""

from __future__ import annotations

import os
import sys

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.output.table import render

KINDS = ("C", "A", "D")


def top(context: Context, _options: Options, arguments: list[str]) -> int:
    """Show the processes of a container."""
    query = {"ps_args": " ".join(arguments[1:]) or None}
    found = context.engine.get(f"/containers/{arguments[0]}/top", query)
    rows = [found["Titles"], *(found.get("Processes") or ())]
    for line in render(rows, narrowest=20):
        context.write(line)
    return 0


def port(context: Context, _options: Options, arguments: list[str]) -> int:
    """Show published ports, all or those of one container port."""
    found = context.engine.get(f"/containers/{arguments[0]}/json")
    ports = (found.get("NetworkSettings") or {}).get("Ports") or {}
    if len(arguments) == 1:
        lines = [
            f"{inside} -> {_address(binding)}"
            for inside, bindings in ports.items()
            for binding in bindings or ()
        ]
        for line in sorted(lines, key=lambda line: (int(line.partition("/")[0]), line)):
            context.write(line)
        return 0
    wanted = arguments[1] if "/" in arguments[1] else f"{arguments[1]}/tcp"
    if not ports.get(wanted):
        raise CommandError(f"no public port '{arguments[1]}' published for {arguments[0]}")
    for binding in ports[wanted]:
        context.write(_address(binding))
    return 0


def _address(binding: dict[str, str]) -> str:
    address = binding.get("HostIp") or "0.0.0.0"  # noqa: S104 - shown, not bound
    return (
        f"[{address}]:{binding['HostPort']}"
        if ":" in address
        else f"{address}:{binding['HostPort']}"
    )


def diff(context: Context, _options: Options, arguments: list[str]) -> int:
    """Show what a container has changed in its file system."""
    for change in context.engine.get(f"/containers/{arguments[0]}/changes") or ():
        context.write(f"{KINDS[change['Kind']]} {change['Path']}")
    return 0


def export(context: Context, options: Options, arguments: list[str]) -> int:
    """Write a container's file system as a tar archive."""
    target = options.text("output")
    if not target and os.isatty(1):
        raise CommandError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    reply = context.engine.open("GET", f"/containers/{arguments[0]}/export")
    if not target:
        for data in reply.chunks():
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    with open(target, "wb") as file:
        for data in reply.chunks():
            file.write(data)
    return 0


TOP = Command(
    "CONTAINER [ps OPTIONS]",
    "Display the running processes of a container",
    top,
    minimum=1,
    interspersed=False,
    examples="web -o pid,comm",
)
PORT = Command(
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    "List port mappings or a specific mapping for the container",
    port,
    minimum=1,
    maximum=2,
)
DIFF = Command(
    "CONTAINER",
    "Inspect changes to files or directories on a container's filesystem",
    diff,
    minimum=1,
    maximum=1,
)
EXPORT = Command(
    "[OPTIONS] CONTAINER",
    "Export a container's filesystem as a tar archive",
    export,
    flags=declare("-o --output string  Write to a file, instead of STDOUT"),
    minimum=1,
    maximum=1,
)
