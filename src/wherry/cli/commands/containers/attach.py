"""`attach`: the streams of a container that runs already."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.commands.containers.foreground import Foreground, Streams
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options, declare

FLAGS = declare("""
   --detach-keys string  Override the key sequence for detaching a container
   --no-stdin  Do not attach STDIN
   --sig-proxy  Proxy all received signals to the process (default true)
""")


def attach(context: Context, options: Options, arguments: list[str]) -> int:
    """Attach to a running container."""
    found = context.engine.get(f"/containers/{arguments[0]}/json")
    state = found["State"]
    if not state.get("Running"):
        raise CommandError("You cannot attach to a stopped container, start it first")
    if state.get("Paused"):
        raise CommandError("You cannot attach to a paused container, unpause it first")
    if state.get("Restarting"):
        raise CommandError("You cannot attach to a restarting container, wait until it is running")
    config = found["Config"]
    names = {"stdout", "stderr"}
    if config.get("OpenStdin") and not options.flag("no-stdin"):
        names.add("stdin")
    streams = Streams(
        names,
        tty=config.get("Tty", False),
        proxy=options.flag("sig-proxy", default=True) and not config.get("Tty", False),
        detach_keys=options.text("detach-keys"),
    )
    return Foreground(context, found["Id"], streams).run(None, "not-running")


ATTACH = Command(
    "[OPTIONS] CONTAINER",
    "Attach local standard input, output, and error streams to a running container",
    attach,
    flags=FLAGS,
    minimum=1,
    maximum=1,
    examples="""
    web                     leave it running again with ctrl-p ctrl-q
    --no-stdin web          only look
    """,
)
