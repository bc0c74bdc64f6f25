"""The short verbs: stop, kill, restart, pause, unpause, wait, rename, rm."""

from __future__ import annotations

from wherry.cli.command import Command, Context
from wherry.cli.each import for_each
from wherry.cli.errors import CommandError, UsageError
from wherry.cli.flags import Options, declare
from wherry.client.errors import ApiError

STOP_FLAGS = declare("""
-s --signal string  Signal to send to the container
-t --timeout int  Seconds to wait before killing the container
   --time int  Same as --timeout
""")
KILL_FLAGS = declare("-s --signal string  Signal to send to the container")
RM_FLAGS = declare("""
-f --force  Force the removal of a running container (uses SIGKILL)
-l --link  Remove the specified link
-v --volumes  Remove anonymous volumes associated with the container
""")


def _stop_query(options: Options) -> dict[str, str | int | None]:
    flag = "timeout" if options.given("timeout") else "time"
    return {
        "signal": options.text("signal") or None,
        "t": options.number(flag) if options.given(flag) else None,
    }


def stop(context: Context, options: Options, arguments: list[str]) -> int:
    """Stop containers."""
    query = _stop_query(options)

    def act(name: str) -> None:
        context.engine.post(f"/containers/{name}/stop", query)

    return for_each(context, arguments, act)


def restart(context: Context, options: Options, arguments: list[str]) -> int:
    """Restart containers."""
    query = _stop_query(options)

    def act(name: str) -> None:
        context.engine.post(f"/containers/{name}/restart", query)

    return for_each(context, arguments, act)


def kill(context: Context, options: Options, arguments: list[str]) -> int:
    """Send a signal to containers."""
    query = {"signal": options.text("signal") or None}

    def act(name: str) -> None:
        context.engine.post(f"/containers/{name}/kill", query)

    return for_each(context, arguments, act)


def pause(context: Context, _options: Options, arguments: list[str]) -> int:
    """Freeze containers."""

    def act(name: str) -> None:
        context.engine.post(f"/containers/{name}/pause")

    return for_each(context, arguments, act)


def unpause(context: Context, _options: Options, arguments: list[str]) -> int:
    """Thaw containers."""

    def act(name: str) -> None:
        context.engine.post(f"/containers/{name}/unpause")

    return for_each(context, arguments, act)


def wait(context: Context, _options: Options, arguments: list[str]) -> int:
    """Wait for containers and print their exit statuses."""

    def act(name: str) -> str:
        return str(context.engine.post(f"/containers/{name}/wait")["StatusCode"])

    return for_each(context, arguments, act)


def rename(context: Context, _options: Options, arguments: list[str]) -> int:
    """Give a container another name."""
    old, new = (text.strip() for text in arguments)
    if not old or not new:
        raise UsageError("Error: Neither old nor new names may be empty")
    try:
        context.engine.post(f"/containers/{old}/rename", {"name": new})
    except ApiError as error:
        raise CommandError(
            f"Error response from daemon: {error.message}\n"
            f"Error: failed to rename container named {old}"
        ) from error
    return 0


def rm(context: Context, options: Options, arguments: list[str]) -> int:
    """Remove containers."""
    force = options.flag("force")
    query = {"v": options.flag("volumes"), "force": force, "link": options.flag("link")}

    def act(name: str) -> str | None:
        path = f"/containers/{name.strip('/')}"
        try:
            context.engine.delete(path, query)
        except ApiError as error:
            if not force or error.status != 404:
                raise
            # What is to be gone is gone; docker says so and ends with 0.
            context.warn(f"Error response from daemon: {error.message}")
            return ""
        return None

    return for_each(context, arguments, act)


_MANY = "[OPTIONS] CONTAINER [CONTAINER...]"
STOP = Command(
    _MANY, "Stop one or more running containers", stop, flags=STOP_FLAGS, minimum=1,
    examples="""
    web db               with 10 seconds for a clean end, then SIGKILL
    -t 0 web             at once
    """,
)  # fmt: skip
RESTART = Command(
    _MANY, "Restart one or more containers", restart, flags=STOP_FLAGS, minimum=1,
    examples="-t 0 web             without waiting for a clean end",
)  # fmt: skip
KILL = Command(
    _MANY, "Kill one or more running containers", kill, flags=KILL_FLAGS, minimum=1,
    examples="""
    web                  SIGKILL: it ends at once
    -s HUP web           have a server read its configuration again
    """,
)  # fmt: skip
PAUSE = Command(
    "CONTAINER [CONTAINER...]", "Pause all processes within one or more containers", pause,
    minimum=1, examples="web                  it keeps its memory and gets no CPU time",
)  # fmt: skip
UNPAUSE = Command(
    "CONTAINER [CONTAINER...]", "Unpause all processes within one or more containers", unpause,
    minimum=1, examples="web",
)  # fmt: skip
WAIT = Command(
    "CONTAINER [CONTAINER...]",
    "Block until one or more containers stop, then print their exit codes",
    wait,
    minimum=1,
    examples="job                  prints its exit status when it has ended",
)
RENAME = Command(
    "CONTAINER NEW_NAME", "Rename a container", rename, minimum=2, maximum=2,
    examples="quick_skiff web",
)  # fmt: skip
RM = Command(
    _MANY, "Remove one or more containers", rm, flags=RM_FLAGS, minimum=1,
    examples="""
    job                  only if it has ended
    -fv web              even if it runs, with its anonymous volumes
    """,
)  # fmt: skip
