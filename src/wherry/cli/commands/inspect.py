"""`inspect`, for all kinds of objects and for one kind."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wherry.cli.command import Command, Context
from wherry.cli.errors import FAILED, CommandError, UsageError
from wherry.cli.flags import Options, declare
from wherry.client.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wherry.cli.output.template import Template

BAD_TEMPLATE = 64
FORMAT = declare("-f --format string  Format output: 'json', or a Go template")
SIZE = declare("-s --size  Display total file sizes if the type is container")
TYPE = declare("   --type string  Only inspect objects of the given type")
VERBOSE = declare("-v --verbose  Verbose output for diagnostics")

PATHS = {
    "container": "/containers/{}/json",
    "image": "/images/{}/json",
    "network": "/networks/{}",
    "volume": "/volumes/{}",
}


EXAMPLES = {
    "container": "-f '{{.State.Status}} {{.State.ExitCode}}' web",
    "image": "-f '{{.Os}}/{{.Architecture}} {{.Config.Cmd}}' debian",
    "network": "-f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{println}}{{end}}' bridge",
    "volume": "-f '{{.Mountpoint}}' data",
}


def inspect(context: Context, options: Options, arguments: list[str]) -> int:
    """Show everything about objects of any kind."""
    kind = options.text("type")
    if kind and kind not in PATHS:
        known = ", ".join(f'"{name}"' for name in PATHS)
        raise UsageError(f'unknown type: "{kind}": must be one of {known}')
    return show(context, options, arguments, [kind] if kind else list(PATHS))


def show(context: Context, options: Options, names: list[str], kinds: Sequence[str]) -> int:
    """Print the objects that are found, then the failures."""
    template = _parsed(options.text("format"))
    found, failures = [], []
    for name in names:
        try:
            found.append(_get(context, name, kinds, size=options.flag("size")))
        except ApiError as error:
            failures.append(_failure(name, kinds, error))
    _print(context, found, options.text("format"), template)
    for failure in failures:
        context.warn(failure)
    return FAILED if failures else 0


def _get(context: Context, name: str, kinds: Sequence[str], *, size: bool) -> Any:
    query = {"size": size}
    for kind in kinds[:-1]:
        try:
            return context.engine.get(PATHS[kind].format(name), query)
        except ApiError as error:
            if error.status != 404:
                raise
    return context.engine.get(PATHS[kinds[-1]].format(name), query)


def _failure(name: str, kinds: Sequence[str], error: ApiError) -> str:
    if len(kinds) > 1 and error.status == 404:
        return f"Error: No such object: {name}"
    return f"Error response from daemon: {error.message}"


def _parsed(text: str) -> Template | None:
    """Read a template before anything is asked for; a mistake in it ends with status 64."""
    if text in ("", "json"):
        return None
    from wherry.cli.output.lexer import TemplateError  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - only with --format

    try:
        return Template(text, typed=True)
    except TemplateError as error:
        raise CommandError(str(error), BAD_TEMPLATE) from error


def _print(context: Context, found: list[Any], form: str, template: Template | None) -> None:
    if template is not None:
        for item in found:
            context.write(template.render(item))
    elif form == "json":
        context.write(json.dumps(found, separators=(",", ":"), ensure_ascii=False))
    else:
        context.write(json.dumps(found, indent=4, ensure_ascii=False))


def _of(kind: str, *flags: Any) -> Command:
    def run(context: Context, options: Options, arguments: list[str]) -> int:
        return show(context, options, arguments, [kind])

    return Command(
        f"[OPTIONS] {kind.upper()} [{kind.upper()}...]",
        f"Display detailed information on one or more {kind}s",
        run,
        flags=(*FORMAT, *flags),
        minimum=1,
        examples=EXAMPLES[kind],
    )


INSPECT = Command(
    "[OPTIONS] NAME|ID [NAME|ID...]",
    "Return low-level information on objects",
    inspect,
    flags=(*FORMAT, *SIZE, *TYPE),
    minimum=1,
    examples="""
    web                                           all of it, as JSON
    -f '{{.State.Status}} {{.State.ExitCode}}' web   two fields
    -f '{{json .NetworkSettings.Ports}}' web        a part, as JSON
    """,
)
CONTAINER = _of("container", *SIZE)
IMAGE = _of("image")
NETWORK = _of("network", *VERBOSE)
VOLUME = _of("volume")
