"""What was probably meant by a mistyped word. Pure; imported only when something is mistyped.

Edit distance with neighbours swapped counted as one slip: `imgaes` is one away from `images`.
difflib would call `start` close to `stats`, which does something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MOST = 3
# What people type who know other tools, or forget which group a command is in.
MEANINGS = {
    "bash": "exec", "clean": "system prune", "cleanup": "system prune", "containers": "ps",
    "delete": "rm", "enter": "exec", "purge": "system prune", "sh": "exec", "shell": "exec",
    "ssh": "exec", "status": "ps", "list": "ps", "networks": "network ls", "remove": "rm",
    "volumes": "volume ls", "contexts": "context ls",
}  # fmt: skip


def meant(
    word: str, group: str, paths: Mapping[str, tuple[str, str]], groups: Iterable[str]
) -> list[str]:
    """Return the commands, or groups, that an unknown command may stand for; the likeliest first.

    `group` is the one that it was looked for in, or empty; `paths` are all commands by path, with
    where each is: of two names of one command the shorter is shown.
    """
    if group:
        own = [path.partition(" ")[2] for path in paths if path.startswith(f"{group} ")]
        if found := closest(word, own):
            return [f"{group} {found}"]
        if word in paths:
            return [word]
    if same := [path for path in paths if path.partition(" ")[2] == word]:
        return _shortest(sorted(same, key=lambda path: not path.startswith("system ")), paths)
    if (path := MEANINGS.get(word, "")) in paths:
        return [path]
    joined = {path.replace(" ", ""): path for path in paths if " " in path}
    bare = word.replace("-", "").replace("_", "")
    if bare in joined:
        return [joined[bare]]
    known = [path for path in paths if " " not in path]
    if found := closest(word, [*known, *groups, *MEANINGS]):
        return [MEANINGS.get(found, found)]
    return [joined[found]] if (found := closest(bare, joined)) else []


def _shortest(same: list[str], paths: Mapping[str, tuple[str, str]]) -> list[str]:
    places = {paths[path][0]: path for path in reversed(list(paths)) if " " not in path}
    found = dict.fromkeys(places.get(paths[path][0], path) for path in same)
    return sorted(found, key=lambda path: " " in path)[:MOST]


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
