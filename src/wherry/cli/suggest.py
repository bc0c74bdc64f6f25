"""The nearest known word to a mistyped one. Pure; imported only when something is mistyped.

Edit distance with neighbours swapped counted as one slip: `imgaes` is one away from `images`.
difflib would call `start` close to `stats`, which does something else.
"""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or nothing."""
    candidates = tuple(known)
    limit = 1 if len(word) < 5 else 2
    best, least = "", limit + 1
    for candidate in candidates:
        if abs(len(candidate) - len(word)) >= least:
            continue
        slips = distance(word, candidate)
        if slips < least or (slips == least and best and candidate[:1] == word[:1] != best[:1]):
            best, least = candidate, slips
    if best:
        return best
    longer = [text for text in candidates if len(word) > 2 and text.startswith(word)]
    return longer[0] if len(longer) == 1 else ""


def distance(first: str, second: str) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours between two words."""
    before: list[int] = []
    last = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        row = [i]
        for j, other in enumerate(second, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
