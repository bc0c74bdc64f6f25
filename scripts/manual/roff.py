"""Manual pages, in the macros of man(7). Pure: name of the file to its text.

A page has the same bytes whenever it is made: it bears no date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from manual.entries import Entry, Option


@dataclass(frozen=True, slots=True)
class Source:
    """What stands in the corners of every page: `wherry 1.0`."""

    version: str

    def head(self, name: str, section: int) -> str:
        """Return the line that a page begins with."""
        return f'.TH "{_plain(name.upper())}" {section} "" "wherry {self.version}" "wherry"'


def page(source: Source, entry: Entry, see: Sequence[str], section: int = 1) -> str:
    """Return the page of a command."""
    name = entry.title.replace(" ", "-")
    lines = [source.head(name, section), ".SH NAME", f"{escape(name)} \\- {escape(entry.summary)}"]
    lines += [".SH SYNOPSIS", f"\\fB{escape(entry.title)}\\fR{_rest(entry)}"]
    others = [f"\\fB{escape(entry.program)} {escape(name)}\\fR" for name in entry.names[1:]]
    lines += [".SH DESCRIPTION", _sentence(entry.summary)]
    if others:
        lines += [".PP", f"Also: {', '.join(others)}."]
    if entry.details:
        lines += block(entry.details.split("\n"))
    lines += option_list(entry.options)
    lines += examples(entry.examples)
    lines += also(see)
    return "\n".join(lines) + "\n"


def option_list(options: Iterable[Option], title: str = "OPTIONS") -> list[str]:
    """Return the section of flags."""
    lines = []
    for option in options:
        names = ", ".join(f"\\fB{escape(name)}\\fR" for name in option.names)
        value = f" \\fI{escape(option.value)}\\fR" if option.value else ""
        lines += [".TP", f"{names}{value}", _sentence(option.help)]
    return [f".SH {title}", *lines] if lines else []


def examples(found: Sequence[tuple[str, str]]) -> list[str]:
    """Return the section of examples."""
    lines: list[str] = []
    for line, about in found:
        lines += [".PP", *([f"{_sentence(about[:1].upper() + about[1:])}"] if about else [])]
        lines += block([line])
    return [".SH EXAMPLES", *lines] if lines else []


def block(lines: Iterable[str]) -> list[str]:
    """Return lines that stay as they are."""
    return [".PP", ".RS 4", ".nf", *[escape(line) for line in lines], ".fi", ".RE"]


def also(names: Sequence[str]) -> list[str]:
    """Return the section that leads on; names are `wherry-ps(1)`."""
    if not names:
        return []
    linked = []
    for name in names:
        page_name, _, section = name.partition("(")
        linked.append(f"\\fB{escape(page_name)}\\fR({section}")
    return [".SH SEE ALSO", ", ".join(linked)]


def definition(term: str, text: str) -> list[str]:
    """Return a term and what it means."""
    return [".TP", f"\\fB{escape(term)}\\fR", _sentence(text)]


def escape(text: str) -> str:
    """Return text that roff prints as it is."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    safe = safe.replace("…", "...")
    return f"\\&{safe}" if safe.startswith((".", "\\(aq")) else safe


def _plain(text: str) -> str:
    return text.replace('"', "").replace("-", "\\-")


def _rest(entry: Entry) -> str:
    rest = entry.usage.removeprefix(entry.title).strip()
    return f" {escape(rest)}" if rest else ""


def _sentence(text: str) -> str:
    shown = escape(" ".join(text.split()))
    return shown if not shown or shown.endswith((".", ":", "!")) else f"{shown}."
