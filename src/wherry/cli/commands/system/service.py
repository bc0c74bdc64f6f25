"""`service`: the engine as a service of the machine: install, uninstall, status."""

from __future__ import annotations

import os

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.service.machine import Machine

INSTALL_FLAGS = declare("""
   --docker  Be `docker` too: the command, /run/docker.sock and docker.service
   --force  Replace files that were changed, and run programs that others can change
   --now  Start it as well
   --root string  Install into the root of another machine or image (default "/")
""")
UNINSTALL_FLAGS = declare("""
   --purge  Remove data, configuration and logs as well
   --root string  Uninstall from the root of another machine or image (default "/")
""")
STATUS_FLAGS = declare("""
   --format string  Format output: 'json', or a Go template
   --root string  Look at the root of another machine or image (default "/")
""")

NOT_RUNNING = 3  # as the LSB has it for `status`
_FIELDS = (
    ("Installed", "Installed by"),
    ("Manager", "Manager"),
    ("Enabled", "Starts at boot"),
    ("Running", "Running"),
    ("Since", "Since"),
    ("Pid", "Process ID"),
    ("Socket", "Socket"),
    ("Containers", "Containers"),
    ("Version", "Version"),
    ("EngineVersion", "Engine's version"),
)


def install(context: Context, options: Options, _arguments: list[str]) -> int:
    """Install the service, saying what is done."""
    from wherry.service import install as verb  # noqa: PLC0415 - --help needs none

    machine = _machine(options)
    wanted = verb.Wanted(options.flag("docker"), options.flag("now"), options.flag("force"))
    for line in verb.install(machine, verb.programs_folder(), wanted):
        context.write(line)
    if not wanted.now and machine.is_live:
        started = "systemctl start wherry" if machine.has_systemd() else "/etc/init.d/wherry start"
        context.write(f"to start it: {started}")
    return 0


def uninstall(context: Context, options: Options, _arguments: list[str]) -> int:
    """Take the service away, saying what is done."""
    from wherry.service import install as verb  # noqa: PLC0415 - --help needs none
    from wherry.service.uninstall import uninstall as remove  # noqa: PLC0415 - as above

    machine, programs = _machine(options), verb.programs_folder()
    for line in remove(machine, programs, purge=options.flag("purge")):
        context.write(line)
    return 0


def _machine(options: Options) -> Machine:
    from wherry.service.machine import Machine  # noqa: PLC0415 - --help needs none

    root = os.path.realpath(options.text("root") or "/")
    if not os.path.isdir(root):
        raise CommandError(f"wherry: --root {root}: there is no such directory")
    if os.geteuid() != 0:
        raise CommandError("wherry: only root can change services: use sudo")
    return Machine(root)


def status(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show how the service is; the status is 0 when the engine runs, and 3 when it does not."""
    from wherry import __version__  # noqa: PLC0415 - as below
    from wherry.service import status as verb  # noqa: PLC0415 - --help needs none
    from wherry.service.install import programs_folder  # noqa: PLC0415 - as above
    from wherry.service.machine import Machine  # noqa: PLC0415 - as above

    machine = Machine(os.path.realpath(options.text("root") or "/"))
    found = verb.status(machine, programs_folder())
    about = verb.described(found, _engine(found.listening, found.socket), __version__)
    if template := options.text("format"):
        _templated(context, template, about)
    else:
        _print(context, about)
    return 0 if found.pid else NOT_RUNNING


def _engine(listening: bool, host: str) -> dict[str, Any] | None:
    """Ask the engine of the service, whichever engine the client talks to otherwise."""
    if not listening:
        return None
    from wherry.base.errors import WherryError  # noqa: PLC0415 - as below
    from wherry.client.engine import EngineClient  # noqa: PLC0415 - where there is one to ask

    try:
        engine = EngineClient(host)
        found: dict[str, Any] = {**engine.get("/info"), **engine.get("/version")}
    except (WherryError, OSError):
        return None  # somebody who may not, or it is just ending
    return found


def _print(context: Context, about: dict[str, Any]) -> None:
    from wherry.cli.output.units import local_time  # noqa: PLC0415 - as above

    shown = {**about, "Since": local_time(about["Since"]) if about["Since"] else ""}
    for key, title in _FIELDS:
        value = shown[key]
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if value not in (None, "", 0):
            context.write(f"{title + ':':18}{value}")
    if about["ChangedFiles"]:
        context.warn("changed since they were installed: " + ", ".join(about["ChangedFiles"]))
    if about["EngineVersion"] not in ("", about["Version"]):
        context.warn(
            f"the engine that runs is {about['EngineVersion']}, installed is {about['Version']}:"
            " restart the service; containers go on"
        )


def _templated(context: Context, template: str, about: dict[str, Any]) -> None:
    from wherry.cli.output.functions import Record, to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - as above

    record = Record(about)
    context.write(to_json(record) if template == "json" else Template(template).render(record))


INSTALL = Command(
    "[OPTIONS]",
    "Install the engine as a service that starts at boot, for systemd or init scripts",
    install,
    flags=INSTALL_FLAGS,
    maximum=0,
    examples="""
    --now                        and start it
    --docker --now               what asks for Docker finds wherry
    --root /mnt/image            into the image of a machine
    """,
)
UNINSTALL = Command(
    "[OPTIONS]",
    "Remove the service; ends nothing that runs and keeps data",
    uninstall,
    flags=UNINSTALL_FLAGS,
    maximum=0,
    examples="""
                                 containers and images stay
    --purge                      remove everything, once nothing runs
    """,
)
STATUS = Command(
    "[OPTIONS]",
    "Show whether the service is installed, starts at boot, and runs",
    status,
    flags=STATUS_FLAGS,
    maximum=0,
    examples="""
    --format json                for programs
    --format '{{.Running}}'      one value
    """,
)
