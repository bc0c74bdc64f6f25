"""`exec`: another process in a running container."""

from __future__ import annotations

import contextlib
import os
import signal

from wherry.cli.command import Command, Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.cli.options import environment
from wherry.cli.terminal import raw
from wherry.cli.terminal.detach import DEFAULT, parse_keys
from wherry.cli.terminal.session import Session
from wherry.cli.terminal.signals import caught
from wherry.client.errors import ApiError

FLAGS = declare("""
-d --detach  Detached mode: run command in the background
   --detach-keys string  Override the key sequence for detaching a container
-e --env list  Set environment variables
   --env-file list  Read in a file of environment variables
-i --interactive  Keep STDIN open even if not attached
   --privileged  Give extended privileges to the command
-t --tty  Allocate a pseudo-TTY
-u --user string  Username or UID (format: "<name|uid>[:<group|gid>]")
-w --workdir string  Working directory inside the container
""")


def execute(context: Context, options: Options, arguments: list[str]) -> int:
    """Run a command in a container and return its exit status."""
    tty, detach = options.flag("tty"), options.flag("detach")
    if tty and options.flag("interactive") and not detach and not os.isatty(0):
        raise CommandError("the input device is not a TTY")
    container, *command = arguments
    body = {
        "User": options.text("user"),
        "Privileged": options.flag("privileged"),
        "Tty": tty,
        "AttachStdin": options.flag("interactive") and not detach,
        "AttachStdout": not detach,
        "AttachStderr": not detach,
        "DetachKeys": options.text("detach-keys"),
        "Env": environment.variables(
            options.all("env-file"), options.read_all("env", environment.variable), os.environ
        ),
        "WorkingDir": options.text("workdir"),
        "Cmd": command,
    }
    identity = context.engine.post(f"/containers/{container}/exec", None, body)["Id"]
    if detach:
        context.engine.post(f"/exec/{identity}/start", None, {"Detach": True, "Tty": tty})
        return 0
    return _attached(context, options, identity)


def _attached(context: Context, options: Options, identity: str) -> int:
    tty, stdin = options.flag("tty"), options.flag("interactive")
    body: dict[str, object] = {"Detach": False, "Tty": tty}
    size = raw.size() if tty else None
    if size is not None:
        body["ConsoleSize"] = list(size)
    stream = context.engine.hijack(f"/exec/{identity}/start", None, body)

    def resize(_number: int) -> None:
        current = raw.size()
        if current is not None:
            with contextlib.suppress(ApiError):  # it may have ended just before
                query = {"h": current[0], "w": current[1]}
                context.engine.post(f"/exec/{identity}/resize", query)

    numbers = (signal.SIGWINCH,) if tty else ()
    keys = parse_keys(options.text("detach-keys") or DEFAULT)
    with caught(numbers, resize) as signals, contextlib.closing(stream):
        if tty:
            resize(signal.SIGWINCH)
        with raw.raw_mode(wanted=tty and stdin):
            session = Session(stream, tty=tty, stdin=stdin, keys=keys, signals=signals)
            detached = session.run()
    if detached:
        raise CommandError("read escape sequence")  # docker's words and status for it
    return int(context.engine.get(f"/exec/{identity}/json").get("ExitCode") or 0)


EXEC = Command(
    "[OPTIONS] CONTAINER COMMAND [ARG...]",
    "Execute a command in a running container",
    execute,
    flags=FLAGS,
    minimum=2,
    interspersed=False,
    examples="""
    -it web sh                     look around in it
    -u root -w /etc web cat hosts  as another user, in another folder
    """,
)
