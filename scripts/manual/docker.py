"""What of docker's own client works: `docs/compatibility/docker-28.toml`, read and written down.

`Row` is what the file says of one command; `summary` is the part of docs/compatibility.md that is
made of it, `full_page` the page with every flag.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from manual import markdown

TABLE = Path(__file__).resolve().parents[2] / "docs" / "compatibility" / "docker-28.toml"
NAMES, YES, PARTLY, NO, WHY, FLAGS = "names", "yes", "partly", "no", "why", "flags"
INTRODUCTION = """\
`yes`: as with dockerd. What is not `yes` has its reason. The table is checked against the client
itself (`tests/compat/test_command_table.py`)."""
KEYS = {NAMES, YES, PARTLY, NO, WHY, FLAGS}


class TableError(ValueError):
    """The table contradicts itself; the message names the command."""


@dataclass(frozen=True, slots=True)
class Row:
    """A command of docker: its names, and what is said of its flags."""

    names: tuple[str, ...]
    why: str
    yes: tuple[str, ...]
    partly: Mapping[str, str]
    no: Mapping[str, str]

    @property
    def answer(self) -> str:
        """Return yes, partly or no."""
        if self.why:
            return NO
        return PARTLY if self.partly or self.no else YES

    @property
    def flags(self) -> set[str]:
        """Return the names of all flags."""
        return {*self.yes, *self.partly, *self.no}


def rows(path: Path = TABLE) -> list[Row]:
    """Return what the file says; raises TableError."""
    return [_row(entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["commands"]]


def _row(entry: Mapping[str, Any]) -> Row:
    names = tuple(entry[NAMES])
    if set(entry) - KEYS:
        raise TableError(f"{names}: unknown keys {sorted(set(entry) - KEYS)}")
    if WHY in entry and {YES, PARTLY, NO} & set(entry):
        raise TableError(f"{names}: says why it is not there, and what works")
    refused = dict.fromkeys(entry.get(FLAGS, "").split(), entry.get(WHY, ""))
    row = Row(
        names, entry.get(WHY, ""), tuple(entry.get(YES, "").split()),
        entry.get(PARTLY, {}), entry.get(NO, {}) or refused,
    )  # fmt: skip
    if len(row.yes) + len(row.partly) + len(row.no) != len(row.flags):
        raise TableError(f"{names}: a flag is there twice")
    return row


def summary() -> str:
    """Return the part of docs/compatibility.md about commands."""
    known = [row for row in rows() if row.names != ("",)]
    whole = [row for row in known if row.answer == YES]
    table = ["| command | |\n|---|---|", f"\n| {_commands(whole)} | yes |"]
    partly = {_differences(row): [r for r in known if _differences(r) == _differences(row)]
              for row in known if row.answer == PARTLY}  # fmt: skip
    table.append(f"\n| {_commands(row for group in partly.values() for row in group)} | partly |")
    for why in dict.fromkeys(row.why for row in known if row.why):
        group = [row for row in known if row.why == why]
        table.append(f"\n| {_commands(group)} | no: {markdown.cell(why)} |")
    details = [f"- {_commands(group)}\n{text}" for text, group in partly.items()]
    return "\n\n".join(
        ["".join(table), "What is missing where it says partly:", "\n".join(details)]
    )


def _commands(found: Iterable[Row]) -> str:
    """Name commands, those of a group together: `network ls, rm`."""
    names: dict[str, list[str]] = {}
    for row in found:
        group, _, name = row.names[0].rpartition(" ")
        names.setdefault(group, []).append(name)
    return "; ".join(
        f"{group} {', '.join(sorted(own))}".strip() for group, own in sorted(names.items())
    )


def _differences(row: Row) -> str:
    """Return a line for each reason, with the flags that it is about."""
    texts: dict[tuple[str, str], list[str]] = {}
    for known, answer in ((row.partly, PARTLY), (row.no, NO)):
        for flag, text in known.items():
            texts.setdefault((answer, text), []).append(f"`--{flag}`")
    return "\n".join(
        f"  - {', '.join(flags)}: {answer}, {text}" for (answer, text), flags in texts.items()
    )


def full_page() -> str:
    """Return the page with every command and flag of docker's client."""
    parts = [
        "# The client of Docker 28 on wherry's engine", markdown.NOTICE.rstrip(),
        INTRODUCTION,
    ]  # fmt: skip
    for row in rows():
        title = f"docker {row.names[0]}".strip()
        parts.append(f"## {title}")
        if others := row.names[1:]:
            parts.append(f"Also: {', '.join(f'`docker {name}`' for name in others)}.")
        if row.why:
            parts.append(f"No: {row.why}.")
        elif row.flags:
            parts.append("| flag | | |\n|---|---|---|\n" + "\n".join(_flags(row)))
        else:
            parts.append("Yes; it has no flags.")
    return "\n\n".join(parts) + "\n"


def _flags(row: Row) -> Iterable[str]:
    for flag in sorted(row.flags):
        answer = YES if flag in row.yes else PARTLY if flag in row.partly else NO
        text = row.partly.get(flag) or row.no.get(flag) or ""
        yield f"| `--{flag}` | {answer} | {markdown.cell(text)} |"
