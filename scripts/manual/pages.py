"""Which files there are, and what stands in each: name to text. Nothing is written here."""

from __future__ import annotations

from manual import docker, markdown, programs, roff, settings
from manual.entries import Entry, commands, groups
from wherry.cli.completion import daemon, shells

# Groups of commands that share a page; what is in no group is in commands.md.
TITLES = {
    "builder": "Builds", "completion": "Completion", "container": "Containers",
    "context": "Contexts", "image": "Images", "network": "Networks", "service": "The service",
    "system": "The engine", "tls": "Certificates", "volume": "Volumes",
}  # fmt: skip
# zsh of Debian looks in the first of its directories, zsh of Fedora and openSUSE in the second.
PLACES = {
    "usr/share/bash-completion/completions/{}": "bash",
    "usr/share/fish/vendor_completions.d/{}.fish": "fish",
    "usr/share/zsh/vendor-completions/_{}": "zsh",
    "usr/share/zsh/site-functions/_{}": "zsh",
}
BEGIN = "<!-- commands: made by `python scripts/reference.py docs` -->"
END = "<!-- end of commands -->"
INDEX = """\
# Reference

What every command, flag and setting does. These pages are made of the tables that the programs
use themselves; `COMMAND --help` and the manual pages say the same.
"""


def docs() -> dict[str, str]:
    """Return the pages of docs/reference."""
    made = {"wherry.md": _client(), "commands.md": _ungrouped()}
    for group, (summary, entries) in groups().items():
        title = TITLES.get(group, group.capitalize())
        own = [entry for entry in entries if _page_of(entry) == group]
        made[f"{group}.md"] = markdown.page(title, markdown.sentence(summary), own)
    made["registry.md"] = markdown.page(
        "wherry registry", "[registry.md](../registry.md) says how a registry is run.",
        programs.registry_commands(),
    )  # fmt: skip
    made["runtime.md"] = markdown.page(
        "wherry-runtime",
        "An OCI runtime as a command, for podman, containerd and people; its flags are runc's.",
        programs.runtime_commands(),
    )
    made["wherryd.md"] = settings.flags_page()
    made["settings.md"] = settings.settings_page()
    made["docker-commands.md"] = docker.full_page()
    return {"README.md": _index(made), **made}


