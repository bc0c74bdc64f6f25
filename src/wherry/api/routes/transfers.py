"""Images on their way in and out: pull, import, push, save, load.

All but save answer with lines of progress in the words that docker prints and scripts read.
"""

from __future__ import annotations

from functools import partial

from wherry.api.call import Call, progress
from wherry.api.http.message import Stream
from wherry.api.refusals import refusals_told
from wherry.api.render.progress import Words
from wherry.api.reporting import Report, reported
from wherry.api.table import Route
from wherry.base.errors import InvalidError
from wherry.wire.progress import ProgressLine

TAR = "application/x-tar"


async def create(call: Call) -> Stream:
    """POST /images/create: pull with `fromImage`, import with `fromSrc`."""
    if call.text("fromImage"):
        return progress(reported(partial(_pull, call)))
    if call.text("fromSrc"):
        return progress(reported(partial(_import, call)))
    raise InvalidError("invalid parameters: one of fromImage and fromSrc is wanted")


async def _pull(call: Call, report: Report) -> None:
    with refusals_told():
        await call.services.images.pull(
            # `docker pull -a` may send a name with a colon and nothing behind it.
            reference(call.text("fromImage").removesuffix(":"), call.text("tag")),
            platform=call.text("platform") or None,
            credentials=call.credentials(),
            progress=Words(report),
        )


async def _import(call: Call, report: Report) -> None:
    if call.text("fromSrc") != "-":
        raise InvalidError("import from a URL is not supported: send the archive as the body")
    made = await call.services.images.import_image(
        call.request.body.chunks(),
        repository=call.text("repo"),
        tag=call.text("tag"),
        message=call.text("message"),
        changes=[line for text in call.texts("changes") for line in text.split("\n") if line],
        platform=call.text("platform") or None,
    )
    report(ProgressLine(status=made))


def reference(name: str, tag: str) -> str:
    """Join a name with a tag or a digest, as clients send them apart."""
    if not tag:
        return name
    return f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"


async def push(call: Call) -> Stream:
    """POST /images/{name}/push."""
    return progress(reported(partial(_push, call)))


async def _push(call: Call, report: Report) -> None:
    with refusals_told():
        await call.services.images.push(
            reference(call.name, call.text("tag")),
            credentials=call.credentials(),
            progress=Words(report),
        )


async def load(call: Call) -> Stream:
    """POST /images/load."""
    return progress(reported(partial(_load, call)))


async def _load(call: Call, report: Report) -> None:
    for loaded in await call.services.images.load(call.request.body.chunks()):
        kind, name = ("", loaded.reference) if loaded.reference else (" ID", loaded.image_id)
        report(ProgressLine(stream=f"Loaded image{kind}: {name}\n"))


async def save(call: Call) -> Stream:
    """GET /images/get?names=… and GET /images/{name}/get."""
    names = [call.name] if call.parameters else call.texts("names")
    if not names:
        raise InvalidError("invalid parameters: names is wanted")
    return Stream(await call.services.images.save(names), TAR)


ROUTES = (
    Route("POST", "/images/create", create, cancellable=True),
    Route("POST", "/images/load", load, cancellable=True),
    Route("GET", "/images/get", save, cancellable=True),
    Route("GET", "/images/{name:.*}/get", save, cancellable=True),
    Route("POST", "/images/{name:.*}/push", push, cancellable=True),
)
