"""The program `wherry`: finds the asked-for command, imports only that, and runs it.

Errors become one sentence and an exit status here and nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from wherry.base.errors import WherryError
from wherry.cli import endpoint, program
from wherry.cli.command import UNLIMITED, Command, Context
from wherry.cli.errors import FAILED, USAGE, CommandError, FlagError, UsageError
from wherry.cli.flags import Flag, Options, declare, parse
from wherry.cli.lookup import find, is_known
from wherry.cli.table_of_commands import GROUPS

GLOBAL_FLAGS = """
-H --host list  Engine to talk to
-D --debug  Show where in the program an error comes from
-l --log-level string  Accepted for compatibility; without effect
-v --version  Print version information and quit
-h --help  Print usage
   --config string  Where credentials and contexts are kept
"""
GLOBAL_FLAGS += endpoint.GLOBAL_FLAGS

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
        sys.stderr.write(f"{program.name()}: cannot write the output: {error.strerror}\n")
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
        return _dispatch(options, rest, words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _silence()
        return BROKEN_PIPE
    except FlagError as error:
        own = program.name()
        usage = f"Usage:  {own} [OPTIONS] COMMAND [ARG...]\n\nRun '{own} --help'"
        return _report(CommandError(f"{error}\n\n{usage} for more information", USAGE))
    except WherryError as error:
        if debug:
            raise
        return _report(error)
    except OSError as error:
        if debug:
            raise
        # Of the machine: no room on the disk, no permission for a file, standard output is closed.
        about = f"{error.filename}: " if error.filename else "cannot read or write: "
        return _report(CommandError(f"{program.name()}: {about}{error.strerror or error}"))


def _dispatch(options: Options, words: list[str], line: Sequence[str]) -> int:
    if options.flag("version"):
        sys.stdout.write(f"{program.version()}\n")
        return 0
    if options.given("config"):
        os.environ["DOCKER_CONFIG"] = options.text("config")
    if words and words[0] in ("__complete", "__completeNoDesc"):
        return _complete(words[0], words[1:])
    if not words or options.flag("help"):
        return _print_help(words, asked=options.flag("help"))
    if not is_known(words[0]):
        _run_elsewhere(options, words, line)
    path, rest, where = find(words)
    if not where:
        return _print_help(path.split(), asked=len(words) > 1)
    context = Context(endpoint.Choice(options, os.environ), debug=options.flag("debug"))
    return _run_command(context, _load(where), path, rest)


def _complete(asked: str, words: list[str]) -> int:
    """Answer a shell's script; what a mistyped line makes of it is nobody's error message."""
    from wherry.cli.completion.complete import complete  # noqa: PLC0415 - for shells

    flags = declare(GLOBAL_FLAGS)
    try:
        options, rest = parse(flags, words[:-1], interspersed=False)
    except FlagError:  # the value of the last one is what is being typed
        options, rest = Options(), []
    if rest and not is_known(rest[0]):
        _run_elsewhere(options, rest, [asked, *words])
    context = Context(endpoint.Choice(options, os.environ))
    return complete(context, asked, words, flags, _load)


def _run_elsewhere(options: Options, words: list[str], line: Sequence[str]) -> None:
    """Become the plugin that a command is of, if there is one; `line` are all words."""
    from wherry.cli import plugins  # noqa: PLC0415 - for what is no command of ours

    if path := plugins.find(words[0], plugins.directories(os.environ)):
        choice = endpoint.Choice(options, os.environ)
        plugins.run(plugins.load(words[0], path), line, choice.host_for_plugins())


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
        usage = f"Usage:  {program.name()} {path} {command.usage}"
        raise CommandError(f"{error}\n\n{usage}\n\n{_more(path)}", USAGE) from error
    except UsageError as error:
        raise _failure(path, str(error), command.misuse) from error
    except CommandError:
        raise
    except WherryError as error:
        raise _failure(path, _sentence(error), command.status) from error


def _failure(path: str, sentence: str, status: int) -> CommandError:
    """Return an error as docker words it: `run` and `create` name the program and the help."""
    text = sentence if status == FAILED else f"{program.name()}: {sentence}\n\n{_more(path)}"
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
    own = program.name()
    raise CommandError(
        f"{own}: '{own} {path}' {verb}\n\nUsage:  {own} {path} {command.usage}\n\n{_more(path)}"
    )


def _more(path: str) -> str:
    return f"Run '{program.name()} {path} --help' for more information"


def _print_help(words: list[str], *, asked: bool = True) -> int:
    """Print help; what nobody asked for goes beside the output."""
    from wherry.cli import help as texts  # noqa: PLC0415 - only when asked for

    out = sys.stdout if asked else sys.stderr
    if not words:
        out.write(texts.overview() + "\n")
    elif len(words) == 1 and words[0] in GROUPS:
        out.write(texts.of_group(words[0]) + "\n")
    else:
        path, _, where = find(words)
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