def compatibility(text: str) -> str:
    """Return docs/compatibility.md with its table of commands made anew; the rest is by hand."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("docs/compatibility.md has lost the marks around its table")
    return f"{before}{BEGIN}\n{docker.summary()}\n{END}{after}"


def _page_of(entry: Entry) -> str:
    """Return the group on whose page a command is: that of its first name in a group."""
    grouped = [name for name in entry.names if " " in name]
    return grouped[0].partition(" ")[0] if grouped else ""


def _ungrouped() -> str:
    own = [e for e in commands() if not _page_of(e) and e.name != "registry"]
    return markdown.page("Commands outside of groups", "", own)


def _index(made: dict[str, str]) -> str:
    rows = []
    for name, text in made.items():
        title = text.partition("\n")[0].removeprefix("# ")
        rows.append(f"- [{title}]({name})")
    known = sorted((name, _page_of(entry) or "commands", entry.title)
                   for entry in commands() for name in entry.names)  # fmt: skip
    links = []
    for name, page, title in known:
        where = "registry" if name == "registry" else page
        links.append(f"[{name}]({where}.md#{markdown.anchor(title)})")
    text = [INDEX.rstrip(), markdown.NOTICE.rstrip(), "\n".join(rows), "## All commands"]
    return "\n\n".join([*text, " ·\n".join(links)]) + "\n"


def _client() -> str:
    entry = programs.client()
    parts = [
        "# wherry", markdown.NOTICE.rstrip(), markdown.sentence(entry.summary),
        f"```\n{entry.usage}\n```", markdown.options(entry.options),
    ]  # fmt: skip
    for title, rows in (
        ("Environment", programs.ENVIRONMENT),
        ("Files", programs.FILES),
        ("Exit statuses", programs.STATUSES),
    ):
        lines = [f"| `{name}` | {markdown.cell(text)} |" for name, text in rows]
        parts += [f"## {title}", "| | |\n|---|---|\n" + "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def man() -> dict[str, str]:
    """Return the manual pages, by their paths below a directory such as /usr/share/man."""
    source = roff.Source(programs.VERSION)
    made = {"man1/wherry.1": _manual_of_client(source)}
    for entry in commands():
        name = f"man1/wherry-{entry.name.replace(' ', '-')}.1"
        made[name] = roff.page(source, entry, _see(entry))
        for other in entry.names[1:]:
            made[f"man1/wherry-{other.replace(' ', '-')}.1"] = f".so {name}\n"
    for group, (summary, entries) in groups().items():
        made[f"man1/wherry-{group}.1"] = _manual_of_group(source, group, summary, entries)
    for entry in programs.registry_commands()[1:]:
        name = f"{entry.program}-{entry.name}".replace(" ", "-")
        made[f"man1/{name}.1"] = roff.page(source, entry, ["wherry-registry(1)"])
    made["man8/wherry-runtime.8"] = _manual_of_runtime(source)
    made["man8/wherryd.8"] = settings.manual(source)
    made["man5/wherry-daemon.json.5"] = settings.file_manual(source)
    return made


def _see(entry: Entry) -> list[str]:
    group = _page_of(entry)
    return ["wherry(1)", *([f"wherry-{group}(1)"] if group else [])]


def _manual_of_client(source: roff.Source) -> str:
    entry = programs.client()
    lines = roff.page(source, entry, []).rstrip("\n").split("\n")
    at = lines.index(".SH EXAMPLES")
    listed = [".SH COMMANDS"]
    for command in commands():
        listed += roff.definition(f"wherry {command.name}", command.summary)
    for title, rows in (
        ("ENVIRONMENT", programs.ENVIRONMENT),
        ("FILES", programs.FILES),
        ("EXIT STATUS", programs.STATUSES),
    ):
        listed.append(f".SH {title}")
        for name, text in rows:
            listed += roff.definition(name, text)
    pages = [f"wherry-{entry.name.replace(' ', '-')}(1)" for entry in commands()]
    see = roff.also([*pages, "wherryd(8)", "wherry-daemon.json(5)", "wherry-runtime(8)"])
    return "\n".join([*lines[:at], *listed, *lines[at:], *see]) + "\n"


def _manual_of_group(source: roff.Source, group: str, summary: str, entries: list[Entry]) -> str:
    lines = [
        source.head(f"wherry-{group}", 1), ".SH NAME",
        f"wherry\\-{roff.escape(group)} \\- {roff.escape(summary)}",
        ".SH SYNOPSIS", f"\\fBwherry {roff.escape(group)}\\fR COMMAND", ".SH COMMANDS",
    ]  # fmt: skip
    see = ["wherry(1)"]
    for entry in entries:
        name = next(name for name in entry.names if name.startswith(f"{group} "))
        lines += roff.definition(f"wherry {name}", entry.summary)
        see.append(f"wherry-{entry.name.replace(' ', '-')}(1)")
    return "\n".join([*lines, *roff.also(see)]) + "\n"


def _manual_of_runtime(source: roff.Source) -> str:
    top, *verbs = programs.runtime_commands()
    lines = roff.page(source, top, [], 8).rstrip("\n").split("\n")
    for verb in verbs:
        lines += [f".SH {verb.name.upper()}", f"\\fB{roff.escape(verb.usage)}\\fR", ".PP"]
        lines.append(roff.escape(markdown.sentence(verb.summary)))
        lines += roff.option_list(verb.options)[1:]
    return "\n".join([*lines, *roff.also(["wherryd(8)", "runc(8)"])]) + "\n"


def completions() -> dict[str, str]:
    """Return the scripts of shells, by the paths below / where packages put them."""
    flags = daemon.flags()
    made = {}
    for place, shell in PLACES.items():
        made[place.format("wherry")] = shells.script(shell, "wherry")
        made[place.format("wherryd")] = daemon.script(shell, flags, explained=True)
    return made


def docker_completions() -> dict[str, str]:
    """Return the scripts for the program by its name `docker`."""
    return {place.format("docker"): shells.script(shell, "docker")
            for place, shell in PLACES.items()}  # fmt: skip
