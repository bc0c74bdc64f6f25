"""The access log: a line of JSON for each request, to a file or to standard output.

Never in it: queries (they carry tokens and uploads' states), headers but the user agent, bodies.
What a client chose is escaped as ASCII and cut, so a line is always one line. The fields are in a
fixed order, and put together by hand: a server answers thousands of requests a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from json.encoder import encode_basestring_ascii

from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.operate.line_sink import LineSink

_LONGEST = 1024


class AccessLog:
    """An observer; `now` in seconds since the epoch."""

    def __init__(self, sink: LineSink, now: Callable[[], float] = time.time) -> None:
        self._sink = sink
        self._now = now
        self._second = -1
        self._shown = ""

    def finished(self, exchange: Exchange) -> None:
        """Write a line."""
        now = self._now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._shown = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        self._sink.write(line(exchange, f"{self._shown}.{int((now - second) * 1000):03d}Z"))


def line(exchange: Exchange, when: str) -> bytes:
    """Return the line of an exchange that ended at `when`."""
    request = exchange.request
    path = request.raw_path.partition("?")[0]
    text = (
        f'{{"time":"{when}","request":{_text(exchange.id)}'
        f',"address":{_text(exchange.peer.address)},"caller":{_text(exchange.caller.name)}'
        f',"method":{_text(request.method)},"path":{_text(path)},"status":{exchange.status}'
        f',"route":"{exchange.route}","sent":{exchange.sent},"received":{exchange.received}'
        f',"seconds":{exchange.seconds:.6f}'
    )
    for name, value in (
        ("action", exchange.action),
        ("repository", exchange.repository),
        ("reference", exchange.reference),
        ("digest", exchange.digest),
        ("agent", exchange.peer.headers.get("user-agent", "")),
        ("error", exchange.error),
        ("detail", exchange.detail),
    ):
        if value:
            text += f',"{name}":{_text(value)}'
    return (text + "}\n").encode()


def _text(value: str) -> str:
    return encode_basestring_ascii(value[:_LONGEST])
