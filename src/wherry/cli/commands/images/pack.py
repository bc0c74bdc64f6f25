"""`image pack`: an image out of programs on the engine's machine, with what they need."""

from __future__ import annotations

import os
import sys

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare
from wherry.cli.options import environment, ports
from wherry.cli.output.progress import Progress

FLAGS = declare("""
   --cmd string  Default arguments, split as a shell does
   --entrypoint string  The program that runs, split as a shell does (default: the first path)
-e --env list  Set environment variables
   --expose list  Ports that the program listens on
   --include list  Also take this file or folder (SOURCE or SOURCE:TARGET)
-l --label list  Set metadata for the image
-p --publish list  Same as --expose
-q --quiet  Only print the image's ID
-u --user string  User that the program runs as
-w --workdir string  Working directory inside the container
""")


def pack(context: Context, options: Options, arguments: list[str]) -> int:
    """Make the image and print its id."""
    import shlex  # noqa: PLC0415 - imports re's machinery for one split

    name, *paths = arguments
    body = {
        "name": name,
        "paths": [_found(path) for path in paths],
        "entrypoint": shlex.split(options.text("entrypoint")) or None,
        "cmd": shlex.split(options.text("cmd")) or None,
        "env": environment.variables((), options.read_all("env", environment.variable), os.environ),
        "workdir": options.text("workdir"),
        "user": options.text("user"),
        "labels": environment.pairs(options.all("label")),
        "include": options.all("include"),
        "exposed": ports.exposed([*options.all("expose"), *options.all("publish")]),
    }
    quiet = options.flag("quiet")
    messages = context.engine.events("POST", "/wherry/images/pack", body=body)
    answers = Progress(sys.stdout, quiet=quiet).show(messages)
    if quiet and answers:
        context.write(answers[-1].get("ID", ""))
    return 0


def _found(path: str) -> str:
    """Return the absolute path of a program: a bare word is looked for as a shell does."""
    if "/" in path:
        return os.path.abspath(path)
    import shutil  # noqa: PLC0415 - only for bare words

    return shutil.which(path) or os.path.abspath(path)


PACK = Command(
    "[OPTIONS] NAME PATH [PATH...]",
    "Make an image from programs on this machine, with their libraries and data",
    pack,
    flags=FLAGS,
    minimum=2,
    examples="""
    tools /bin/bash /bin/ls                            two programs; bash is the entry point
    web /usr/bin/python3 --cmd '-m http.server 80'      a web server in a few megabytes
    """,
)
