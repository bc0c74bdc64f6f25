"""`system df`: what lies on the disk, and what could be removed."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare
from wherry.cli.output.listing import Columns, Row, print_list
from wherry.cli.output.units import decimal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = declare("""
   --format string  Format output: 'table', 'json', or a Go template
-v --verbose  Show detailed information on space usage
""")
COLUMNS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
IMAGES = (
    "Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers",
)  # fmt: skip
CONTAINERS = (
    "ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names",
)  # fmt: skip
VOLUMES = ("Name", "Links", "Size")


def df(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show disk usage by kind."""
    found = context.engine.get("/system/df")
    if options.flag("verbose"):
        return _verbose(context, options, found)
    rows = [
        _images(found),
        _containers(found.get("Containers") or []),
        _volumes(found.get("Volumes") or []),
        _cache(found.get("BuildCache") or []),
    ]
    print_list(context, rows, Columns(COLUMNS, list(COLUMNS)), options)
    return 0


def _images(found: dict[str, Any]) -> Row:
    images = found.get("Images") or []
    total = found.get("LayersSize") or 0
    used = sum(
        image["Size"] - max(image.get("SharedSize") or 0, 0)
        for image in images
        if (image.get("Containers") or 0) > 0
    )
    active = sum((image.get("Containers") or 0) > 0 for image in images)
    return _row("Images", len(images), active, total, max(total - used, 0))


def _containers(containers: list[dict[str, Any]]) -> Row:
    active = [entry for entry in containers if entry.get("State") in ("running", "paused")]
    total = sum(entry.get("SizeRw") or 0 for entry in containers)
    used = sum(entry.get("SizeRw") or 0 for entry in active)
    return _row("Containers", len(containers), len(active), total, total - used)


def _volumes(volumes: list[dict[str, Any]]) -> Row:
    sizes = [(entry.get("UsageData") or {}) for entry in volumes]
    total = sum(max(usage.get("Size", 0), 0) for usage in sizes)
    used = sum(max(usage.get("Size", 0), 0) for usage in sizes if usage.get("RefCount", 0) > 0)
    active = sum(usage.get("RefCount", 0) > 0 for usage in sizes)
    return _row("Local Volumes", len(volumes), active, total, total - used)


def _cache(entries: list[dict[str, Any]]) -> Row:
    total = sum(entry.get("Size") or 0 for entry in entries)
    used = sum(entry.get("Size") or 0 for entry in entries if entry.get("InUse"))
    active = sum(bool(entry.get("InUse")) for entry in entries)
    row = dict(_row("Build Cache", len(entries), active, total, total - used))
    row["Reclaimable"] = decimal_size(total - used)
    return row


def _row(kind: str, count: int, active: int, total: int, free: int) -> Row:
    share = f" ({int(free * 100 / total)}%)" if total else ""
    return {
        "Active": str(active),
        "Reclaimable": decimal_size(free) + share,
        "Size": decimal_size(total),
        "TotalCount": str(count),
        "Type": kind,
    }


def _verbose(context: Context, options: Options, found: dict[str, Any]) -> int:
    """Show every object with its share of the disk."""
    from wherry.cli.commands.builds import cache  # noqa: PLC0415 - only with -v
    from wherry.cli.commands.containers import listing as ps  # noqa: PLC0415 - as above
    from wherry.cli.commands.images import listing as images  # noqa: PLC0415 - as above
    from wherry.cli.commands.volumes import COLUMNS as OF_VOLUMES  # noqa: PLC0415 - as above
    from wherry.cli.commands.volumes import volume_row  # noqa: PLC0415 - as above

    now = time.time()
    pictures = [
        row
        for image in found.get("Images") or ()
        for row in images.image_rows(image, now, whole=False)
    ]
    containers = [ps.row(entry, now, whole=False) for entry in found.get("Containers") or ()]
    volumes = [volume_row(volume) for volume in found.get("Volumes") or ()]
    kept = cache.cache_rows(found.get("BuildCache") or (), now, whole=False)
    template = options.text("format")
    if template not in ("", "table"):
        kinds = ("Images", "Containers", "Volumes", "BuildCache")
        rows_of = dict(zip(kinds, (pictures, containers, volumes, kept), strict=True))
        _templated(context, template, rows_of)
        return 0
    for title, rows, headings, shown in (
        ("Images", pictures, images.IMAGE_COLUMNS, IMAGES),
        ("Containers", containers, ps.HEADINGS, CONTAINERS),
        ("Local Volumes", volumes, OF_VOLUMES, VOLUMES),
    ):
        context.write(f"{title} space usage:\n")
        elastic = ("Repository", "Image", "Command")
        print_list(context, rows, Columns(headings, shown, elastic), options)
        context.write("")
    total = sum(entry.get("Size") or 0 for entry in found.get("BuildCache") or ())
    context.write(f"Build cache usage: {decimal_size(total)}\n")
    print_list(context, kept, Columns(cache.IN_SYSTEM, cache.SHOWN_IN_SYSTEM), options)
    return 0


def _templated(context: Context, template: str, rows_of: dict[str, list[Row]]) -> None:
    from wherry.cli.output.functions import Record, to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - as above

    record = Record(
        {
            kind: [{key: x for key, x in sorted(row.items()) if not callable(x)} for row in rows]
            for kind, rows in rows_of.items()
        }
    )
    context.write(to_json(record) if template == "json" else Template(template).render(record))


DF = Command(
    "[OPTIONS]",
    "Show disk usage",
    df,
    flags=FLAGS,
    maximum=0,
    examples="""
    -v                           every image, container and volume
    --format json
    """,
)
