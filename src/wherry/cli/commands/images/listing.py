"""`images` and `history`."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
from wherry.cli.commands.listing_flags import FILTER, FORMAT
from wherry.cli.flags import Options, declare
from wherry.cli.options.values import filters
from wherry.cli.output.listing import Columns, Row, print_list
from wherry.cli.output.units import ago, decimal_size, local_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NONE = "<none>"
ELASTIC = ("Repository", "CreatedSince", "Digest")
IMAGES_FLAGS = declare("""
-a  --all  Show all images (default hides intermediate images)
    --digests  Show digests
""")
IMAGE_COLUMNS = {
    "ID": "IMAGE ID",
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "Containers": "CONTAINERS",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
    "VirtualSize": "SIZE",
}
HISTORY_FLAGS = declare("""
    --format string  Format output: 'table', 'table TEMPLATE', 'json', or a Go template
-H  --human  Print sizes and dates in human readable format
    --no-trunc  Don't truncate output
-q  --quiet  Only show image IDs
""")
HISTORY_COLUMNS = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}


def images(context: Context, options: Options, arguments: list[str]) -> int:
    """List images."""
    wanted = filters(options)
    if arguments:
        wanted.setdefault("reference", []).append(arguments[0])
    query: dict[str, Any] = {"all": options.flag("all"), "filters": wanted}
    found = context.engine.get("/images/json", query)
    template = options.text("format")
    each = options.flag("digests")
    digests = each or "{{.Digest}}" in template
    whole = options.flag("no-trunc")
    now = time.time()
    rows = [
        row
        for image in sorted(found, key=lambda image: -int(image["Created"]))
        for row in image_rows(image, now, whole=whole, digests=digests, each=each)
    ]
    shown = ["Repository", "Tag", "ID", "CreatedSince", "Size"]
    if digests:
        shown.insert(2, "Digest")
    print_list(context, rows, Columns(IMAGE_COLUMNS, shown, ELASTIC), options)
    return 0


def image_rows(
    image: dict[str, Any], now: float, *, whole: bool, digests: bool = False, each: bool = False
) -> list[Row]:
    """Return a row per tag, and one for what has digests only.

    `digests`: show them beside the tags; `each`: a row for every digest, also without a tag.
    """
    names = _names(image, digests=digests, each=each)
    identity = image["Id"]
    common = {
        "Containers": _count(image.get("Containers", -1)),
        "CreatedAt": local_time(image.get("Created") or 0),
        "CreatedSince": ago(image.get("Created") or 0, now),
        "ID": identity if whole else identity.partition(":")[2][:12],
        "SharedSize": _size_or_unknown(image.get("SharedSize", -1)),
        "Size": decimal_size(image["Size"], 3),
        "UniqueSize": _unique(image),
        "VirtualSize": decimal_size(image["Size"]),
    }
    return [
        {**common, "Repository": repository, "Tag": tag, "Digest": digest}
        for repository, tag, digest in names or [(NONE, NONE, NONE)]
    ]


def _names(image: dict[str, Any], *, digests: bool, each: bool) -> list[tuple[str, str, str]]:
    """Return (repository, tag, digest) of all rows."""
    tags: dict[str, list[str]] = {}
    known: dict[str, list[str]] = {}
    for texts, found in ((image.get("RepoTags"), tags), (image.get("RepoDigests"), known)):
        for repository, rest in map(split, texts or ()):
            if repository != NONE:
                found.setdefault(repository, []).append(rest)
    names = [
        (repository, tag, digest)
        for repository, own in tags.items()
        for tag in own
        for digest in (known.get(repository) if digests else None) or [NONE]
    ]
    for repository, own in known.items():
        if repository not in tags:
            names += [(repository, NONE, digest) for digest in (own if each else [""])]
    return names


def split(text: str) -> tuple[str, str]:
    """Separate `repository:tag` or `repository@digest`."""
    name, at, digest = text.partition("@")
    if at:
        return name, digest
    repository, colon, tag = text.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (text, NONE)


def history(context: Context, options: Options, arguments: list[str]) -> int:
    """Show the layers' history of an image."""
    entries = context.engine.get(f"/images/{arguments[0]}/history")
    whole, human = options.flag("no-trunc"), options.flag("human", default=True)
    rows = [_history_row(entry, time.time(), whole=whole, human=human) for entry in entries]
    shown = ["ID", "CreatedSince" if human else "CreatedAt", "CreatedBy", "Size", "Comment"]
    columns = Columns(HISTORY_COLUMNS, shown, ("CreatedBy", "Comment", "CreatedSince"))
    print_list(context, rows, columns, options)
    return 0


def _history_row(entry: dict[str, Any], now: float, *, whole: bool, human: bool) -> Row:
    identity = entry.get("Id") or "<missing>"
    command = (entry.get("CreatedBy") or "").replace("\t", " ")
    if not whole:
        identity = identity.removeprefix("sha256:")[:12]
        command = command if len(command) <= 45 else command[:44] + "…"
    created = entry.get("Created") or 0
    size = entry.get("Size") or 0
    return {
        "Comment": entry.get("Comment") or "",
        "CreatedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created)),
        "CreatedBy": command,
        "CreatedSince": ago(created, now),
        "ID": identity,
        "Size": decimal_size(size, 3) if human else str(size),
    }


def _unique(image: dict[str, Any]) -> str:
    shared = image.get("SharedSize", -1)
    return "N/A" if shared < 0 else decimal_size(image["Size"] - shared, 3)


def _count(value: int) -> str:
    return "N/A" if value < 0 else str(value)


def _size_or_unknown(value: int) -> str:
    return "N/A" if value < 0 else decimal_size(value, 3)


IMAGES = Command(
    "[OPTIONS] [REPOSITORY[:TAG]]",
    "List images",
    images,
    flags=(*IMAGES_FLAGS, *FILTER, *FORMAT),
    maximum=1,
    examples="""
    debian                               tags of one repository
    --format '{{.Repository}}:{{.Tag}}'   names only
    """,
)
HISTORY = Command(
    "[OPTIONS] IMAGE",
    "Show the history of an image",
    history,
    flags=HISTORY_FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    debian                               its layers, and what made each
    --no-trunc --format '{{.CreatedBy}}' debian
    """,
)
