"""`inspect`, for all kinds of objects and for one kind."""

from __future__ import annotations

import json
from collections.abc import Sequence

from wherry.cli.command import Command, Context
from wherry.cli.errors import FAILED, UsageError
from wherry.cli.flags import Options, declare
from wherry.client.errors import ApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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


def inspect(context: Context, options: Options, arguments: list[str]) -> int:
    """Show everything about objects of any kind."""
    kind = options.text("type")
    if kind and kind not in PATHS:
        raise UsageError(f'"{kind}" is not a valid value for --type')
    return show(context, options, arguments, [kind] if kind else list(PATHS))


def show(context: Context, options: Options, names: list[str], kinds: Sequence[str]) -> int:
    """Print the objects that are found, then the failures."""
    found, failures = [], []
    for name in names:
        try:
            found.append(_get(context, name, kinds, size=options.flag("size")))
        except ApiError as error:
            failures.append(_failure(name, kinds, error))
    _print(context, found, options.text("format"))
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


def _print(context: Context, found: list[Any], template: str) -> None:
    if not template:
        context.write(json.dumps(found, indent=4, ensure_ascii=False))
        return
    from wherry.cli.output.functions import to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - only with --format

    if template == "json":
        for item in found:
            context.write(to_json(item))
        return
    parsed = Template(template)
    for item in found:
        context.write(parsed.render(item))


def _of(kind: str, *flags: Any) -> Command:
    def run(context: Context, options: Options, arguments: list[str]) -> int:
        return show(context, options, arguments, [kind])

    return Command(
        f"[OPTIONS] {kind.upper()} [{kind.upper()}...]",
        f"Display detailed information on one or more {kind}s",
        run,
        flags=(*FORMAT, *flags),
        minimum=1,
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
