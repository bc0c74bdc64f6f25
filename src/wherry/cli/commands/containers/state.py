"""What goes on in a container: top and port."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options
from wherry.cli.output.table import render


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
        raise CommandError(f"Error: No public port '{arguments[1]}' published for {arguments[0]}")
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


TOP = Command(
    "CONTAINER [ps OPTIONS]",
    "Display the running processes of a container",
    top,
    minimum=1,
    interspersed=False,
    examples="""
    web                  processes with their ids on this machine
    web -o pid,comm      other columns, as ps knows them
    """,
)
PORT = Command(
    "CONTAINER [PRIVATE_PORT[/PROTO]]",
    "List port mappings or a specific mapping for the container",
    port,
    minimum=1,
    maximum=2,
    examples="""
    web                  every published port
    web 80               the address at which port 80 is reached
    """,
)
