"""Pages about wherryd: its flags, its settings, wherryd(8) and wherry-daemon.json(5)."""

from __future__ import annotations

from collections.abc import Iterable

from manual import markdown, roff
from manual.entries import Option
from wherry.daemon.configuration import Row, reference

FILE = "/etc/wherry/daemon.json"
STATES = {"acts": "", "taken": "accepted; it changes nothing", "refused": "refused"}
EXAMPLES = (
    ("wherryd", "an engine on /run/wherry/wherry.sock"),
    ("wherryd --validate", "what is wrong with the file of settings?"),
    ("wherryd -H unix:///tmp/w.sock --data-root /tmp/w/data --exec-root /tmp/w/run",
     "a second engine beside the first"),
)  # fmt: skip
SIGNALS = (
    ("SIGTERM, SIGINT", "stop; containers go on"),
    ("SIGHUP", "read the file of settings and the certificates again"),
    ("SIGUSR1", "write what the engine is doing to its log"),
)
INTRODUCTION = f"""\
The engine. Every flag but those of the program itself is a key of [`{FILE}`](settings.md), too, and
goes before it."""
SYNTAX = """\
One JSON object. Comments (`//` and `#` to the end of the line) and a comma behind the last entry
are understood as well. A key that is not known is refused, with the nearest one that is; every
problem is reported, with file and line (`wherryd --validate`). A flag goes before the file."""


def flags_page() -> str:
    """Return the reference page of the program."""
    parts = [
        "# wherryd", markdown.NOTICE.rstrip(),
        INTRODUCTION,
        "```\nwherryd [OPTIONS]\n```",
    ]  # fmt: skip
    for section, found in _sections(row for row in reference() if row.flags):
        parts += [f"## {section}", markdown.options(map(_option, found))]
    parts += ["## Signals", "| | |\n|---|---|"]
    parts[-1] += "".join(f"\n| {name} | {markdown.cell(text)} |" for name, text in SIGNALS)
    return "\n\n".join(parts) + "\n"


def settings_page() -> str:
    """Return the reference page of the file."""
    parts = ["# Settings", markdown.NOTICE.rstrip(), f"`{FILE}`. {SYNTAX}"]
    for section, found in _sections(row for row in reference() if row.key):
        parts.append(f"## {section}")
        parts += [_setting(row) for row in found]
    return "\n\n".join(parts) + "\n"


def _setting(row: Row) -> str:
    facts = [row.form]
    if row.default:
        facts.append(f"default `{row.default}`")
    if row.flags:
        facts.append(", ".join(f"`{name}`" for name in row.flags))
    facts.append("SIGHUP applies it" if row.reloads else "")
    facts.append("" if row.docker else "wherry's own")
    facts.append(STATES[row.state])
    text = f"### `{row.key}`\n\n{'; '.join(filter(None, facts))}.\n\n{row.help}".rstrip()
    return f"{text}\n\n```\n{_example(row)}\n```" if row.example else text


def _example(row: Row) -> str:
    """Return the setting as it stands in the file, within what it is inside of."""
    *outer, last = row.key.split(".")
    text = f'"{last}": {row.example}'
    for key in reversed(outer):
        text = f'"{key}": {{{text}}}'
    return text


def _sections(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.section, []).append(row)
    return list(found.items())


def _option(row: Row) -> Option:
    text = row.help if row.state == "acts" else f"({STATES[row.state]}) {row.help}"
    again = " Repeatable." if row.repeatable and row.metavar else ""
    return Option(tuple(sorted(row.flags, key=len)), row.metavar, f"{text}{again}")


def manual(source: roff.Source) -> str:
    """Return wherryd(8)."""
    lines = [
        source.head("wherryd", 8), ".SH NAME", "wherryd \\- the wherry engine",
        ".SH SYNOPSIS", "\\fBwherryd\\fR [OPTIONS]", ".SH DESCRIPTION",
        "Serves the Docker Engine API: runs containers, and keeps images, networks and volumes.",
        "It needs root. Containers go on when it stops, and it finds them again.",
        ".PP", "Options are settings as well: see \\fBwherry\\-daemon.json\\fR(5).",
    ]  # fmt: skip
    for section, found in _sections(row for row in reference() if row.flags):
        if acting := [row for row in found if row.state == "acts"]:
            lines += roff.option_list(map(_option, acting), f"OPTIONS: {section.upper()}")
    lines.append(".SH SIGNALS")
    for name, text in SIGNALS:
        lines += roff.definition(name, text)
    lines.append(".SH FILES")
    for name, text in (
        (FILE, "settings"),
        ("/var/lib/wherry", "images, containers, volumes, the build cache"),
        ("/run/wherry", "sockets, and the state of what runs"),
    ):
        lines += roff.definition(name, text)
    lines += roff.examples(EXAMPLES)
    see = ["wherry(1)", "wherry-doctor(1)", "wherry-daemon.json(5)", "wherry-runtime(8)"]
    return "\n".join([*lines, *roff.also(see)]) + "\n"


def file_manual(source: roff.Source) -> str:
    """Return wherry-daemon.json(5)."""
    lines = [
        source.head("wherry-daemon.json", 5), ".SH NAME",
        "wherry\\-daemon.json \\- settings of the wherry engine",
        ".SH DESCRIPTION", f"\\fI{roff.escape(FILE)}\\fR.",
        roff.escape(" ".join(SYNTAX.replace("`", "").split())),
    ]  # fmt: skip
    for section, found in _sections(row for row in reference() if row.key):
        lines.append(f".SH {section.upper()}")
        for row in found:
            facts = [row.form, f"default {row.default}" if row.default else ""]
            facts += ["reloaded by SIGHUP" if row.reloads else "", STATES[row.state]]
            lines += roff.definition(row.key, f"({'; '.join(filter(None, facts))}) {row.help}")
            if row.example:
                lines += [".RS", ".nf", roff.escape(_example(row)), ".fi", ".RE"]
    return "\n".join([*lines, *roff.also(["wherryd(8)", "wherry(1)"])]) + "\n"
