"""`prune` of containers, images, networks, volumes, and of all that is unused.

The build cache has commands of its own, in `builds.cache`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Flag, Options, declare
from wherry.cli.options.values import filters
from wherry.cli.output.units import decimal_size

COMMON = declare("""
   --filter filter  Provide filter values (e.g. "until=<timestamp>")
-f --force  Do not prompt for confirmation
""")
ALL_IMAGES = declare("-a --all  Remove all unused images, not just dangling ones")
ALL_VOLUMES = declare("-a --all  Remove all unused volumes, not just anonymous ones")
SYSTEM_FLAGS = declare("""
-a --all  Remove all unused images not just dangling ones
   --volumes  Prune anonymous volumes
""")
Verb = Callable[[Context, Options, list[str]], int]
RECLAIMED = "Total reclaimed space: "


def confirm(options: Options, warning: str) -> None:
    """Ask, unless --force; a no ends the command, silently and with status 0, as docker's does."""
    if options.flag("force"):
        return
    sys.stdout.write(f"WARNING! {warning}\nAre you sure you want to continue? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("", status=0)


def containers(context: Context, options: Options, _arguments: list[str]) -> int:
    """Remove stopped containers."""
    confirm(options, "This will remove all stopped containers.")
    _finish(context, _containers(context, options))
    return 0


def images(context: Context, options: Options, _arguments: list[str]) -> int:
    """Remove unused images."""
    everything = options.flag("all")
    if everything:
        confirm(
            options,
            "This will remove all images without at least one container associated to them.",
        )
    else:
        confirm(options, "This will remove all dangling images.")
    _finish(context, _images(context, options, everything=everything))
    return 0


def networks(context: Context, options: Options, _arguments: list[str]) -> int:
    """Remove unused networks."""
    confirm(options, "This will remove all custom networks not used by at least one container.")
    _networks(context, options)
    return 0


def volumes(context: Context, options: Options, _arguments: list[str]) -> int:
    """Remove unused volumes."""
    everything = options.flag("all")
    kind = "all" if everything else "anonymous"
    confirm(options, f"This will remove {kind} local volumes not used by at least one container.")
    _finish(context, _volumes(context, options, everything=everything))
    return 0


def system(context: Context, options: Options, _arguments: list[str]) -> int:
    """Remove all that is unused."""
    everything = options.flag("all")
    lines = [
        "  - all stopped containers",
        "  - all networks not used by at least one container",
        "  - all images without at least one container associated to them"
        if everything
        else "  - all dangling images",
        "  - all build cache" if everything else "  - unused build cache",
    ]
    if options.flag("volumes"):
        lines.insert(2, "  - all anonymous volumes not used by at least one container")
    confirm(options, "This will remove:\n" + "\n".join(lines) + "\n")
    total = _containers(context, options)
    _networks(context, options)
    if options.flag("volumes"):
        total += _volumes(context, options, everything=False)
    total += _images(context, options, everything=everything)
    total += _builds(context, options, everything=everything)
    _finish(context, total)
    return 0


def _containers(context: Context, options: Options) -> int:
    query = {"filters": filters(options)}
    reply = context.engine.post("/containers/prune", query)
    _deleted(context, "Deleted Containers:", reply.get("ContainersDeleted"))
    return int(reply.get("SpaceReclaimed") or 0)


def _images(context: Context, options: Options, *, everything: bool) -> int:
    wanted = filters(options)
    wanted["dangling"] = ["false" if everything else "true"]
    reply = context.engine.post("/images/prune", {"filters": wanted})
    entries = reply.get("ImagesDeleted") or ()
    words = [
        f"untagged: {entry['Untagged']}"
        if entry.get("Untagged")
        else f"deleted: {entry['Deleted']}"
        for entry in entries
    ]
    _deleted(context, "Deleted Images:", words)
    return int(reply.get("SpaceReclaimed") or 0)


def _networks(context: Context, options: Options) -> None:
    query = {"filters": filters(options)}
    reply = context.engine.post("/networks/prune", query)
    _deleted(context, "Deleted Networks:", reply.get("NetworksDeleted"))


def _volumes(context: Context, options: Options, *, everything: bool) -> int:
    wanted = filters(options)
    if everything:
        wanted["all"] = ["true"]
    reply = context.engine.post("/volumes/prune", {"filters": wanted})
    _deleted(context, "Deleted Volumes:", reply.get("VolumesDeleted"))
    return int(reply.get("SpaceReclaimed") or 0)


def _builds(context: Context, options: Options, *, everything: bool) -> int:
    from wherry.cli.commands.builds.cache import removed  # noqa: PLC0415 - it imports this module

    # Labels are of images; of filters only the age says something about a cache.
    until = {key: values for key, values in filters(options).items() if key == "until"}
    deleted, reclaimed = removed(context, {"all": everything, "filters": until})
    _deleted(context, "Deleted build cache objects:", deleted)
    return reclaimed


def _deleted(context: Context, title: str, names: list[str] | None) -> None:
    if names:
        context.write("\n".join([title, *names, ""]))


def _finish(context: Context, size: int) -> None:
    context.write(RECLAIMED + decimal_size(size))


def _command(summary: str, run: Verb, examples: str, flags: tuple[Flag, ...] = ()) -> Command:
    flags = (*flags, *COMMON)
    return Command("[OPTIONS]", summary, run, flags=flags, maximum=0, examples=examples)


CONTAINERS = _command(
    "Remove all stopped containers", containers, "--filter until=24h     if older than a day"
)
IMAGES = _command("Remove unused images", images, "-a          also those with a name", ALL_IMAGES)
NETWORKS = _command("Remove all unused networks", networks, "-f          without a question")
VOLUMES = _command(
    "Remove unused local volumes", volumes, "-a          also those with a name", ALL_VOLUMES
)
SYSTEM = _command(
    "Remove unused data",
    system,
    """
    -f                     without a question: for scripts
    -a --volumes           all that no container uses
    """,
    SYSTEM_FLAGS,
)
