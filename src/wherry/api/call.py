"""A request that found its route, and the helpers with which routes read it and answer."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import AsyncIterator, Set
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from wherry.api.http.message import Reply, Request, Stream
from wherry.api.ports import Services
from wherry.api.status import JSON, words_of
from wherry.api.versions import Version
from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.wire.decode import decode
from wherry.wire.filters import Filters, parse_filters
from wherry.wire.progress import error_line
from wherry.wire.requests import AuthConfig
from wherry.wire.times import parse_time

MOST_JSON_BYTES = 1 << 20
_FALSE = frozenset({"", "0", "no", "false", "none"})
_NUMBER = re.compile(r"[+-]?\d{1,18}")
_encoder = msgspec.json.Encoder()
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Call:
    """A request, the parameters of its path, its API version, and the engine."""

    request: Request
    services: Services
    parameters: dict[str, str]
    version: Version

    @property
    def name(self) -> str:
        """The object that the path names."""
        return self.parameters["name"]

    def text(self, key: str, default: str = "") -> str:
        """Return a query parameter."""
        values = self.request.query.get(key)
        return values[0] if values else default

    def texts(self, key: str) -> list[str]:
        """Return a query parameter that may be repeated."""
        return self.request.query.get(key, [])

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a query parameter as dockerd reads a boolean: nearly everything is true."""
        values = self.request.query.get(key)
        return default if values is None else values[0].strip().lower() not in _FALSE

    def number(self, key: str) -> int | None:
        """Return a query parameter as a number, None when it is not there."""
        value = self.text(key)
        if not value:
            return None
        if not _NUMBER.fullmatch(value):
            raise InvalidError(f"invalid value {value!r} for {key}: not a number")
        return int(value)

    def time(self, key: str) -> int | None:
        """Return a query parameter as nanoseconds since the epoch; None when absent or zero."""
        value = self.text(key)
        return parse_time(value, time.time_ns()) or None if value else None

    def filters(self, allowed: Set[str]) -> Filters:
        """Return the `filters` parameter."""
        return parse_filters(self.text("filters"), allowed)

    async def body(self, kind: type[Value]) -> Value:
        """Return the request's JSON body; an empty one is the value with nothing in it."""
        data = await self.request.body.read(MOST_JSON_BYTES)
        if not data.strip():
            return decode(b"{}", kind)
        media_type = self.request.header("content-type").partition(";")[0].strip().lower()
        if media_type != JSON:
            given = self.request.header("content-type")
            raise InvalidError(f"unsupported Content-Type header ({given}): must be '{JSON}'")
        return decode(data, kind)

    def credentials(self) -> AuthConfig | None:
        """Return what X-Registry-Auth holds; what cannot be read counts as not there."""
        encoded = self.request.header("x-registry-auth")
        if not encoded:
            return None
        with suppress(binascii.Error, ValueError, InvalidError):
            padded = encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
            return decode(base64.urlsafe_b64decode(padded), AuthConfig)
        return None


def json_reply(value: Any, status: int = 200) -> Reply:
    """Answer with a JSON value."""
    return Reply(status, _encoder.encode(value) + b"\n", JSON)


def progress(lines: AsyncIterator[bytes]) -> Stream:
    """Answer with lines of progress; what fails after the first is told in the last."""
    return Stream(lines, JSON, last_words=lambda error: error_line(words_of(error)))
