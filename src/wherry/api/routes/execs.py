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
    """POST /exec/{id}/start: attached unless `Detach` is set.

    An attached client is answered before the process is started, as dockerd does: docker-py loses
    what arrives together with the head. What goes wrong afterwards is told in the stream; the
    client prints it, then asks for the exit code, which is 126 or 127.
    """
    wanted = await call.body(ExecStart)
    size = console_size(wanted.console_size)
    execs = call.services.exec
    view = await execs.begin(call.name, tty=wanted.tty)
    if wanted.detach:
        await execs.start(call.name, detach=True, console_size=size)
        return Reply(200)
    tty = view.config.tty

    async def run(duplex: Duplex) -> None:
        try:
            attachment = await execs.start(call.name, detach=False, console_size=size)
        except ExecStartError as error:
            words = f"{error}\r\n".encode()
            await duplex.send(words if tty else frame("stdout", words))
            return
        assert attachment is not None
        await join(attachment, duplex, tty=tty, stdin=view.config.attach_stdin)

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
