"""`commit` and `import`: images out of containers and archives."""

from __future__ import annotations

import os
import sys

from wherry.cli.command import Command, Context
from wherry.cli.commands.images.archive import blocks, opened
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.options.references import split_reference
from wherry.cli.output.progress import Progress

COMMIT_FLAGS = declare("""
-a --author string  Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
-c --change list  Apply Dockerfile instruction to the created image
-m --message string  Commit message
-p --pause  Pause container during commit (default true)
""")
IMPORT_FLAGS = declare("""
-c --change list  Apply Dockerfile instruction to the created image
-m --message string  Set commit message for imported image
   --platform string  Set platform if server is multi-platform capable
""")


def commit(context: Context, options: Options, arguments: list[str]) -> int:
    """Make an image of a container's changes and print its id."""
    repository, tag = split_reference(arguments[1]) if len(arguments) > 1 else ("", "")
    query = {
        "container": arguments[0],
        "repo": repository or None,
        "tag": tag or None,
        "comment": options.text("message") or None,
        "author": options.text("author") or None,
        "changes": options.all("change"),
        "pause": 1 if options.flag("pause", default=True) else 0,
    }
    context.write(context.engine.post("/commit", query, {})["Id"])
    return 0


def import_(context: Context, options: Options, arguments: list[str]) -> int:
    """Make an image of the files in an archive."""
    source = arguments[0]
    repository, tag = split_reference(arguments[1]) if len(arguments) > 1 else ("", "")
    remote = source.startswith(("http://", "https://"))
    query = {
        "fromSrc": source if remote else "-",
        "repo": repository or None,
        "tag": tag or None,
        "message": options.text("message") or None,
        "platform": options.text("platform") or None,
        "changes": options.all("change"),
    }
    if source == "-" and os.isatty(0):
        raise CommandError("nothing to import: standard input is a terminal; name a file instead")
    if remote:
        messages = context.engine.events("POST", "/images/create", query)
        Progress(sys.stdout).show(messages)
        return 0
    with opened("" if source == "-" else source) as file:
        messages = context.engine.events("POST", "/images/create", query, data=blocks(file))
        Progress(sys.stdout).show(messages)
    return 0


COMMIT = Command(
    "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    "Create a new image from a container's changes",
    commit,
    flags=COMMIT_FLAGS,
    minimum=1,
    maximum=2,
    examples="""
    web site:1                                what web has changed, as an image
    -m "with curl" -c 'CMD ["sh"]' box tools
    """,
)
IMPORT = Command(
    "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    "Import the contents from a tarball to create a filesystem image",
    import_,
    flags=IMPORT_FLAGS,
    minimum=1,
    maximum=2,
    examples="""
    rootfs.tar debian:own
    -c 'CMD ["sh"]' - tools < rootfs.tar
    """,
)
