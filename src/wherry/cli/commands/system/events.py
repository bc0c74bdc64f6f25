"""`events`: what happens in the engine, as it happens."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.options.numbers import moment
from wherry.cli.options.values import filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = declare("""
-f --filter filter  Filter output based on conditions provided
   --format string  Format output: 'json', or a Go template
   --since string  Show all events created since timestamp
   --until string  Stream events until this timestamp
""")


FIELDS = (
    ("Type", "Type"), ("Action", "Action"), ("Actor", "Actor"), ("Scope", "scope"),
    ("Time", "time"), ("TimeNano", "timeNano"), ("Status", "status"), ("ID", "id"),
    ("From", "from"),
)  # fmt: skip
BAD_TEMPLATE = 64


def events(context: Context, options: Options, _arguments: list[str]) -> int:
    """Print events until the engine ends the stream."""
    now = time.time()
    render = _renderer(options.text("format"))
    query = {
        "since": moment(options.text("since"), now) or None,
        "until": moment(options.text("until"), now) or None,
        "filters": filters(options),
    }
    for event in context.engine.events("GET", "/events", query):
        context.write(render(event))
        context.flush()
    return 0


def _renderer(template: str) -> Any:
    if not template:
        return line
    from wherry.cli.output.functions import Record, to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.lexer import TemplateError  # noqa: PLC0415 - as above
    from wherry.cli.output.template import Template  # noqa: PLC0415 - as above

    if template in ("json", "{{json .}}"):
        return to_json

    def render(event: dict[str, Any]) -> str:
        try:
            return parsed.render(Record((field, event.get(key, "")) for field, key in FIELDS))
        except TemplateError as error:
            raise CommandError(f"Error parsing format: {error.reason}", BAD_TEMPLATE) from error

    try:
        parsed = Template(template)
    except TemplateError as error:
        raise CommandError(f"Error parsing format: {error.reason}", BAD_TEMPLATE) from error
    return render


def line(event: dict[str, Any]) -> str:
    """Return an event as docker prints it."""
    nanoseconds = event.get("timeNano") or event.get("time", 0) * 1_000_000_000
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    local = time.localtime(seconds)
    zone = time.strftime("%z", local)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", local)
    zone = "Z" if zone == "+0000" else f"{zone[:3]}:{zone[3:]}"
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    text = ", ".join(f"{name}={value}" for name, value in sorted(attributes.items()))
    words = [
        f"{stamp}.{fraction:09d}{zone}",
        event.get("Type", ""),
        event.get("Action", ""),
        actor.get("ID", ""),
    ]
    return " ".join([*words, *([f"({text})"] if text else [])])


EVENTS = Command(
    "[OPTIONS]",
    "Get real time events from the server",
    events,
    flags=FLAGS,
    maximum=0,
    examples="""
    --filter container=web                       of one container, as they happen
    --since 1h --until 0s --format json          of the last hour, for programs
    """,
)
