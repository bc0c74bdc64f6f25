"""`context export` and `import`: a context as one file, in docker's form, for another machine."""

from __future__ import annotations

import os
import sys

from wherry.cli.command import Command, Context
from wherry.cli.commands.context_changes import check_new
from wherry.cli.contexts import archive, settings, store
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options

STANDARD = "-"


def export(context: Context, _options: Options, arguments: list[str]) -> int:
    """Write a context, with its key, to a file that is the user's alone."""
    name = arguments[0]
    content, files = settings.copy(name, context)
    data = archive.pack(content, files)
    target = arguments[1] if len(arguments) > 1 else f"{name}.dockercontext"
    if target == STANDARD:
        if sys.stdout.isatty():
            raise CommandError("cowardly refusing to export to a terminal, specify a file path")
        context.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"open {target}: {(error.strerror or '').lower()}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    context.warn(f'Written file "{target}"')
    return 0


def import_(context: Context, _options: Options, arguments: list[str]) -> int:
    """Make a context of a file."""
    name, source = arguments
    check_new(name)
    content, files = archive.unpack(_read(source), name)
    store.save(content, files)
    context.write(name)
    context.warn(f'Successfully imported context "{name}"')
    return 0


def _read(source: str) -> bytes:
    if source == STANDARD:
        return sys.stdin.buffer.read(archive.LARGEST + 1)
    try:
        with open(source, "rb") as file:
            return file.read(archive.LARGEST + 1)
    except OSError as error:
        raise CommandError(f"open {source}: {(error.strerror or '').lower()}") from error


EXPORT = Command(
    "CONTEXT [FILE|-]", "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    export, minimum=1, maximum=2,
    examples="far               writes far.dockercontext, which has its key: keep it to yourself",
)  # fmt: skip
IMPORT = Command(
    "CONTEXT FILE|-", "Import a context from a tar or zip file", import_, minimum=2, maximum=2,
    examples="far far.dockercontext",
)  # fmt: skip
