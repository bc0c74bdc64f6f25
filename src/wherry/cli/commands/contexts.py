"""`context`: ls, use, show, inspect, rm; `cli.contexts.store` keeps them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

from wherry.cli import credentials
from wherry.cli.command import Command, Context
from wherry.cli.contexts import settings, store
from wherry.cli.contexts.store import DEFAULT, BadContextError, ContextInUseError
from wherry.cli.each import for_each
from wherry.cli.endpoint import environment_host
from wherry.cli.errors import FAILED, CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.output.listing import Columns, print_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MEMORY = "<IN MEMORY>"
BAD_TEMPLATE = 64
LONGEST_ERROR = 45
ABOUT_DEFAULT = "Current DOCKER_HOST based configuration"
COLUMNS = Columns(
    {
        "Name": "NAME", "Description": "DESCRIPTION", "DockerEndpoint": "DOCKER ENDPOINT",
        "Error": "ERROR",
    },
    ["Name", "Description", "DockerEndpoint", "Error"],
    identity="Name",
)  # fmt: skip


def ls(context: Context, options: Options, _arguments: list[str]) -> int:
    """List contexts, the one in use with a star."""
    rows = [_row(content, context) for content in store.everything()]
    rows.append(_default_row(context))
    if context.name not in {row["Name"] for row in rows}:
        rows.append(_missing_row(context.name))
    rows.sort(key=lambda row: _natural(row["Name"]))
    if options.text("format") in ("", "table") and not options.flag("quiet"):
        for row in rows:
            row["Name"] += " *" if row["Current"] else ""
    print_list(context, rows, COLUMNS, options)
    variable, _ = environment_host(os.environ)
    if variable:
        context.warn(_overridden(variable, "a context"))
    return 0


def _row(content: Mapping[str, Any], context: Context) -> dict[str, Any]:
    name = str(content.get("Name") or "")
    found = store.endpoint(content)
    return {
        "Name": name,
        "Current": name == context.name,
        "Description": store.description(content),
        "DockerEndpoint": found[0] if found else "",
        "Error": "" if found else "cannot find docker endpoint in context",
    }


def _default_row(context: Context) -> dict[str, Any]:
    host, error = "", ""
    try:
        host = context.choice.default_endpoint().host
    except CommandError as caught:
        error = _cut(str(caught))
    return {
        "Name": DEFAULT, "Current": context.name == DEFAULT, "Description": ABOUT_DEFAULT,
        "DockerEndpoint": host, "Error": error,
    }  # fmt: skip


def _missing_row(name: str) -> dict[str, Any]:
    try:
        store.load(name)
        error = f'context "{name}" calls itself otherwise'
    except (BadContextError, store.NoContextError) as caught:
        error = str(caught)
    return {
        "Name": name, "Current": True, "Description": "", "DockerEndpoint": "",
        "Error": _cut(error),
    }  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_ERROR else text[: LONGEST_ERROR - 1] + "…"


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Order web2 before web10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]


def use(context: Context, _options: Options, arguments: list[str]) -> int:
    """Choose the context of the commands to come."""
    name = arguments[0]
    if name != DEFAULT:
        store.check_name(name)
        store.load(name)
    _remember("" if name == DEFAULT else name)
    context.write(name)
    context.warn(f'Current context is now "{name}"')
    variable, _ = environment_host(os.environ)
    if variable and name != DEFAULT:
        context.warn(_overridden(variable, f'"{name}"'))
    return 0


def _overridden(variable: str, what: str) -> str:
    return (
        f"Warning: {variable} environment variable overrides the active context. To use {what}, "
        f"either set the global --context flag, or unset {variable} environment variable."
    )


def _remember(name: str) -> None:
    content = credentials.load()
    if (content.get("currentContext") or "") == name:
        return
    content.pop("currentContext", None)
    if name:
        content["currentContext"] = name
    credentials.save(content)


def show(context: Context, _options: Options, _arguments: list[str]) -> int:
    """Print the name of the context in use."""
    context.write(context.name)
    return 0


def inspect(context: Context, options: Options, arguments: list[str]) -> int:
    """Show everything about contexts, the one in use if none is named."""
    template = _template(options.text("format"))
    found, failure = [], None
    for name in arguments or [context.name]:
        try:
            found.append(_whole(name, context))
        except store.NoContextError as error:
            failure = error
            break
    if template is not None:
        for one in found:
            context.write(template(one))
    else:
        compact = options.text("format") == "json"
        text = json.dumps(found, separators=(",", ":")) if compact else json.dumps(found, indent=4)
        # Docker's client escapes for HTML; what it prints is compared byte for byte.
        for sign in "<>&":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        context.write(text)
    if failure is not None:
        context.warn(str(failure))
        return FAILED
    return 0


def _template(text: str) -> Any:
    if text in ("", "json"):
        return None
    from wherry.cli.output.lexer import TemplateError  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - only with --format

    try:
        return Template(text).render
    except TemplateError as error:
        raise CommandError(str(error), BAD_TEMPLATE) from error


def _whole(name: str, context: Context) -> dict[str, Any]:
    if name == DEFAULT:
        content, files = settings.copy(DEFAULT, context)
        names = {one: sorted(contents) for one, contents in files.items()}
        storage = {"MetadataPath": MEMORY, "TLSPath": MEMORY}
    else:
        content, names = store.load(name), store.material_names(name)
        storage = {
            "MetadataPath": store.directory("meta", name),
            "TLSPath": store.directory("tls", name),
        }
    return {
        "Name": content.get("Name", name), "Metadata": content["Metadata"],
        "Endpoints": content["Endpoints"], "TLSMaterial": names, "Storage": storage,
    }  # fmt: skip


def rm(context: Context, options: Options, arguments: list[str]) -> int:
    """Remove contexts."""

    def act(name: str) -> None:
        if name == DEFAULT:
            raise BadContextError(f'context "{DEFAULT}" cannot be removed')
        force = options.flag("force")
        if name == context.name:
            if not force:
                raise ContextInUseError(f'context "{name}" is in use, set -f flag to force remove')
            _remember("")
        if not force and not store.exists(name):
            raise store.NoContextError(f'context "{name}" does not exist')
        store.remove(name)

    return for_each(context, arguments, act)


LS = Command(
    "[OPTIONS]", "List contexts", ls, maximum=0,
    flags=declare("""
   --format string  Format output: 'table', 'table TEMPLATE', 'json', or a Go template
-q --quiet  Only show context names
"""),
    examples="--format '{{.Name}} {{.DockerEndpoint}}'",
)  # fmt: skip
USE = Command(
    "CONTEXT", "Set the context of the commands to come", use, minimum=1, maximum=1,
    examples="far      'default' is the engine of this machine",
)  # fmt: skip
SHOW = Command("", "Print the name of the current context", show, maximum=0, examples=" ")
INSPECT = Command(
    "[OPTIONS] [CONTEXT] [CONTEXT...]", "Display detailed information on one or more contexts",
    inspect, flags=declare("-f --format string  Format output: 'json', or a Go template"),
    examples="-f '{{.Endpoints.docker.Host}}' far",
)  # fmt: skip
RM = Command(
    "[OPTIONS] CONTEXT [CONTEXT...]", "Remove one or more contexts", rm, minimum=1,
    flags=declare("-f --force  Force the removal of a context in use"), examples="far",
)  # fmt: skip
