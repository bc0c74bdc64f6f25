"""The program of the registry: one command line, one exit status.

0: done. 1: it could not be done, or a check has found damage. 2: the command line or the settings
make no sense. Errors are words on standard error, `what: cause: way out`, and those of settings one
line each, which begins with file and line.

Only the module of the asked-for command is loaded.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import wherry
from wherry.base.configuration.problems import ConfigurationError
from wherry.base.errors import InvalidError, WherryError
from wherry.registry.server.commands.parser import PROGRAM, USAGE, Parser

FAILED = 1
INTERRUPTED = 130
BROKEN_PIPE = 141
# Name, module in commands/, what it does.
COMMANDS = {
    "serve": ("serve", "serve the registry"),
    "account": ("accounts", "people's accounts"),
    "robot": ("robots", "accounts for programs"),
    "collect": ("collect", "collect garbage now"),
    "check": ("check", "check that everything is there"),
    "repositories": ("repositories", "list the repositories"),
}
_EXAMPLES = """
  wherry registry serve --root ./images --listen 127.0.0.1:5000
  wherry registry account add ann --file ./htpasswd
  wherry registry robot create ci --scope 'team/*:pull,push'
  wherry registry collect
"""


def main(words: Sequence[str]) -> int:
    """Do what a command line says, and return the exit status."""
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone: there is nowhere to say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    return status


def _run(words: Sequence[str]) -> int:
    try:
        arguments = parser(words[0] if words else "").parse_args(words)
        arguments.words = list(words)
        status: int = arguments.run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except WherryError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return USAGE if isinstance(error, InvalidError) else FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{PROGRAM}: {about}{error.strerror or error}\n")
        return FAILED
    return status


def parser(wanted: str) -> Parser:
    """Return the parser of the command line, which knows the flags of the `wanted` command."""
    made = Parser(
        prog=PROGRAM,
        description="Keep and serve images for every client of the OCI distribution protocol.",
        examples=_EXAMPLES,
    )
    made.add_argument("--version", action="version", version=f"wherry {wherry.__version__}")
    commands = made.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == wanted:
            found = importlib.import_module(f"wherry.registry.server.commands.{module}")
            found.declare(command)
    return made
