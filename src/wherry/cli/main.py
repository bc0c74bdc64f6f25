"""The program `wherry`: finds the asked-for command, imports only that, and runs it.

Errors become one sentence and an exit status here and nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from wherry.base.errors import WherryError
from wherry.cli.command import UNLIMITED, Command, Context
from wherry.cli.errors import FAILED, USAGE, CommandError, FlagError, UsageError
from wherry.cli.flags import Flag, Options, declare, parse
from wherry.cli.table_of_commands import ALIASES, GROUP_ALIASES, GROUPS, LATER, SECTIONS, entries

GLOBAL_FLAGS = """
-H --host string  Engine to talk to
-D --debug  Show where in the program an error comes from
-v --version  Print version information and quit
-h --help  Print usage
   --config string  Where credentials are kept
"""

INTERRUPTED = 130
BROKEN_PIPE = 141


def main() -> None:
    """Run the program with the arguments of the process and end the process."""
    _open_streams()
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    except OSError as error:
        sys.stderr.write(f"wherry: cannot write the output: {error.strerror}\n")
        status = status or FAILED
    try:
        sys.stderr.flush()
    except OSError:
        status = status or BROKEN_PIPE  # nobody reads what went wrong
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
    except FlagError as error:
        return _report(CommandError(f"{error}\n\nRun 'wherry --help' for more information", USAGE))
    except WherryError as error:
        if debug:
            raise
        return _report(error)
    except OSError as error:
        if debug:
            raise
        # Of the machine: no room on the disk, no permission for a file, standard output is closed.
        about = f"{error.filename}: " if error.filename else "cannot read or write: "
        return _report(CommandError(f"wherry: {about}{error.strerror or error}"))


def _dispatch(options: Options, words: list[str]) -> int:
    if options.flag("version"):
        from wherry import __version__  # noqa: PLC0415 - asked for rarely

        sys.stdout.write(f"wherry version {__version__}\n")
        return 0
    if not words or options.flag("help"):
        return _print_help(words, asked=options.flag("help"))
    if options.given("config"):
        os.environ["DOCKER_CONFIG"] = options.text("config")
    path, rest, where = _find(words)
    if not where:
        return _print_help(path.split(), asked=len(words) > 1)
    return _run_command(Context(_host(options)), _load(where), path, rest)


def _host(options: Options) -> str:
    flag = options.text("host")
    environment = os.environ
    default = "unix:///run/wherry/wherry.sock"
    return flag or environment.get("WHERRY_HOST") or environment.get("DOCKER_HOST") or default


def _find(words: list[str]) -> tuple[str, list[str], str]:
    """Return the command's name as typed, the words behind it, and where it is."""
    name, *rest = words
    if name == "build" and rest[:1] == ["prune"] and not os.path.isdir("prune"):
        name = "builder"  # nobody can mean a directory that is not there
    name = GROUP_ALIASES.get(name, name)
    words = [name, *rest]
    if name == "help":
        return " ".join(rest), [], ""
    if name in GROUPS:
        if not rest or rest[0] in ("--help", "-h"):
            return name, [], ""
        return _find_in(entries(GROUPS[name][1]), rest, f"{name} ")
    return _find_in(entries("".join(SECTIONS.values())), words, "")


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
    from wherry.cli.suggest import closest  # noqa: PLC0415 - only for a mistyped command

    if name in LATER:
        return f"wherry: the engine cannot do what 'docker {prefix}{name}' does yet"
    found = closest(name, known)
    hint = f"Did you mean 'wherry {prefix}{found}'?\n\n" if found else "\n"
    return (
        f"wherry: unknown command: wherry {prefix}{name}\n{hint}"
        f"Run 'wherry {prefix}--help' for more information"
    )


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
        if words == ["-h"]:  # also where -h means something else: alone it can only be a question
            return _print_command_help(path, command)
        options, arguments = parse(flags, words, interspersed=command.interspersed)
        if options.flag("help"):
            return _print_command_help(path, command)
        _check_count(command, path, arguments)
        return command.run(context, options, arguments)
    except FlagError as error:
        usage = f"Usage:  wherry {path} {command.usage}"
        raise CommandError(f"{error}\n\n{usage}\n\n{_more(path)}", USAGE) from error
    except UsageError as error:
        raise _failure(path, str(error), command.misuse) from error
    except CommandError:
        raise
    except WherryError as error:
        raise _failure(path, _sentence(error), command.status) from error


def _failure(path: str, sentence: str, status: int) -> CommandError:
    """Return an error as docker words it: `run` and `create` name the program and the help."""
    text = sentence if status == FAILED else f"wherry: {sentence}\n\n{_more(path)}"
    return CommandError(text, status)


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
        f"wherry: 'wherry {path}' {verb}\n\nUsage:  wherry {path} {command.usage}\n\n{_more(path)}"
    )


def _more(path: str) -> str:
    return f"Run 'wherry {path} --help' for more information"


def _print_help(words: list[str], *, asked: bool = True) -> int:
    """Print help; what nobody asked for goes beside the output."""
    from wherry.cli import help as texts  # noqa: PLC0415 - only when asked for

    out = sys.stdout if asked else sys.stderr
    if not words:
        out.write(texts.overview() + "\n")
    elif len(words) == 1 and words[0] in GROUPS:
        out.write(texts.of_group(words[0]) + "\n")
    else:
        path, _, where = _find(words)
        return _print_command_help(path, _load(where)) if where else _print_help(path.split())
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
            f"Cannot connect to the wherry engine at {error.address}: {error.reason.lower()}; "
            f"{error.way_out}"
        )
    return str(error)


def _report(error: WherryError) -> int:
    try:
        sys.stdout.flush()
    except OSError:
        _silence()
    text = _sentence(error)
    if text:
        sys.stderr.write(f"{text}\n")
    return error.status if isinstance(error, CommandError) else FAILED


def _open_streams() -> None:
    """Make sure that there is something to read and to write to, whatever the caller has closed.

    A socket that got the number of a closed standard stream would be taken for it.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for fd, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(fd, "w", encoding="utf-8", closefd=False))
        else:
            # Names and outputs are bytes to us; they leave as they came.
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _silence() -> None:
    """Give the interpreter somewhere to flush to when the reader of our output has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
