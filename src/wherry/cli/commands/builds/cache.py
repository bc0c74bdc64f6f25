"""`builder prune` and `builder du`: what builds have left for the next ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from wherry.cli.command import Command, Context
from wherry.cli.commands.prune import confirm
from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.numbers import size
from wherry.cli.options.values import filters
from wherry.cli.output.listing import Columns, Row, print_list
from wherry.cli.output.units import ago, decimal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PRUNE_FLAGS = declare("""
-a --all  Remove all unused build cache, not just dangling ones
   --builder string  There is one builder: default
   --filter filter  Provide filter values (e.g. "until=24h")
-f --force  Do not prompt for confirmation
   --keep-storage bytes  Same as --reserved-space
   --max-used-space bytes  Maximum amount of disk space allowed to keep for cache
   --min-free-space bytes  Target amount of free disk space after pruning
   --reserved-space bytes  Amount of disk space always allowed to keep for cache
   --verbose  Accepted for compatibility; without effect
""")
DU_FLAGS = declare("""
   --builder string  There is one builder: default
   --filter filter  Filter by id, type, description, inuse, shared, private
   --format string  Format output: 'table', 'table TEMPLATE', 'json', or a Go template
   --no-trunc  Don't truncate output
-q --quiet  Only display IDs
   --verbose  Same as --format with all that is known of each
""")
HEADINGS = {
    "ID": "ID",
    "Type": "TYPE",
    "Description": "DESCRIPTION",
    "InUse": "IN USE",
    "Shared": "SHARED",
    "Reclaimable": "RECLAIMABLE",
    "Size": "SIZE",
    "CreatedAt": "CREATED AT",
    "CreatedSince": "CREATED",
    "LastUsedAt": "LAST USED AT",
    "LastUsedSince": "LAST ACCESSED",
    "UsageCount": "USAGE",
    "Parents": "PARENTS",
}
# `system df -v` has headings of its own for the same rows.
IN_SYSTEM = {
    **HEADINGS,
    "ID": "CACHE ID",
    "Type": "CACHE TYPE",
    "LastUsedSince": "LAST USED",
}
SHOWN_IN_SYSTEM = ("ID", "Type", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared")
SHOWN = ("ID", "Reclaimable", "Size", "LastUsedSince", "Description")
VERBOSE = (
    "ID", "Type", "Description", "Reclaimable", "Shared", "Size", "CreatedSince", "LastUsedSince",
    "UsageCount",
)  # fmt: skip
SPACES = ("reserved-space", "max-used-space", "min-free-space")
SHORT = 12
_BOOLEANS = ("inuse", "shared", "private")


def prune(context: Context, options: Options, _arguments: list[str]) -> int:
    """Remove build cache and say how much that was."""
    _check_builder(options)
    kind = "all" if options.flag("all") else "all dangling"
    confirm(options, f"This will remove {kind} build cache.")
    deleted, reclaimed = removed(context, query_of(options))
    if deleted:
        context.write("\n".join(["Deleted build cache objects:", *deleted, ""]))
    context.write(f"Total:\t{decimal_size(reclaimed)}")
    return 0


def removed(context: Context, query: Mapping[str, Any]) -> tuple[list[str], int]:
    """Have the engine prune; returns ids, and the bytes that are free now."""
    reply = context.engine.post("/build/prune", query) or {}
    return list(reply.get("CachesDeleted") or ()), int(reply.get("SpaceReclaimed") or 0)


def query_of(options: Options) -> dict[str, Any]:
    """Return the query of POST /build/prune, in docker's names."""
    query: dict[str, Any] = {"all": options.flag("all"), "filters": filters(options)}
    for name in SPACES:
        if options.given(name):
            query[name] = options.read(name, size)
    if options.given("keep-storage"):
        # Both spellings: engines of docker before API 1.48 know the older one only.
        kept = options.read("keep-storage", size)
        query["keep-storage"] = kept
        query.setdefault("reserved-space", kept)
    return query


