"""Pages for docs/reference: plain Markdown, one page a group. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from manual.entries import Entry, Option

NOTICE = "<!-- Made by `python scripts/reference.py docs`; what is changed here is lost. -->\n"


def page(title: str, summary: str, entries: Sequence[Entry]) -> str:
    """Return a page: a list of the commands, then each of them."""
    parts = [f"# {title}", NOTICE.rstrip()]
    if summary:
        parts.append(summary)
    if len(entries) > 1:
        rows = [f"| [`{entry.title}`](#{anchor(entry.title)}) | {cell(entry.summary)} |"
                for entry in entries]  # fmt: skip
        parts.append("| command | |\n|---|---|\n" + "\n".join(rows))
    parts += [command(entry) for entry in entries]
    return "\n\n".join(parts) + "\n"


def command(entry: Entry) -> str:
    """Return the section of a command."""
    parts = [f"## {entry.title}", f"{sentence(entry.summary)}"]
    if entry.details:
        parts.append(f"```\n{entry.details}\n```")
    parts.append(f"```\n{entry.usage}\n```")
    others = [f"`{entry.program} {name}`" for name in entry.names[1:]]
    if others:
        parts.append(f"Also: {', '.join(others)}.")
    if entry.options:
        parts.append(options(entry.options))
    if entry.examples:
        parts.append("```\n" + "\n".join(_lines(entry.examples)) + "\n```")
    return "\n\n".join(parts)


def options(found: Iterable[Option]) -> str:
    """Return the table of flags."""
    rows = []
    for option in found:
        names = ", ".join(f"`{name}`" for name in option.names)
        value = f"`{option.value}`" if option.value else ""
        rows.append(f"| {names} | {cell(value)} | {cell(option.help)} |")
    return "| flag | value | |\n|---|---|---|\n" + "\n".join(rows)


def cell(text: str) -> str:
    """Return text that may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def sentence(text: str) -> str:
    """Return text that ends as a sentence does."""
    escaped = text.replace("<", "&lt;")
    return escaped if escaped.endswith((".", ":", "!")) else f"{escaped}."


def anchor(title: str) -> str:
    """Return the fragment under which Markdown's readers find a title."""
    kept = (letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return "".join(kept).replace(" ", "-")


def _lines(examples: Sequence[tuple[str, str]]) -> list[str]:
    width = min(max((len(line) for line, about in examples if about), default=0), 60)
    return [f"{line.ljust(width)}   # {about}" if about else line for line, about in examples]
