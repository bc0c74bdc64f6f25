"""How an answer looks: lines for people, JSON for programs, a table of checks for the manual."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import wherry
from wherry.base.values import dataclass
from wherry.doctor.check import Check
from wherry.doctor.finding import Finding, Level
from wherry.doctor.run import Result

_WORDS: Final = {
    Level.OK: "ok", Level.NOTE: "note", Level.WARNING: "warning", Level.PROBLEM: "problem",
}  # fmt: skip
_COLOURS: Final = {
    Level.OK: "\x1b[32m", Level.NOTE: "\x1b[36m", Level.WARNING: "\x1b[33m",
    Level.PROBLEM: "\x1b[1;31m",
}  # fmt: skip
_PLAIN: Final = "\x1b[0m"
_INDENT: Final = " " * 11


@dataclass(slots=True)
class Lines:
    """Lines for people. With `quiet`, only of what is wrong."""

    colours: bool
    quiet: bool
    group: str = ""

    def of(self, result: Result) -> list[str]:
        """Return the lines of one check, with a title where another group begins."""
        least = Level.WARNING if self.quiet else Level.OK
        chosen = [finding for finding in result.findings if finding.level >= least]
        lines = []
        if chosen and result.check.group != self.group:
            lines += ([""] if self.group else []) + [self._bold(result.check.group)]
            self.group = result.check.group
        for finding in chosen:
            lines += self._finding(result.check, finding)
        return lines

    def _finding(self, check: Check, finding: Finding) -> list[str]:
        word = self._coloured(finding.level, f"{_WORDS[finding.level]:<9}")
        lines = [f"  {word}{check.name}: {printable(finding.text)}"]
        if finding.effect:
            lines.append(f"{_INDENT}{printable(finding.effect)}")
        return lines + [f"{_INDENT}  {printable(command)}" for command in finding.mend]

    def _coloured(self, level: Level, text: str) -> str:
        return f"{_COLOURS[level]}{text}{_PLAIN}" if self.colours else text

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}{_PLAIN}" if self.colours else text


def summary(results: Sequence[Result]) -> str:
    """Return the last line: how many of what."""
    counts = Counter(worst(result) for result in results)
    words = [
        f"{counts[level]} {_WORDS[level]}{'s' if level and counts[level] != 1 else ''}"
        for level in Level
        if counts[level]
    ]
    number = f"{len(results)} check{'s' if len(results) != 1 else ''}"
    return f"{number}: {', '.join(words)}"


def worst(result: Result) -> Level:
    """Return the level of the worst finding of a check."""
    return max((finding.level for finding in result.findings), default=Level.OK)


def as_json(results: Sequence[Result], *, quiet: bool) -> str:
    """Return the whole answer as one JSON object."""
    least = Level.WARNING if quiet else Level.OK
    findings = [
        {
            "Check": result.check.name,
            "Group": result.check.group,
            "Level": _WORDS[finding.level],
            "Text": printable(finding.text),
            "Effect": printable(finding.effect),
            "Mend": list(finding.mend),
        }
        for result in results
        for finding in result.findings
        if finding.level >= least
    ]
    counts = Counter(worst(result) for result in results)
    return json.dumps(
        {
            "Version": wherry.__version__,
            "Checks": {_WORDS[level]: counts[level] for level in Level},
            "Findings": findings,
        },
        indent=2,
    )


def listing(checks: Iterable[Check]) -> str:
    """Return all checks as a table in Markdown, a section for each group."""
    lines: list[str] = []
    group = ""
    for check in checks:
        if check.group != group:
            lines += [""] if lines else []
            lines += [f"## {check.group}", "", "| check | what it looks at | needs root |"]
            lines.append("|---|---|---|")
            group = check.group
        lines.append(f"| `{check.name}` | {check.about} | {'yes' if check.root else ''} |")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Return a text in which nothing can move a terminal's cursor: names are anybody's (pure)."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
