"""`ps`: containers as a table, a template or ids."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
from wherry.cli.commands.listing_flags import FILTER, FORMAT
from wherry.cli.flags import Options, declare
from wherry.cli.output.listing import Columns, Row, print_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = declare("""
-a  --all  Show all containers (default shows just running)
-n  --last int  Show n last created containers (includes all states)
-l  --latest  Show the latest created container (includes all states)
-s  --size  Display total file sizes
""")
HEADINGS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "State": "STATE",
    "Ports": "PORTS",
    "Names": "NAMES",
    "Size": "SIZE",
    "Labels": "LABELS",
    "Mounts": "MOUNTS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Networks": "NETWORKS",
    "Platform": "PLATFORM",
}
BOTH = "WARNING: Ignoring custom format, because both --format and --quiet are set."
ELASTIC = ("Command", "Ports", "Image", "RunningFor", "Status")
SHOWN = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"]


def ps(context: Context, options: Options, _arguments: list[str]) -> int:
    """List containers."""
    from wherry.cli.options.values import filters  # noqa: PLC0415 - light, but rarely needed

    template = options.text("format")
    size = options.flag("size") or ".Size" in template or "json ." in template
    limit = 1 if options.flag("latest") else options.number("last", -1)
    query = {
        "all": options.flag("all") or limit > 0,
        "limit": limit if limit > 0 else None,
        "size": size,
        "filters": filters(options) if options.given("filter") else None,
    }
    found = context.engine.get("/containers/json", query)
    whole = options.flag("no-trunc")
    if options.flag("quiet"):
        if template:
            context.warn(BOTH)
        for entry in found:
            context.write(entry["Id"] if whole else entry["Id"][:12])
        return 0
    now = time.time()
    rows = [row(entry, now, whole=whole) for entry in found]
    columns = Columns(HEADINGS, [*SHOWN, "Size"] if size else SHOWN, ELASTIC)
    print_list(context, rows, columns, options)
    return 0


def row(entry: dict[str, Any], now: float, *, whole: bool) -> Row:
    """Return what the list shows of an entry of GET /containers/json."""
    from wherry.wire.human import human_duration  # noqa: PLC0415 - not needed with -q

    labels = entry.get("Labels") or {}
    names = [name.removeprefix("/") for name in entry.get("Names") or ()]
    own = [name for name in names if "/" not in name]
    mounts = [mount.get("Name") or mount.get("Source", "") for mount in entry.get("Mounts") or ()]
    volumes = sum(mount.get("Driver") == "local" for mount in entry.get("Mounts") or ())
    return {
        "Command": f'"{_cut(entry.get("Command", ""), 20, whole=whole)}"',
        "CreatedAt": _local_time(entry.get("Created") or 0),
        "ID": entry["Id"] if whole else entry["Id"][:12],
        "Image": _image(entry, whole=whole),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        "LocalVolumes": str(volumes),
        "Mounts": ",".join(_cut(name, 15, whole=whole) for name in mounts),
        "Names": ",".join(names if whole else own or names),
        "Networks": ",".join(sorted((entry.get("NetworkSettings") or {}).get("Networks") or {})),
        "Platform": None,
        "Ports": ports(entry.get("Ports") or []),
        "RunningFor": f"{human_duration(int((now - (entry.get('Created') or 0)) * 1e9))} ago",
        "Size": _sizes(entry),
        "State": entry.get("State", ""),
        "Status": entry.get("Status", ""),
        "Label": lambda name: labels.get(name, ""),
    }


def ports(published: list[dict[str, Any]]) -> str:
    """Join ports as docker does: runs of adjacent ports with the same address become ranges."""
    texts: list[str] = []
    run: tuple[str, str, int, int, int] | None = None

    def close() -> None:
        if run is not None:
            texts.append(_range(*run))

    for port in sorted(published, key=_order):
        address, kind = port.get("IP", ""), port.get("Type", "tcp")
        inside, outside = port["PrivatePort"], port.get("PublicPort", 0)
        if address and inside != outside:
            close()
            run = None
            texts.append(f"{_bracketed(address)}:{outside}->{inside}/{kind}")
        elif run is not None and run[:2] == (address, kind) and inside == run[3] + 1:
            run = (address, kind, run[2], inside, outside)
        else:
            close()
            run = (address, kind, inside, inside, outside)
    close()
    return ", ".join(texts)


def _order(port: dict[str, Any]) -> tuple[int, str, str, int]:
    return (
        port["PrivatePort"],
        port.get("IP", ""),
        port.get("Type", ""),
        port.get("PublicPort", 0),
    )


def _range(address: str, kind: str, first: int, last: int, _outside: int) -> str:
    inside = str(first) if first == last else f"{first}-{last}"
    return f"{_bracketed(address)}:{inside}->{inside}/{kind}" if address else f"{inside}/{kind}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _cut(text: str, length: int, *, whole: bool) -> str:
    return text if whole or len(text) <= length else text[: length - 1] + "…"


def _image(entry: dict[str, Any], *, whole: bool) -> str:
    name = str(entry.get("Image", "")) or "<no image>"
    if whole:
        return name
    identity = str(entry.get("ImageID", ""))
    if identity.partition(":")[2].startswith(name.partition(":")[2] or name) and len(name) > 40:
        return identity.partition(":")[2][:12]
    return name.partition("@")[0]


def _sizes(entry: dict[str, Any]) -> str:
    from wherry.cli.output.units import decimal_size  # noqa: PLC0415 - only when shown

    if "SizeRw" not in entry and "SizeRootFs" not in entry:
        return "0B"
    written = decimal_size(entry.get("SizeRw") or 0, 3)
    total = entry.get("SizeRootFs") or 0
    return f"{written} (virtual {decimal_size(total, 3)})" if total else written


def _local_time(seconds: int) -> str:
    local = time.localtime(seconds)
    return time.strftime("%Y-%m-%d %H:%M:%S %z ", local) + local.tm_zone


PS = Command(
    "[OPTIONS]",
    "List containers",
    ps,
    flags=(*FLAGS, *FILTER, *FORMAT),
    maximum=0,
    examples="""
    -a                                        also those that have stopped
    -q --filter label=app=web                 ids only, of one application
    --format 'table {{.Names}}\\t{{.Status}}'   two columns
    """,
)
