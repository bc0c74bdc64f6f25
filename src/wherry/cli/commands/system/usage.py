"""`system df`: what lies on the disk, and what could be removed."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare
from wherry.cli.output.listing import Columns, Row, lines
from wherry.cli.output.units import decimal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = declare("   --format string  Format output: 'table', 'json', or a Go template")
COLUMNS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}


def df(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show disk usage by kind."""
    found = context.engine.get("/system/df")
    rows = [
        _images(found),
        _containers(found.get("Containers") or []),
        _volumes(found.get("Volumes") or []),
        _cache(found.get("BuildCache") or []),
    ]
    for line in lines(rows, Columns(COLUMNS, list(COLUMNS)), options.text("format")):
        context.write(line)
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


DF = Command("[OPTIONS]", "Show disk usage", df, flags=FLAGS, maximum=0)
