"""Forms in the bodies of requests: small, and in time."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from wherry.base.errors import DeadlineError, InvalidError
from wherry.base.values import dataclass
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.http.receive import read_body

_TYPE = "application/x-www-form-urlencoded"


class FormInvalidError(InvalidError):
    """The body is not a form."""


class FormStalledError(DeadlineError):
    """The form did not arrive."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the form did not arrive within {seconds:.0f} seconds: send it again")


@dataclass(frozen=True, slots=True)
class FormBounds:
    """How much a form may have, and how long it may take to arrive."""

    size: int
    fields: int
    seconds: float


async def read_fields(exchange: Exchange, bounds: FormBounds) -> list[tuple[str, str]]:
    """Return the fields of a form in their order.

    Raises FormInvalidError, FormStalledError, TooLargeError, and as `body_chunks` what breaks off
    a body.
    """
    if exchange.request.content_type != _TYPE:
        raise FormInvalidError(f"the body has to be {_TYPE}")
    try:
        async with asyncio.timeout(bounds.seconds):
            body = await read_body(exchange, bounds.seconds, bounds.size)
    except TimeoutError:
        raise FormStalledError(bounds.seconds) from None
    try:
        text = body.decode("ascii")
        return parse_qsl(text, True, errors="strict", max_num_fields=bounds.fields)
    except ValueError:
        raise FormInvalidError("the form cannot be read") from None
