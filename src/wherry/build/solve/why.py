"""Says in one sentence why a step was cached or not, and which files changed: pure."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.base.values import dataclass
from wherry.build.solve.keys import Memory

HIT = "nothing that it depends on has changed"
NO_CACHE = "the cache was not to be used"
FIRST = "it has not been built here before"
GONE = "the cache does not have it any more"
BELOW = "what is below it has changed"
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Why:
    """`changed` has a line for each file: `+ path` new, `- path` gone, `~ path` changed."""

    text: str
    changed: tuple[str, ...] = ()


def missed(now: Memory, before: Memory | None) -> Why:
    """Return why the cache did not have a step whose inputs were once `before`."""
    if before is None:
        return Why(FIRST)
    if before.key == now.key:
        return Why(GONE)
    changed = changes(before.files, now.files)
    names = [n for n in _different(before.parts, now.parts) if n != "the content"]
    if changed:
        count = f"{len(changed)} file{'' if len(changed) == 1 else 's'} changed"
        return Why(_sentence([count, *names]), tuple(changed))
    if names:
        return Why(_sentence([f"{name} changed" for name in names[:_NAMED]]))
    if "the content" in _different(before.parts, now.parts):
        return Why("the files that it copies changed")
    return Why(BELOW)


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what happened to each file that is not as it was."""
    found = []
    for path in sorted({*before, *now}):
        if path not in before:
            found.append(f"+ {path}")
        elif path not in now:
            found.append(f"- {path}")
        elif before[path] != now[path]:
            found.append(f"~ {path}")
    return found


def _different(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [name for name in {**now, **before} if before.get(name) != now.get(name)]


def _sentence(parts: list[str]) -> str:
    return ", ".join(parts)
