"""`run` and `create`."""

from __future__ import annotations

import os
import sys

from wherry.cli import program
from wherry.cli.command import Command, Context
from wherry.cli.errors import USAGE, CommandError, UsageError
from wherry.cli.flags import Options, declare
from wherry.cli.options.create import FLAGS, attached_streams, request
from wherry.cli.options.references import split_reference
from wherry.client.errors import ApiError

RUN_FLAGS = declare("""
-d --detach  Run container in background and print container ID
   --detach-keys string  Override the key sequence for detaching a container
   --sig-proxy  Proxy received signals to the process
""")


def run(context: Context, options: Options, arguments: list[str]) -> int:
    """Create a container and start it, attached unless --detach."""
    detach = options.flag("detach")
    _check(options, detach=detach)
    container = make(context, options, arguments, detach=detach)
    path = f"/containers/{container}/start"
    try:
        if detach:
            context.engine.post(path)
            context.write(container)
            return 0
        return _attached(context, options, container, path)
    except ApiError as error:
        raise CommandError(_failure(error), _status(error)) from error


def _check(options: Options, *, detach: bool) -> None:
    if detach and options.given("attach"):
        raise UsageError("conflicting options: cannot specify both --attach and --detach")
    wants_terminal = options.flag("tty") and options.flag("interactive") and not detach
    if wants_terminal and not os.isatty(0):
        raise CommandError("the input device is not a TTY", 1)


def _attached(context: Context, options: Options, container: str, path: str) -> int:
    from wherry.cli.commands.containers.foreground import (  # noqa: PLC0415 - not with --detach
        Foreground,
        Streams,
    )

    streams = Streams(
        attached_streams(options, detach=False),
        tty=options.flag("tty"),
        proxy=options.flag("sig-proxy", default=True),
        detach_keys=options.text("detach-keys"),
    )
    condition = "removed" if options.flag("rm") else "next-exit"
    foreground = Foreground(context, container, streams)
    return foreground.run(lambda: context.engine.post(path), condition)


def create(context: Context, options: Options, arguments: list[str]) -> int:
    """Create a container and print its id."""
    context.write(make(context, options, arguments, detach=False))
    return 0


def make(context: Context, options: Options, arguments: list[str], *, detach: bool) -> str:
    """Have the engine create the container, pulling its image if need be; return the id."""
    size = None
    if options.flag("tty"):
        from wherry.cli.terminal import raw  # noqa: PLC0415 - only with a terminal

        size = raw.size()
    body = request(options, arguments, os.environ, os.getcwd(), detach=detach, size=size)
    _check_together(options)
    query = {"name": options.text("name") or None, "platform": options.text("platform") or None}
    if options.text("pull") == "always":
        _pull(context, options, arguments[0])
    try:
        reply = context.engine.post("/containers/create", query, body)
    except ApiError as error:
        if not _lacks_image(error) or options.text("pull", "missing") != "missing":
            raise
        _announce(context, arguments[0], quiet=options.flag("quiet"))
        _pull(context, options, arguments[0])
        reply = context.engine.post("/containers/create", query, body)
    for warning in reply.get("Warnings") or ():
        context.warn(f"WARNING: {warning}")
    if options.given("cidfile"):
        with open(options.text("cidfile"), "x", encoding="ascii") as file:
            file.write(reply["Id"])
    return str(reply["Id"])


def _check_together(options: Options) -> None:
    if options.flag("rm") and options.text("restart", "no") not in ("", "no"):
        raise UsageError("conflicting options: cannot specify both --restart and --rm")
    policy = options.text("pull", "missing")
    if policy not in ("always", "missing", "never"):
        raise UsageError(
            f'invalid pull option: \'{policy}\': must be one of "always", "missing" or "never"'
        )
    cidfile = options.text("cidfile")
    if cidfile and os.path.exists(cidfile):
        raise UsageError(
            "container ID file found, make sure the other container isn't running or "
            f"delete {cidfile}"
        )


def _lacks_image(error: ApiError) -> bool:
    """Whether a pull would help: the image is not there, or only for another platform."""
    words = ("No such image", "does not match the specified platform")
    return error.status == 404 and any(text in error.message for text in words)


def _announce(context: Context, image: str, *, quiet: bool) -> None:
    name, tag = split_reference(image)
    if not quiet:
        suffix = f"@{tag}" if "@" in image else f":{tag or 'latest'}"
        context.warn(f"Unable to find image '{name}{suffix}' locally")


def _pull(context: Context, options: Options, image: str) -> None:
    from wherry.cli.commands.images.transfer import fetch  # noqa: PLC0415 - mostly it is there

    name, tag = split_reference(image)
    platform = options.text("platform")
    quiet = options.flag("quiet")
    fetch(context, name, tag or "latest", platform=platform, out=sys.stderr, quiet=quiet)


def _status(error: ApiError) -> int:
    from wherry.cli.commands.containers.foreground import start_failure  # noqa: PLC0415 - on failure

    return start_failure(error.message)


def _failure(error: ApiError) -> str:
    return (
        f"{program.name()}: Error response from daemon: {error.message}\n\n"
        f"Run '{program.name()} run --help' for more information"
    )


RUN = Command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create and run a new container from an image",
    run,
    flags=tuple(sorted((*FLAGS, *RUN_FLAGS), key=lambda flag: flag.name)),
    minimum=1,
    interspersed=False,
    status=USAGE,
    misuse=USAGE,
    examples="""
    --rm -it debian bash                      a shell, gone when you leave it
    -d --name web -p 8080:80 httpd            a server in the background
    --rm -v "$PWD":/src -w /src gcc make      a tool on your files
    --rm -m 256m --cpus 0.5 debian stress     with limits
    """,
)
CREATE = Command(
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create a new container",
    create,
    flags=FLAGS,
    minimum=1,
    interspersed=False,
    misuse=USAGE,
    examples="""
    --name web -p 8080:80 httpd      start it with: wherry start web
    -it --name box debian            a shell for later: wherry start -ai box
    """,
)
