"""`save` and `load`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.output.progress import Progress
from wherry.cli.terminal.session import STDOUT_FD, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from wherry.client.http import Response

BLOCK = 1 << 20
SAVE_FLAGS = declare("-o --output string  Write to a file, instead of STDOUT")
LOAD_FLAGS = declare("""
-i --input string  Read from tar archive file, instead of STDIN
-q --quiet  Suppress the load output
""")


def save(context: Context, options: Options, arguments: list[str]) -> int:
    """Write images as one archive."""
    target = options.text("output")
    if not target and os.isatty(1):
        raise CommandError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    folder = os.path.dirname(target) or "."
    if not os.path.isdir(folder):
        raise CommandError(f"failed to save image: invalid output path: {folder!r} does not exist")
    reply = context.engine.open("GET", "/images/get", {"names": arguments})
    if not target:
        for data in reply.chunks():
            write_all(STDOUT_FD, data)
        return 0
    if os.path.exists(target) and not os.path.isfile(target):
        _write(reply, target)  # a pipe or a device
        return 0
    # Nobody shall find half an archive under the name that was asked for.
    partial = f"{target}.{os.getpid()}.partial"
    try:
        _write(reply, partial)
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)
    return 0


def _write(reply: Response, path: str) -> None:
    with open(path, "wb", buffering=0) as file:
        for data in reply.chunks():
            write_all(file.fileno(), data)


def load(context: Context, options: Options, _arguments: list[str]) -> int:
    """Read images from an archive."""
    source = options.text("input")
    if not source and os.isatty(0):
        raise CommandError("requested load from stdin, but stdin is empty")
    query = {"quiet": options.flag("quiet") or not sys.stdout.isatty()}
    with opened(source) as file:
        messages = context.engine.events(
            "POST",
            "/images/load",
            query,
            data=blocks(file),
            headers={"Content-Type": "application/x-tar"},
        )
        Progress(sys.stdout).show(messages)
    return 0


def opened(source: str) -> BinaryIO:
    """Open an archive to read from; no name is standard input."""
    if not source:
        return sys.stdin.buffer
    try:
        return open(source, "rb")
    except OSError as error:
        raise CommandError(f"open {source}: {(error.strerror or '').lower()}") from error


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
    examples="""
    -o app.tar app:1.0 db:2         two images in one archive
    app:1.0 | gzip > app.tar.gz
    """,
)
LOAD = Command(
    "[OPTIONS]",
    "Load an image from a tar archive or STDIN",
    load,
    flags=LOAD_FLAGS,
    maximum=0,
    examples="""
    -i app.tar
    < app.tar.gz                    compressed or not
    """,
)
