"""`start`: again, in the background or attached."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.each import for_each
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare
from wherry.client.errors import ApiError

FLAGS = declare("""
-a --attach  Attach STDOUT/STDERR and forward signals
   --detach-keys string  Override the key sequence for detaching a container
-i --interactive  Attach container's STDIN
""")


def start(context: Context, options: Options, arguments: list[str]) -> int:
    """Start containers."""
    if options.flag("attach") or options.flag("interactive"):
        if len(arguments) > 1:
            raise CommandError("you cannot start and attach multiple containers at once")
        return _attached(context, options, arguments[0])
    query = {"detachKeys": options.text("detach-keys") or None}

    def act(name: str) -> None:
        context.engine.post(f"/containers/{name}/start", query)

    failed: list[str] = []
    status = for_each(context, arguments, act, failed)
    if failed:
        context.warn(f"Error: failed to start containers: {', '.join(failed)}")
    return status


def _attached(context: Context, options: Options, name: str) -> int:
    from wherry.cli.commands.containers.foreground import (  # noqa: PLC0415 - only when attached
        Foreground,
        Streams,
        start_failure,
    )

    found = context.engine.get(f"/containers/{name}/json")
    config = found["Config"]
    names = {"stdout", "stderr"}
    if options.flag("interactive") and config.get("OpenStdin"):
        names.add("stdin")
    tty = bool(config.get("Tty"))
    keys = options.text("detach-keys")
    streams = Streams(names, tty=tty, proxy=not tty, detach_keys=keys)
    condition = "removed" if found["HostConfig"].get("AutoRemove") else "next-exit"
    try:
        return Foreground(context, found["Id"], streams).run(
            lambda: context.engine.post(f"/containers/{found['Id']}/start"), condition
        )
    except ApiError as error:
        status = start_failure(error.message)
        raise CommandError(f"Error response from daemon: {error.message}", status) from error


START = Command(
    "[OPTIONS] CONTAINER [CONTAINER...]",
    "Start one or more stopped containers",
    start,
    flags=FLAGS,
    minimum=1,
    examples="""
    web db                  both, in the background
    -ai build               with its output before your eyes
    """,
)
