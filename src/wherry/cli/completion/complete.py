"""The hidden command `__complete WORDS…`: what a shell's script asks on Tab, in cobra's protocol.

One candidate a line, a tab and its explanation, then a colon and the directive. Standard error is
for people: what stands there no script reads.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from wherry.cli import plugins
from wherry.cli.completion.names import names
from wherry.cli.completion.words import Answer, answer
from wherry.cli.flags import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.cli.command import Command, Context

COMMANDS = ("__complete", "__completeNoDesc")


def complete(
    context: Context,
    asked: str,
    words: Sequence[str],
    globals_: Sequence[Flag],
    load: Callable[[str], Command],
) -> int:
    """Print what can stand at the last of `words`."""
    found = answer(words, globals_, load, lambda kind: names(context, kind))
    if len(words) <= 1:
        _add_plugins(found, words[0] if words else "")
    explained = asked == COMMANDS[0]
    lines = [
        f"{word}\t{_line(about)}" if explained and about else word
        for word, about in found.candidates
    ]
    sys.stdout.write("".join(f"{line}\n" for line in [*lines, f":{found.directive}"]))
    return 0


def _add_plugins(found: Answer, typed: str) -> None:
    import os  # noqa: PLC0415 - for the first word only

    if typed.startswith("-"):
        return
    there = plugins.names(plugins.directories(os.environ))
    known = {word for word, _ in found.candidates}
    extra = [(name, path) for name, path in there.items() if name.startswith(typed)]
    found.candidates += [entry for entry in sorted(extra) if entry[0] not in known]


def _line(text: str) -> str:
    return " ".join(text.split("\n", maxsplit=1)[0].split())
