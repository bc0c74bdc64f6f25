"""What is wrong with the settings, and where; all of it is told at once."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

# Keys from the outside to the inside, with the index of an element where a list is meant:
# `("access", "rule", 0, "pull")`.
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    place: `FILE:LINE`, or the flag that said it. key: as in the file, `access.rule[2].pull`, "" for
    the whole. line: for the order, 0 for flags, which are told first.
    """

    place: str
    key: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.key, self.message) if part)


class ConfigurationError(InvalidError):
    """The settings make no sense; a line for each thing that is wrong, in the order of lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(map(str, self.problems)))


def written(path: Path) -> str:
    """Return a path as people write it; elements are counted from 1."""
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f"[{part + 1}]"
        else:
            words += f".{part}" if words else part
    return words