def du(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show what is in the cache, and how much it is."""
    _check_builder(options)
    entries = context.engine.get("/system/df", {"type": ["build-cache"]}).get("BuildCache") or []
    wanted = filters(options)
    entries = [entry for entry in entries if _matches(entry, wanted)]
    whole = options.flag("no-trunc") or options.text("format") == "json"
    rows = cache_rows(entries, time.time(), whole=whole)
    shown = VERBOSE if options.flag("verbose") else SHOWN
    print_list(context, rows, Columns(HEADINGS, shown, ("Description",)), options)
    if options.text("format") in ("", "table") and not options.flag("quiet"):
        _totals(context, entries)
    return 0


def _totals(context: Context, entries: Sequence[Mapping[str, Any]]) -> None:
    sums = {
        "Shared": _sum(entries, lambda entry: bool(entry.get("Shared"))),
        "Private": _sum(entries, lambda entry: not entry.get("Shared")),
        "Reclaimable": _sum(entries, lambda entry: not entry.get("InUse")),
        "Total": _sum(entries, bool),
    }
    context.write("")
    for name, count in sums.items():
        if name != "Shared" or count:
            context.write(f"{name + ':':<13} {decimal_size(count)}")


def _sum(entries: Sequence[Mapping[str, Any]], wanted: Callable[[Mapping[str, Any]], bool]) -> int:
    return sum(int(entry.get("Size") or 0) for entry in entries if wanted(entry))


def cache_rows(entries: Sequence[Mapping[str, Any]], now: float, *, whole: bool) -> list[Row]:
    """Return the rows of a list, what was used last first."""
    ordered = sorted(entries, key=lambda entry: str(entry.get("LastUsedAt") or ""), reverse=True)
    return [_row(entry, now, whole=whole) for entry in ordered]


def _row(entry: Mapping[str, Any], now: float, *, whole: bool) -> Row:
    identity = str(entry.get("ID", "")).removeprefix("sha256:")
    used, created = entry.get("LastUsedAt") or "", str(entry.get("CreatedAt") or "")
    in_use = bool(entry.get("InUse"))
    return {
        "ID": (identity if whole else identity[:SHORT]) + ("*" if in_use else ""),
        "Type": str(entry.get("Type", "")),
        "Description": " ".join(str(entry.get("Description", "")).split()),
        "InUse": _word(in_use),
        "Shared": _word(entry.get("Shared")),
        "Reclaimable": _word(not in_use),
        "Size": decimal_size(int(entry.get("Size") or 0), 3),
        "CreatedAt": created,
        "CreatedSince": ago(_seconds(created), now) if created else "N/A",
        "LastUsedAt": str(used),
        "LastUsedSince": ago(_seconds(str(used)), now) if used else "N/A",
        "UsageCount": str(entry.get("UsageCount") or 0),
        "Parents": ", ".join(entry.get("Parents") or ()),
    }


def _word(value: object) -> str:
    return "true" if value else "false"


def _seconds(text: str) -> float:
    """Read a time of the API; 0 for one that makes no sense."""
    head, dot, rest = text.partition(".")
    if dot:  # nanoseconds are more digits than `fromisoformat` takes
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        text = head + rest[len(digits) :]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _matches(entry: Mapping[str, Any], wanted: Mapping[str, list[str]]) -> bool:
    for key, values in wanted.items():
        if key in _BOOLEANS:
            known = not entry.get("Shared") if key == "private" else entry.get(_field(key))
            if _word(known) not in [value.lower() or "true" for value in values]:
                return False
        elif key in ("id", "type", "description"):
            text = str(entry.get(_field(key), "")).removeprefix("sha256:")
            if not any(_found(key, value, text) for value in values):
                return False
        else:
            raise UsageError(f"invalid filter '{key}'")
    return True


def _field(key: str) -> str:
    return {"id": "ID", "inuse": "InUse"}.get(key, key.capitalize())


def _found(key: str, value: str, text: str) -> bool:
    if key == "id":
        return text.startswith(value.removeprefix("sha256:"))
    return value in text if key == "description" else value == text


def _check_builder(options: Options) -> None:
    if options.text("builder") not in ("", "default"):
        name = options.text("builder")
        raise UsageError(f"no builder {name!r} found: the engine is the only one")


PRUNE = Command(
    "[OPTIONS]",
    "Remove build cache",
    prune,
    flags=PRUNE_FLAGS,
    maximum=0,
    examples="""
    -f                            without a question
    -a --filter until=24h         what was not used for a day
    --reserved-space 5gb          keep the newest five gigabytes
    """,
)
DU = Command(
    "[OPTIONS]",
    "Show how much disk the build cache uses",
    du,
    flags=DU_FLAGS,
    maximum=0,
    examples="""
    --filter type=exec.cachemount
    --format '{{.ID}} {{.Size}} {{.Description}}'
    """,
)
