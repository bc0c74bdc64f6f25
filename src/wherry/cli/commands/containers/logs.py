"""`logs`."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
from wherry.cli.errors import UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.numbers import moment
from wherry.cli.terminal.session import show
from wherry.client.multiplex import Demultiplexer

FLAGS = declare("""
   --details  Show extra details provided to logs
-f --follow  Follow log output
   --since string  Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m")
-n --tail string  Number of lines to show from the end of the logs
-t --timestamps  Show timestamps
   --until string  Show logs before a timestamp or relative (e.g. "42m")
""")


def logs(context: Context, options: Options, arguments: list[str]) -> int:
    """Show what a container has written."""
    now = time.time()
    query = {
        "stdout": True,
        "stderr": True,
        "details": options.flag("details"),
        "follow": options.flag("follow"),
        "since": _moment(options, "since", now),
        "until": _moment(options, "until", now),
        "tail": options.text("tail", "all"),
        "timestamps": options.flag("timestamps"),
    }
    found = context.engine.get(f"/containers/{arguments[0]}/json")
    reply = context.engine.open("GET", f"/containers/{found['Id']}/logs", query)
    demultiplexer = None if found["Config"].get("Tty") else Demultiplexer()
    for data in reply.chunks():
        show(data, demultiplexer)
    return 0


def _moment(options: Options, flag: str, now: float) -> str | None:
    try:
        return moment(options.text(flag), now) or None
    except UsageError as error:
        raise UsageError(f'invalid value for "{flag}": {error}') from error


LOGS = Command(
    "[OPTIONS] CONTAINER",
    "Fetch the logs of a container",
    logs,
    flags=FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    -f --tail 20 web               the last lines, and those to come
    --since 10m -t web             of the last ten minutes, with times
    """,
)
