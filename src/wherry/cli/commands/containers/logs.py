"""`logs`."""

from __future__ import annotations

import time

from wherry.cli.command import Command, Context
from wherry.cli.flags import Options, declare
from wherry.cli.options.numbers import moment
from wherry.cli.terminal.session import STDERR_FD, STDOUT_FD, write_all
from wherry.client.multiplex import STDERR, Demultiplexer

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
        "since": moment(options.text("since"), now) or None,
        "until": moment(options.text("until"), now) or None,
        "tail": options.text("tail", "all"),
        "timestamps": options.flag("timestamps"),
    }
    found = context.engine.get(f"/containers/{arguments[0]}/json")
    reply = context.engine.open("GET", f"/containers/{found['Id']}/logs", query)
    if found["Config"].get("Tty"):
        for data in reply.chunks():
            write_all(STDOUT_FD, data)
        return 0
    demultiplexer = Demultiplexer()
    for data in reply.chunks():
        for stream, piece in demultiplexer.feed(data):
            write_all(STDERR_FD if stream == STDERR else STDOUT_FD, piece)
    return 0


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
