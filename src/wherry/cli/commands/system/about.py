"""`version`, and what the client says about itself, in docker's fields and words."""

from __future__ import annotations

import platform

from wherry import __version__
from wherry.base.errors import WherryError
from wherry.cli import program
from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.client.engine import API_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.output.template import Template

FLAGS = declare("-f --format string  Format output: 'json', or a Go template")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
# Go's names of fields, which templates use, and their keys in JSON.
NAMES = {"APIVersion": "ApiVersion"}
# What JSON leaves out where it is empty.
OF_CLIENT = {"GoVersion": "", "BuildTime": "", "Platform": None}
OF_SERVER = {"BuildTime": "", "Experimental": False, "GitCommit": "", "GoVersion": ""}
BAD_TEMPLATE = 64
WIDTH = 20


def client(context: Context) -> dict[str, str]:
    """Return what the client is; `ApiVersion` is for whoever has asked the engine."""
    own = program.name() == program.OWN
    return {
        "Version": __version__ if own else program.DOCKER_VERSION,
        "DefaultAPIVersion": API_VERSION,
        "GitCommit": program.OWN,
        **({"PythonVersion": platform.python_version()} if own else {"GoVersion": ""}),
        "Os": "linux",
        "Arch": MACHINES.get(platform.machine(), platform.machine()),
        "Context": context.name,
    }


def version(context: Context, options: Options, _arguments: list[str]) -> int:
    """Show the versions of client and engine."""
    template = parsed(options.text("format"))
    about = client(context)
    server: dict[str, Any] | None = None
    failure: WherryError | None = None
    try:
        server = _dated(context.engine.get("/version"))
        about["ApiVersion"] = context.engine.version
    except WherryError as error:
        failure = error
        about["ApiVersion"] = API_VERSION
    if template is not None:
        render(context, _described(about, server), template, failure)
    else:
        lines = [*_client_lines(about), *(["", *_server_lines(server)] if server else ())]
        context.write("\n".join(lines))
    if failure is not None:
        raise failure
    return 0


def _dated(server: dict[str, Any]) -> dict[str, Any]:
    """Give the engine's build its time as docker's client shows it, in templates as well."""
    for component in server.get("Components") or ():
        details = component.get("Details") or {}
        if component.get("Name") == "Engine" and details.get("BuildTime"):
            details["BuildTime"] = _built(details["BuildTime"])
    return server


def _built(text: str) -> str:
    """Return `2026-05-07T21:09:36Z` as `Thu May  7 21:09:36 2026`; other texts as they are."""
    import time  # noqa: PLC0415 - only for engines that say when they were built

    try:
        return time.asctime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return text


def _described(about: dict[str, str], server: dict[str, Any] | None) -> dict[str, Any]:
    from wherry.cli.output.struct import Struct  # noqa: PLC0415 - only with --format

    known = Struct(server, NAMES, OF_SERVER) if server else None
    return {"Client": Struct(about, NAMES, OF_CLIENT), "Server": known}


def parsed(text: str) -> Template | None:
    """Return the parsed `--format`, None without one; raises CommandError."""
    if not text:
        return None
    from wherry.cli.output.lexer import TemplateError  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - as above

    try:
        return Template("{{json .}}" if text == "json" else text, typed=True)
    except TemplateError as error:
        raise CommandError(str(error), BAD_TEMPLATE) from error


def render(
    context: Context, data: dict[str, Any], template: Template, failure: WherryError | None
) -> None:
    """Print what a template makes of the data; where the engine failed, that is the error."""
    from wherry.cli.output.lexer import TemplateError  # noqa: PLC0415 - only with --format

    try:
        context.write(template.render(data))
    except TemplateError as error:
        context.write("")
        if failure is None:
            raise CommandError(error.reason) from error


def _client_lines(about: dict[str, str]) -> list[str]:
    api = about["ApiVersion"]
    if api != about["DefaultAPIVersion"]:
        api += f" (downgraded from {about['DefaultAPIVersion']})"
    language = "PythonVersion" if "PythonVersion" in about else "GoVersion"
    return [
        "Client:",
        *_fields(
            1,
            ("Version", about["Version"]),
            ("API version", api),
            (f"{language.removesuffix('Version')} version", about[language]),
            ("Git commit", about["GitCommit"]),
            ("Built", ""),
            ("OS/Arch", f"{about['Os']}/{about['Arch']}"),
            ("Context", about["Context"]),
        ),
    ]


def _server_lines(server: dict[str, Any]) -> list[str]:
    name = (server.get("Platform") or {}).get("Name", "")
    lines = [f"Server: {name}".rstrip()]
    components = server.get("Components") or []
    if not any(component["Name"] == "Engine" for component in components):
        components = [*components, {"Name": "Engine", "Details": server, **server}]
    for component in components:
        details = component.get("Details") or {}
        lines.append(f" {component['Name']}:")
        shown = [("Version", component.get("Version", ""))]
        if component["Name"] == "Engine":
            shown += _engine(details)
        else:
            shown += sorted((key, str(value)) for key, value in details.items())
        lines += _fields(2, *shown)
    return lines


def _engine(details: dict[str, Any]) -> list[tuple[str, str]]:
    def text(key: str) -> str:
        value = details.get(key, "")
        return str(value).lower() if isinstance(value, bool) else str(value)

    return [
        ("API version", f"{text('ApiVersion')} (minimum version {text('MinAPIVersion')})"),
        ("Go version", text("GoVersion")),
        ("Git commit", text("GitCommit")),
        ("Built", text("BuildTime")),
        ("OS/Arch", f"{text('Os')}/{text('Arch')}"),
        ("Experimental", text("Experimental")),
    ]


def _fields(indent: int, *fields: tuple[str, str]) -> list[str]:
    """Return lines in docker's columns; docker's client has lines for what is empty as well."""
    all_lines = program.name() == program.DOCKER
    return [
        f"{' ' * indent}{name}:".ljust(WIDTH) + value
        for name, value in fields
        if value or all_lines
    ]


VERSION = Command(
    "[OPTIONS]", "Show the wherry version information", version, flags=FLAGS, maximum=0,
    examples="""
    --format json
    -f '{{.Server.Version}}'
    """,
)  # fmt: skip
