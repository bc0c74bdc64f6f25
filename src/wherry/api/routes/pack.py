"""POST /wherry/images/pack: an image out of programs of the engine's machine; wherry's own."""

from __future__ import annotations

from functools import partial

from wherry.api.call import Call, progress
from wherry.api.http.message import Stream
from wherry.api.reporting import Report, reported
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.wire.progress import ProgressLine
from wherry.wire.requests import PackRequest


async def pack(call: Call) -> Stream:
    """Make the image, telling what is packed."""
    wanted = await call.body(PackRequest)
    if not wanted.name or not wanted.paths:
        raise InvalidError("invalid request: name and paths are wanted")
    return progress(reported(partial(_pack, call, wanted)))


async def _pack(call: Call, wanted: PackRequest, report: Report) -> None:
    made = await call.services.images.pack(
        wanted, progress=lambda text: report(ProgressLine(stream=f"{text}\n"))
    )
    report(ProgressLine(aux={"ID": made}))


ROUTES = (Route("POST", "/wherry/images/pack", pack),)
