"""Attaching to a container, and its logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from wherry.api.call import Call
from wherry.api.http.message import Duplex, Hijack, Stream
from wherry.api.streams import content_type, frame, join
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.engine.containers.record import Container
from wherry.logs import details
from wherry.logs.reader import Line, Query
from wherry.oci.digest import encoded_of
from wherry.oci.environment import mapping
from wherry.wire.requests import AttachRequest
from wherry.wire.times import rfc3339_fixed


async def attach(call: Call) -> Hijack:
    """POST /containers/{id}/attach."""
    wanted = AttachRequest(
        stdin=call.flag("stdin"),
        stdout=call.flag("stdout"),
        stderr=call.flag("stderr"),
        logs=call.flag("logs"),
        stream=call.flag("stream"),
        detach_keys=call.text("detachKeys") or None,
    )
    attachment = await call.services.containers.attach(call.name, wanted)

    async def run(duplex: Duplex) -> None:
        stdin = wanted.stdin and wanted.stream
        await join(attachment, duplex, tty=attachment.tty, stdin=stdin)

    return Hijack(run, content_type(tty=attachment.tty, version=call.version))


async def logs(call: Call) -> Stream:
    """GET /containers/{id}/logs."""
    query = log_query(call)
    view = await call.services.containers.inspect(call.name)
    tty = view.record.config.tty
    lines = await call.services.containers.logs(call.name, query)
    shown = _details(view.record) if call.flag("details") else b""
    render = partial(log_line, tty=tty, timestamps=call.flag("timestamps"), shown=shown)
    media_type = content_type(tty=tty, version=call.version)
    return Stream(_rendered(lines, render), media_type, at_once=True)


def log_query(call: Call) -> Query:
    """Read which lines are wanted; dockerd's words where it makes no sense."""
    if not (call.flag("stdout") or call.flag("stderr")):
        raise InvalidError("Bad parameters: you must choose at least one stream")
    tail = call.text("tail", "all")
    return Query(
        follow=call.flag("follow"),
        stdout=call.flag("stdout"),
        stderr=call.flag("stderr"),
        since_ns=call.time("since"),
        until_ns=call.time("until"),
        # As dockerd: what is no number means all.
        tail=int(tail) if tail.isdecimal() else None,
    )


def _details(record: Container) -> bytes:
    origin = details.Origin(
        record.id,
        record.name,
        encoded_of(record.image_id),
        record.config.image,
        record.config.labels or {},
        mapping(record.config.env or ()),
    )
    return details.prefix(details.attributes(record.host_config.log_config.config or {}, origin))


def log_line(line: Line, *, tty: bool, timestamps: bool, shown: bytes) -> bytes:
    """Write one line as the client wants it; `shown` are its details."""
    data = shown + line.data
    if timestamps:
        data = rfc3339_fixed(line.time_ns).encode() + b" " + data
    return data if tty else frame(line.stream, data)


async def _rendered(
    lines: AsyncIterator[Line], render: Callable[[Line], bytes]
) -> AsyncIterator[bytes]:
    async for line in lines:
        yield render(line)


ROUTES = (
    Route("POST", "/containers/{name}/attach", attach),
    Route("GET", "/containers/{name}/logs", logs, cancellable=True),
)
