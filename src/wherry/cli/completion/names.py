"""Names for completion: what the engine has now. Fast, and silent where there is no engine.

Whoever presses Tab waits for this: an engine that is far away or does not answer costs `SECONDS`,
once, and then there are no names.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from wherry.base.errors import DeadlineError, WherryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.command import Context

SECONDS = 1.5
STATES = {
    "@running": ["running", "paused", "restarting"],
    "@stopped": ["created", "exited"],
    "@paused": ["paused"],
}

Candidates = list[tuple[str, str]]


class _TooSlowError(DeadlineError):
    """The engine did not answer in time."""


def names(context: Context, kind: str) -> Candidates:
    """Return names of a kind with a word about each; nothing where they cannot be had."""
    if kind == "@environment":
        return [(name, "") for name in sorted(os.environ)]
    if kind == "@contexts":
        return _contexts()
    try:
        return _within(SECONDS, lambda: _ask(context, kind))
    except (WherryError, OSError, KeyError, TypeError):
        return []


def _ask(context: Context, kind: str) -> Candidates:
    get = context.engine.get
    if kind == "@images":
        return _images(get("/images/json"))
    if kind == "@networks":
        return sorted((entry["Name"], entry["Driver"]) for entry in get("/networks"))
    if kind == "@volumes":
        found = get("/volumes").get("Volumes") or ()
        return sorted((entry["Name"], entry["Driver"]) for entry in found)
    states = STATES.get(kind)
    filters = {"status": states} if states else None
    return _containers(get("/containers/json", {"all": True, "filters": filters}))


def _containers(found: list[dict[str, Any]]) -> Candidates:
    pairs = []
    for entry in found:
        own = [name[1:] for name in entry.get("Names") or () if name.count("/") == 1]
        pairs += [(name, f"{entry.get('Image', '')}, {entry.get('Status', '')}") for name in own]
    return sorted(pairs)


def _images(found: list[dict[str, Any]]) -> Candidates:
    names: set[str] = set()
    for entry in found:
        for tag in entry.get("RepoTags") or ():
            if tag != "<none>:<none>":
                names |= {tag, tag.removesuffix(":latest")}
    return [(name, "") for name in sorted(names)]


def _contexts() -> Candidates:
    try:
        from wherry.cli.contexts import store  # noqa: PLC0415 - only for contexts

        known = [(str(entry["Name"]), store.description(entry)) for entry in store.everything()]
        return [("default", ""), *sorted(entry for entry in known if entry[0] != "default")]
    except (WherryError, OSError):
        return []


def _within(seconds: float, work: Callable[[], Candidates]) -> Candidates:
    def end(_number: int, _frame: object) -> None:
        raise _TooSlowError(f"no answer within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
