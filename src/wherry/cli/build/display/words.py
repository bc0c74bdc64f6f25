"""Words that all displays share: times, counts, what was made, findings, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wherry.cli.build.display.board import CACHED, ENDED, Board, Step
from wherry.cli.build.display.lines import shown

MOST_FILES = 10
_LAST_LINES = 20
_RULER = "------"
_MARKS = {"+": "new", "-": "gone", "~": "changed"}


def seconds(count: float) -> str:
    """Return a duration: `0.4s`, `2m05s`."""
    if count < 60:
        return f"{count:.1f}s"
    minutes, rest = divmod(int(count), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def totals(board: Board, elapsed: float) -> str:
    """Return the line that says how far the build is."""
    if not board.order:
        return f"[+] {seconds(elapsed)}"
    text = f"[+] {board.count(*ENDED)}/{len(board.order)} steps"
    if cached := board.count(CACHED):
        text += f", {cached} cached"
    return f"{text}, {seconds(elapsed)}"


def reasons(step: Step) -> Iterator[str]:
    """Yield why a step was cached or not, and which files made the difference."""
    if not step.why:
        return
    yield f"{'cached' if step.state == CACHED else 'not cached'}: {step.why}"
    for line in step.changed[:MOST_FILES]:
        mark, _, path = line.partition(" ")
        yield f"  {shown(path)} ({_MARKS[mark]})" if mark in _MARKS else f"  {shown(line)}"
    if len(step.changed) > MOST_FILES:
        yield f"  and {len(step.changed) - MOST_FILES} more"


def result(finished: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what has been made."""
    if finished is None or not finished.get("image"):
        return
    yield f"image {finished['image']}"
    for name in finished.get("names") or ():
        yield f"named {name}"


def warnings(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the checks have found, as docker lists it after a build."""
    if not found:
        return
    count = "1 warning" if len(found) == 1 else f"{len(found)} warnings"
    yield ""
    yield f" {count} found (use --check to expand):"
    for one in found:
        yield f" - {one.get('rule')}: {one.get('message')} (line {one.get('first')})"


def last_lines(step: Step) -> Iterator[str]:
    """Yield what a step that failed has written last."""
    yield _RULER
    yield f" > {step.name}:"
    for at, line in list(step.tail)[-_LAST_LINES:]:
        yield f"{at:.3f} {shown(line)}"
    yield _RULER
