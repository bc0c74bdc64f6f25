"""`completion`: what teaches a shell what to offer on Tab."""

from __future__ import annotations

from collections.abc import Callable

from wherry.cli import program
from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare

FLAGS = declare("""
   --no-descriptions  Leave out the explanations of words
   --program string  Name of the program to complete: wherry, docker or wherryd
""")


def _printing(shell: str) -> Callable[[Context, Options, list[str]], int]:
    def run(context: Context, options: Options, _arguments: list[str]) -> int:
        from wherry.cli.completion import daemon, shells  # noqa: PLC0415 - --help needs none

        called = options.text("program") or program.name()
        explained = not options.flag("no-descriptions")
        if called == daemon.NAME:
            text = daemon.script(shell, daemon.flags(), explained=explained)
        else:
            text = shells.script(shell, called, explained=explained)
        context.write(text.rstrip("\n"))
        return 0

    return run


def _command(shell: str, examples: str) -> Command:
    return Command(
        "[OPTIONS]", f"Generate the autocompletion script for {shell}", _printing(shell),
        flags=FLAGS, maximum=0, examples=examples,
    )  # fmt: skip


BASH = _command(
    "bash",
    """
    > /etc/bash_completion.d/wherry                          for everybody, from the next shell on
    --program wherryd > /etc/bash_completion.d/wherryd       and for the engine's own flags
    """,
)
ZSH = _command(
    "zsh",
    """
    > "${fpath[1]}/_wherry"                                  from the next shell on
    --program wherryd > "${fpath[1]}/_wherryd"               and for the engine's own flags
    """,
)
FISH = _command(
    "fish",
    """
    > ~/.config/fish/completions/wherry.fish                 from the next shell on
    | source                                                 in this shell
    """,
)
