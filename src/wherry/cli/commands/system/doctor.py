"""`doctor`: becomes the program that looks at the machine, which the client does not import."""

from __future__ import annotations

import os
import sys

from wherry.base.errors import WherryError
from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare

MODULE = "wherry.doctor"
DEFAULT_HOST = "unix:///run/wherry/wherry.sock"
FLAGS = declare("""
   --config-file string  Configuration file of the engine
   --data-root string  Data root of the engine
   --exec-root string  Exec root of the engine
   --format string  Format output: 'text' or 'json' (default "text")
   --list  List all checks, and do nothing
   --pidfile string  Pidfile of the engine
-q --quiet  Only show warnings and problems
""")
WORDS = ("config-file", "data-root", "exec-root", "format", "pidfile")


def doctor(context: Context, options: Options, arguments: list[str]) -> int:
    """Replace this process by the doctor's; does not return."""
    words = []
    for name in WORDS:
        if options.given(name):
            words += [f"--{name}", options.text(name)]
    words += [f"--{name}" for name in ("quiet", "list") if options.flag(name)]
    words += _host(context)
    sys.stdout.flush()
    # -P: a directory that somebody happens to be in is no place to import from.
    program = [sys.executable, "-P", "-m", MODULE, *words, "--", *arguments]
    os.execv(sys.executable, program)


def _host(context: Context) -> list[str]:
    """Return the words for the engine in use, none where the doctor is to find it itself."""
    try:
        host = context.host
    except WherryError as error:
        context.warn(f"WARNING: {error}")
        return []
    if host == DEFAULT_HOST:
        return []
    if host.startswith("unix://"):
        return ["--host", host]
    context.warn(f"WARNING: the doctor looks at this machine, not at that of {host}")
    return []


DOCTOR = Command(
    "[OPTIONS] [CHECK...]",
    "Look at the machine, say what is wrong and what mends it",
    doctor,
    flags=FLAGS,
    examples="""
        --quiet                       only what is wrong
        --format json                 for programs
        overlay disk-space            two checks
    """,
)
