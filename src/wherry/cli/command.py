"""What a command is, and what it is given to work with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from wherry.cli.endpoint import Choice, at
from wherry.cli.flags import Flag, Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from wherry.client.engine import EngineClient

UNLIMITED = -1


class Context:
    """The engine to talk to, found and connected when first used; an address is a choice too."""

    def __init__(self, choice: Choice | str, *, debug: bool = False) -> None:
        self.choice = at(choice) if isinstance(choice, str) else choice
        self.debug = debug
        self._engine: EngineClient | None = None

    @property
    def name(self) -> str:
        """The name of the context in use."""
        return self.choice.context

    @property
    def host(self) -> str:
        """The engine's address; raises CommandError when the context cannot be used."""
        return self.choice.endpoint.host

    @property
    def engine(self) -> EngineClient:
        """The engine's client; raises CommandError when the context cannot be used."""
        if self._engine is None:
            from wherry.client.engine import EngineClient  # noqa: PLC0415 - --help needs none

            found = self.choice.endpoint
            self._engine = EngineClient(found.host, found.identity)
        return self._engine

    def write(self, text: str) -> None:
        """Print a line of the answer."""
        sys.stdout.write(f"{text}\n")

    def flush(self) -> None:
        """Let the user see now what was written."""
        sys.stdout.flush()

    def warn(self, text: str) -> None:
        """Print a line for the user, beside the answer."""
        sys.stdout.flush()
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class Command:
    """A command: `run` takes the context, the options and the arguments, and returns the status."""

    __slots__ = (
        "examples", "flags", "interspersed", "maximum", "minimum", "misuse", "run", "status",
        "summary", "usage",
    )  # fmt: skip

    def __init__(
        self,
        usage: str,
        summary: str,
        run: Callable[[Context, Options, list[str]], int],
        *,
        flags: Sequence[Flag] = (),
        minimum: int = 0,
        maximum: int = UNLIMITED,
        interspersed: bool = True,
        examples: str = "",
        status: int = 1,
        misuse: int = 1,
    ) -> None:
        self.usage = usage
        self.summary = summary
        self.run = run
        self.flags = flags
        self.minimum = minimum
        self.maximum = maximum
        self.interspersed = interspersed
        self.examples = examples
        self.status = status  # when the engine refuses
        self.misuse = misuse  # when the arguments make no sense


def colours(stream: TextIO | None = None) -> bool:
    """Whether colours may be used (https://no-color.org), on standard output if nothing is said."""
    environment = os.environ
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return (stream or sys.stdout).isatty()


def bold(text: str) -> str:
    """Return text that a terminal shows in bold."""
    return f"\x1b[1m{text}\x1b[0m"
