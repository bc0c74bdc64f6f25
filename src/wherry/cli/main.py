"""The program `wherry`: finds the asked-for command, imports only that, and runs it.

Errors become one sentence and an exit status here and nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from wherry.base.errors import WherryError
from wherry.cli.command import UNLIMITED, Command, Context
from wherry.cli.errors import FAILED, CommandError, UsageError
from wherry.cli.flags import Flag, Options, declare, parse
from wherry.cli.table_of_commands import ALIASES, COMMON, GROUPS, OTHER, entries

GLOBAL_FLAGS = """
-H --host string  Engine to talk to
-D --debug  Show where in the program an error comes from
-v --version  Print version information and quit
-h --help  Print usage
"""

INTERRUPTED = 130
BROKEN_PIPE = 141


def main() -> None:
    """Run the program with the arguments of the process and end the process."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    sys.stderr.flush()
    # Nothing is left to do, and tearing the interpreter down costs milliseconds.
    os._exit(status)


def run(words: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    debug = False
    try:
        options, rest = parse(declare(GLOBAL_FLAGS), words, interspersed=False)
        debug = options.flag("debug")
        return _dispatch(options, rest)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return BROKEN_PIPE
    except WherryError as error:
        if debug:
            raise
        return _report(error)


def _dispatch(options: Options, words: list[str]) -> int:
    if options.flag("version"):
        from wherry import __version__  # noqa: PLC0415 - asked for rarely

        sys.stdout.write(f"wherry version {__version__}\n")
        return 0
    if not words or options.flag("help"):
        return _print_help(words)
    path, rest, where = _find(words)
    if not where:
        return _print_help(path.split() if path else [])
    command = _load(where)
    return _run_command(Context(_host(options)), command, path, rest)


def _host(options: Options) -> str:
    flag = options.text("host")
    environment = os.environ
    default = "unix:///run/wherry/wherry.sock"
    return flag or environment.get("WHERRY_HOST") or environment.get("DOCKER_HOST") or default


def _find(words: list[str]) -> tuple[str, list[str], str]:
    """Return the command's name as typed, the words behind it, and where it is."""
    name, *rest = words
    if name == "help":
        return " ".join(rest), [], ""
    if name in GROUPS:
        if not rest or rest[0] in ("--help", "-h"):
            return name, [], ""
        return _find_in(entries(GROUPS[name][1]), rest, f"{name} ")
    return _find_in(entries(COMMON) | entries(OTHER), words, "")


def _find_in(
    table: dict[str, tuple[str, str]], words: list[str], prefix: str
) -> tuple[str, list[str], str]:
    name, *rest = words
    entry = table.get(name) or (table.get(ALIASES.get(name, "")) if prefix else None)
    if entry is None:
        known = [*table, *(GROUPS if not prefix else ())]
        raise CommandError(_unknown(name, prefix, known))
    return f"{prefix}{name}", rest, entry[0]


def _unknown(name: str, prefix: str, known: list[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistyped command

    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean 'wherry {prefix}{close[0]}'?" if close else ""
    group = prefix or ""
    return f"wherry: '{group}{name}' is not a wherry command.{hint}\nSee 'wherry {group}--help'"


def _load(where: str) -> Command:
    module_name, _, attribute = where.partition(":")
    name = f"wherry.cli.commands.{module_name}"
    __import__(name)
    command: Command = getattr(sys.modules[name], attribute)
    return command


def _run_command(context: Context, command: Command, path: str, words: list[str]) -> int:
    taken = any(flag.short == "h" for flag in command.flags)
    flags = (*command.flags, Flag("help", "bool", "Print usage", "" if taken else "h"))
    try:
        options, arguments = parse(flags, words, interspersed=command.interspersed)
        if options.flag("help"):
            return _print_command_help(path, command)
        _check_count(command, path, arguments)
        return command.run(context, options, arguments)
    except UsageError as error:
        text = f"{error}\n\n{_usage(path, command)}"
        raise CommandError(text, max(command.status, FAILED)) from error
    except CommandError:
        raise
    except WherryError as error:
        if command.status == FAILED:
            raise
        text = f"wherry: {_sentence(error)}\n\nRun 'wherry {path} --help' for more information"
        raise CommandError(text, command.status) from error


def _check_count(command: Command, path: str, arguments: list[str]) -> None:
    count = len(arguments)
    if command.minimum <= count and command.maximum in (UNLIMITED, max(count, command.maximum)):
        return
    if command.minimum == command.maximum:
        wanted = f"{command.minimum} argument{'' if command.minimum == 1 else 's'}"
    elif count < command.minimum:
        wanted = f"at least {command.minimum} argument{'' if command.minimum == 1 else 's'}"
    else:
        wanted = f"at most {command.maximum} argument{'' if command.maximum == 1 else 's'}"
    verb = "accepts no arguments" if command.maximum == 0 else f"requires {wanted}"
    raise CommandError(
        f"wherry: 'wherry {path}' {verb}\n\nUsage:  wherry {path} {command.usage}\n\n"
        f"See 'wherry {path} --help' for more information"
    )


def _usage(path: str, command: Command) -> str:
    return (
        f"Usage:  wherry {path} {command.usage}\n\nRun 'wherry {path} --help' for more information"
    )


def _print_help(words: list[str]) -> int:
    from wherry.cli import help as texts  # noqa: PLC0415 - only when asked for

    if not words:
        sys.stdout.write(texts.overview() + "\n")
    elif len(words) == 1 and words[0] in GROUPS:
        sys.stdout.write(texts.of_group(words[0]) + "\n")
    else:
        path, _, where = _find(words)
        return _print_command_help(path, _load(where))
    return 0


def _print_command_help(path: str, command: Command) -> int:
    from wherry.cli.help import of_command  # noqa: PLC0415 - only when asked for

    sys.stdout.write(of_command(path, command) + "\n")
    return 0


def _sentence(error: WherryError) -> str:
    from wherry.client.errors import ApiError, UnreachableError  # noqa: PLC0415 - on errors only

    if isinstance(error, ApiError):
        return f"Error response from daemon: {error.message}"
    if isinstance(error, UnreachableError):
        return (
            f"Cannot connect to the wherry engine at {error.address} ({error.reason}). "
            "Is it running? Start it with: wherryd"
        )
    return str(error)


def _report(error: WherryError) -> int:
    sys.stdout.flush()
    text = _sentence(error)
    if text:
        sys.stderr.write(f"{text}\n")
    return error.status if isinstance(error, CommandError) else FAILED


def _silence() -> None:
    """Give the interpreter somewhere to flush to when the reader of our output has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
