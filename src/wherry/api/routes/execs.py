"""More processes in a running container."""

from __future__ import annotations

from typing import Any

from wherry.api.call import Call, json_reply
from wherry.api.http.message import Duplex, Hijack, Reply
from wherry.api.render.execs import inspect as render
from wherry.api.streams import content_type, frame, join
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.engine.exec.service import ExecStartError
from wherry.wire.requests import ExecCreate, ExecStart


async def create(call: Call) -> Reply:
    """POST /containers/{id}/exec."""
    wanted = await call.body(ExecCreate)
    if not wanted.cmd:
        raise InvalidError("No exec command specified")
    return json_reply({"Id": await call.services.exec.create(call.name, wanted)}, 201)


async def start(call: Call) -> Reply | Hijack:
    """POST /exec/{id}/start: attached unless `Detach` is set."""
    wanted = await call.body(ExecStart)
    view = await call.services.exec.inspect(call.name)
    size = console_size(wanted.console_size)
    try:
        attachment = await call.services.exec.start(
            call.name, detach=wanted.detach, tty=wanted.tty, console_size=size
        )
    except ExecStartError as error:
        if wanted.detach:
            raise
        return _told_in_the_stream(call, str(error), tty=view.config.tty)
    if attachment is None:
        return Reply(200)

    async def run(duplex: Duplex) -> None:
        await join(attachment, duplex, tty=attachment.tty, stdin=view.config.attach_stdin)

    return Hijack(run, content_type(tty=attachment.tty, version=call.version))


def _told_in_the_stream(call: Call, words: str, *, tty: bool) -> Hijack:
    """Answer as dockerd does when a program cannot be executed.

    The client prints what it reads, then asks for the exit code: 126 or 127. A status other than
    101 would end it with 1.
    """
    data = f"{words}\r\n".encode()

    async def run(duplex: Duplex) -> None:
        await duplex.send(data if tty else frame("stdout", data))

    return Hijack(run, content_type(tty=tty, version=call.version))


def console_size(given: list[int] | None) -> tuple[int, int] | None:
    """Read height and width."""
    if given is None:
        return None
    if len(given) != 2 or min(given) < 0:
        raise InvalidError("invalid ConsoleSize: height and width are wanted")
    return given[0], given[1]


async def inspect(call: Call) -> Reply:
    """GET /exec/{id}/json."""
    rendered: dict[str, Any] = render(await call.services.exec.inspect(call.name))
    return json_reply(rendered)


async def resize(call: Call) -> Reply:
    """POST /exec/{id}/resize."""
    await call.services.exec.resize(call.name, call.number("h") or 0, call.number("w") or 0)
    return Reply(200)


ROUTES = (
    Route("POST", "/containers/{name}/exec", create),
    Route("POST", "/exec/{name}/start", start),
    Route("POST", "/exec/{name}/resize", resize),
    Route("GET", "/exec/{name}/json", inspect),
)
