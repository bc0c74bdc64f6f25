"""The way in: options from a command line and from the file that it names; flags go first.

A flag stands in for its key as a whole: a list of flags replaces the list in the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import wherry
from wherry.base.configuration.document import Document
from wherry.base.configuration.problems import ConfigurationError, Problem
from wherry.base.configuration.values import reason
from wherry.daemon.configuration.agreement import compare
from wherry.daemon.configuration.assemble import assemble
from wherry.daemon.configuration.document import MOST_BYTES, parse
from wherry.daemon.configuration.flags import Arguments
from wherry.daemon.configuration.flags import parse as parse_flags
from wherry.daemon.configuration.options import DEFAULT_FILE, Options
from wherry.daemon.configuration.read import read
from wherry.daemon.configuration.table.programs import HELP, VALIDATE, VERSION


def load(words: Sequence[str]) -> Options:
    """Return the options of a command line and of its file, DEFAULT_FILE unless it names one.

    Raises ConfigurationError with everything that is wrong, and SystemExit, with status 0, after
    it has shown what --help, --version or --validate ask for.
    """
    arguments = parse_flags(words)
    if HELP in arguments.asked:
        # Only for those who ask.
        from wherry.daemon.configuration.help import help_text  # noqa: PLC0415

        _show(help_text())
    if VERSION in arguments.asked:
        _show(f"wherryd {wherry.__version__}\n")
    options = from_arguments(arguments)
    if VALIDATE in arguments.asked:
        # Where dockerd says it, too.
        sys.stderr.write("".join(f"note: {note}\n" for note in options.notes))
        sys.stderr.write("configuration OK\n")
        raise SystemExit(0)
    return options


def _show(text: str) -> None:
    sys.stdout.write(text)
    raise SystemExit(0)


def from_arguments(arguments: Arguments) -> Options:
    """Return the options; raises ConfigurationError with everything that is wrong."""
    document = _document(arguments.config_file)
    for flag in arguments.flags:
        document.put(flag)
    found = read(document)
    compare(found)
    if document.problems:
        raise ConfigurationError(document.problems)
    return assemble(found.values, [*arguments.notes, *found.notes])


def _document(given: str | None) -> Document:
    name = os.path.abspath(given) if given else DEFAULT_FILE
    try:
        with open(name, "rb") as source:
            return parse(name, source.read(MOST_BYTES + 1))
    except FileNotFoundError:
        if given is None:
            return Document(name, {}, {})
        problem = Problem(name, "", "there is no such file: name another with --config-file")
        raise ConfigurationError([problem]) from None
    except OSError as error:
        raise ConfigurationError([Problem(name, "", f"cannot be read: {reason(error)}")]) from None
