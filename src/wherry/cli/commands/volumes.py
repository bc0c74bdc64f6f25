"""`volume`: create, ls, rm."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.commands.listing_flags import FILTER
from wherry.cli.each import for_each
from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.environment import pairs
from wherry.cli.options.values import filters
from wherry.cli.output.listing import Columns, Row, print_list
from wherry.cli.output.units import decimal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CREATE_FLAGS = declare("""
-d --driver string  Specify volume driver name (default "local")
   --label list  Set metadata for a volume
   --name string  Same as the argument
-o --opt map  Set driver specific options
""")
LS_FLAGS = declare("""
   --format string  Format output: 'table', 'table TEMPLATE', 'json', or a Go template
-q --quiet  Only display volume names
""")
COLUMNS = {
    "Name": "VOLUME NAME",
    "Driver": "DRIVER",
    "Scope": "SCOPE",
    "Mountpoint": "MOUNTPOINT",
    "Labels": "LABELS",
    "Links": "LINKS",
    "Size": "SIZE",
    "Status": "STATUS",
    "Availability": "AVAILABILITY",
    "Group": "GROUP",
}


def create(context: Context, options: Options, arguments: list[str]) -> int:
    """Create a volume and print its name."""
    if arguments and options.given("name"):
        raise UsageError(
            "conflicting options: cannot specify a volume-name through both --name and as a "
            "positional arg"
        )
    body = {
        "Name": arguments[0] if arguments else options.text("name"),
        "Driver": options.text("driver", "local"),
        "DriverOpts": pairs(options.all("opt")),
        "Labels": pairs(options.all("label")),
    }
    context.write(context.engine.post("/volumes/create", None, body)["Name"])
    return 0


def ls(context: Context, options: Options, _arguments: list[str]) -> int:
    """List volumes."""
    reply = context.engine.get("/volumes", {"filters": filters(options)})
    found = sorted(reply.get("Volumes") or (), key=lambda volume: volume["Name"])
    columns = Columns(COLUMNS, ["Driver", "Name"], identity="Name")
    print_list(context, [volume_row(volume) for volume in found], columns, options)
    return 0


def volume_row(volume: dict[str, Any]) -> Row:
    """Return what lists show of a volume."""
    labels = volume.get("Labels") or {}
    usage = volume.get("UsageData") or {}
    return {
        "Availability": "N/A",
        "Driver": volume["Driver"],
        "Group": "N/A",
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        "Links": str(usage["RefCount"]) if usage else "N/A",
        "Mountpoint": volume.get("Mountpoint", ""),
        "Name": volume["Name"],
        "Scope": volume.get("Scope", "local"),
        "Size": decimal_size(usage["Size"]) if usage else "N/A",
        "Status": "N/A",
        "Label": lambda name: labels.get(name, ""),
    }


def rm(context: Context, options: Options, arguments: list[str]) -> int:
    """Remove volumes."""
    query = {"force": options.flag("force")}

    def act(name: str) -> None:
        context.engine.delete(f"/volumes/{name}", query)

    return for_each(context, arguments, act)


CREATE = Command(
    "[OPTIONS] [VOLUME]", "Create a volume", create, flags=CREATE_FLAGS, maximum=1,
    examples="data                    use it with: wherry run -v data:/var/lib/data …",
)  # fmt: skip
LS = Command(
    "[OPTIONS]", "List volumes", ls, flags=(*FILTER, *LS_FLAGS), maximum=0,
    examples="--filter dangling=true  those that no container uses",
)  # fmt: skip
RM = Command(
    "[OPTIONS] VOLUME [VOLUME...]",
    "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
    rm,
    flags=declare("-f --force  Force the removal of one or more volumes"),
    minimum=1,
    examples="data",
)
