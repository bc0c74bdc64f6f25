"""`pull` and `push`, and the pull that `run` does for an image that is not there."""

from __future__ import annotations

import sys

from wherry.cli import credentials
from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError, UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.references import familiar_to_full, host_of, split_reference
from wherry.cli.output.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

PULL_FLAGS = declare("""
-a --all-tags  Download all tagged images in the repository
   --disable-content-trust  Accepted for compatibility; without effect
   --platform string  Set platform if server is multi-platform capable
-q --quiet  Suppress verbose output
""")
PUSH_FLAGS = declare("""
-a --all-tags  Push all tags of an image to the repository
   --disable-content-trust  Accepted for compatibility; without effect
-q --quiet  Suppress verbose output
""")


def pull(context: Context, options: Options, arguments: list[str]) -> int:
    """Download an image."""
    name, tag = split_reference(arguments[0])
    everything = options.flag("all-tags")
    if everything and tag:
        raise UsageError("tag can't be used with --all-tags/-a")
    quiet = options.flag("quiet")
    if not tag and not everything:
        tag = "latest"
        if not quiet:
            context.write("Using default tag: latest")
    platform = options.text("platform")
    fetch(context, name, tag, platform=platform, out=sys.stdout, quiet=quiet)
    context.write(familiar_to_full(name) + ("" if everything else _suffix(tag)))
    return 0


def fetch(
    context: Context, name: str, tag: str, *, platform: str, out: TextIO, quiet: bool = False
) -> None:
    """Have the engine pull and show its progress."""
    query = {"fromImage": name, "tag": tag or None, "platform": platform or None}
    headers = credentials.header(host_of(name))
    messages = context.engine.events("POST", "/images/create", query, headers=headers)
    Progress(out, quiet=quiet).show(messages)


def push(context: Context, options: Options, arguments: list[str]) -> int:
    """Upload an image."""
    name, tag = split_reference(arguments[0])
    everything, quiet = options.flag("all-tags"), options.flag("quiet")
    if everything and tag:
        raise UsageError("tag can't be used with --all-tags/-a")
    if "@" in arguments[0]:
        raise CommandError("cannot push a digest reference")
    if not tag and not everything:
        tag = "latest"
        if not quiet:
            context.write("Using default tag: latest")
    headers = credentials.header(host_of(name)) or {"X-Registry-Auth": "e30="}
    messages = context.engine.events(
        "POST", f"/images/{name}/push", {"tag": tag or None}, headers=headers
    )
    Progress(sys.stdout, quiet=quiet).show(messages)
    if quiet:
        context.write(familiar_to_full(name) + _suffix(tag))
    return 0


def _suffix(tag: str) -> str:
    return f"@{tag}" if tag.startswith("sha256:") else f":{tag}" if tag else ""


PULL = Command(
    "[OPTIONS] NAME[:TAG|@DIGEST]",
    "Download an image from a registry",
    pull,
    flags=PULL_FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    debian:12                      from Docker Hub
    localhost:5000/app             from a registry of your own
    """,
)
PUSH = Command(
    "[OPTIONS] NAME[:TAG]",
    "Upload an image to a registry",
    push,
    flags=PUSH_FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    localhost:5000/app:1.0
    --all-tags localhost:5000/app  every tag of it
    """,
)
