"""`save` and `load`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.output.progress import Progress

BLOCK = 1 << 20
SAVE_FLAGS = declare("""
-o --output string  Write to a file, instead of STDOUT
   --platform string  Save only the given platform variant
""")
LOAD_FLAGS = declare("""
-i --input string  Read from tar archive file, instead of STDIN
   --platform string  Load only the given platform variant
-q --quiet  Suppress the load output
""")


def save(context: Context, options: Options, arguments: list[str]) -> int:
    """Write images as one archive."""
    target = options.text("output")
    if not target and os.isatty(1):
        raise CommandError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    reply = context.engine.open("GET", "/images/get", {"names": arguments})
    if not target:
        for data in reply.chunks():
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    # Nobody shall find half an archive under the name that was asked for.
    partial = f"{target}.partial"
    try:
        with open(partial, "wb") as file:
            for data in reply.chunks():
                file.write(data)
        os.replace(partial, target)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
    return 0


def load(context: Context, options: Options, _arguments: list[str]) -> int:
    """Read images from an archive."""
    source = options.text("input")
    if not source and os.isatty(0):
        raise CommandError("requested load from stdin, but stdin is empty")
    query = {"quiet": options.flag("quiet") or not sys.stdout.isatty()}
    try:
        file = open(source, "rb") if source else sys.stdin.buffer
    except OSError as error:
        raise CommandError(f"open {source}: {(error.strerror or '').lower()}") from error
    with file:
        messages = context.engine.events(
            "POST", "/images/load", query, data=blocks(file),
            headers={"Content-Type": "application/x-tar"},
        )  # fmt: skip
        Progress(sys.stdout).show(messages)
    return 0


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file in pieces."""
    while data := file.read(BLOCK):
        yield data


SAVE = Command(
    "[OPTIONS] IMAGE [IMAGE...]",
    "Save one or more images to a tar archive (streamed to STDOUT by default)",
    save,
    flags=SAVE_FLAGS,
    minimum=1,
    examples="-o app.tar app:1.0",
)
LOAD = Command(
    "[OPTIONS]",
    "Load an image from a tar archive or STDIN",
    load,
    flags=LOAD_FLAGS,
    maximum=0,
    examples="-i app.tar",
)
