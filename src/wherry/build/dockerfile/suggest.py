"""What somebody may have meant who wrote a word that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_TOO_FAR: Final = 3
_LONGEST: Final = 64


def with_suggestion(
    message: str, word: str, known: Iterable[str], *, any_case: bool = False
) -> str:
    """Return a message that ends in `(did you mean WORD?)` if a known word is near.

    With `any_case` the case does not count, and the suggestion is written as the word was.
    """
    if len(word) > _LONGEST:
        return message
    sought = word.lower() if any_case else word
    nearest, least = "", _TOO_FAR
    for one in sorted(known):
        far = _distance(sought, one.lower() if any_case else one)
        if far == 0:
            return message
        if far < least:
            nearest, least = one, far
    if not nearest:
        return message
    return f"{message} (did you mean {_cased(nearest, word) if any_case else nearest}?)"


def _cased(text: str, example: str) -> str:
    if example == example.lower():
        return text.lower()
    return text.upper() if example == example.upper() else text


def _distance(left: str, right: str) -> int:
    """Levenshtein's: how many characters to put in, take out or replace."""
    row = list(range(len(right) + 1))
    for count, one in enumerate(left, 1):
        before, row[0] = row[0], count
        for place, other in enumerate(right, 1):
            kept = before + (one != other)
            before = row[place]
            row[place] = min(kept, before + 1, row[place - 1] + 1)
    return row[-1]
