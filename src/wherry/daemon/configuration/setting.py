"""What one setting is: the value of which the table is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from wherry.base.configuration.values import Kind
from wherry.base.values import dataclass

# The sections of what does not act.
TAKEN: Final = "Of Docker's, without effect"
REFUSED: Final = "Of Docker's, not supported"


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of value is written.

    name: for people, "a list of addresses". metavar: what stands behind a flag in its help.
    read: looks at what the file has and returns what Options has. from_words: what all that a
    flag was given, one word each time, would be in the file. switch: the flag needs no word.
    """

    name: str
    metavar: str
    read: Kind[Any]
    from_words: Callable[[Sequence[str]], Any]
    switch: bool = False
    several: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: what it is called, how it is written, and what it does.

    key: in the file, with dots where it stands inside another, "" where only a flag has it.
    default: as the file would say it. into: the field of Options, "" when it does not act; then
    `allows` tells the values that change nothing from those that are refused, and `reason` why.
    reloads: SIGHUP applies it. docker: dockerd has it, too.
    """

    key: str
    flags: tuple[str, ...]
    form: Form
    help: str
    section: str
    default: Any = ""
    example: Any = None
    into: str = ""
    reloads: bool = False
    docker: bool = True
    allows: Callable[[Any], bool] = bool
    reason: str = ""

    @property
    def acts(self) -> bool:
        """Tell whether it changes anything."""
        return bool(self.into)

    @property
    def state(self) -> Literal["acts", "taken", "refused"]:
        """Tell whether it acts, is taken without effect, or is refused but for empty values."""
        if self.acts:
            return "acts"
        return "refused" if self.section == REFUSED else "taken"

    @property
    def path(self) -> tuple[str, ...]:
        """Return the keys from the outside to the inside."""
        return tuple(self.key.split("."))
