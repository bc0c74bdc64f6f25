"""`events`: what happens in the engine, as it happens."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
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


def events(context: Context, options: Options, _arguments: list[str]) -> int:
    """Print events until the engine ends the stream."""
    now = time.time()
    query = {
        "since": moment(options.text("since"), now) or None,
        "until": moment(options.text("until"), now) or None,
        "filters": filters(options.all("filter")),
    }
    render = _renderer(options.text("format"))
    for event in context.engine.events("GET", "/events", query):
        context.write(render(event))
        context.flush()
    return 0


def _renderer(template: str) -> Any:
    if not template:
        return line
    from wherry.cli.output.functions import to_json  # noqa: PLC0415 - only with --format
    from wherry.cli.output.template import Template  # noqa: PLC0415 - only with --format

    return to_json if template == "json" else Template(template).render


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
    examples="--since 1h --filter type=container",
)
