"""What is asked by those who look after the registry: /metrics, /healthz, /readyz.

`/healthz` says that the process answers. `/readyz` says whether it can serve: database and storage
are asked, no more than once in CHECK_SECONDS however many ask, and each has ANSWER_SECONDS. It
names the part that is away, and nothing else, since anybody may ask; the log has the reason.
`/metrics` is for those whom the settings name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.registry.server.access.guard import DeniedError, Guard
from wherry.registry.server.http.exchange import Exchange
from wherry.registry.server.operate.exposition import CONTENT_TYPE, Family, Siblings, render
from wherry.registry.server.operate.metrics import Metrics
from wherry.registry.server.operate.process import process_families

CHECK_SECONDS = 1.0
ANSWER_SECONDS = 5.0
LEAVE_SECONDS = 2.0
Check = Callable[[], Awaitable[None]]
_log = logging.getLogger(__name__)
_METHODS = frozenset({"GET", "HEAD"})
_HEADERS = {"Cache-Control": "no-store"}


class Readiness:
    """Asks the parts, by their names, whether they answer."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        clock: Callable[[], float] = time.monotonic,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._failed = failed
        self._asking: asyncio.Task[dict[str, str]] | None = None
        self._asked = float("-inf")
        self._told: dict[str, str] = {}

    async def away(self) -> Sequence[str]:
        """Return the names of the parts that do not answer."""
        now = self._clock()
        asking = self._asking
        if asking is None or (asking.done() and now - self._asked >= CHECK_SECONDS):
            self._asked = now
            asking = self._asking = asyncio.create_task(self._ask())
        return list(await asyncio.shield(asking))

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> dict[str, str]:
        reasons = await asyncio.gather(*(self._one(check) for check in self._checks.values()))
        found = {name: why for name, why in zip(self._checks, reasons, strict=True) if why}
        for name, why in found.items():
            self._failed(name)
            if name not in self._told:
                _log.error("not ready: %s: %s", name, why)
        for name in self._told:
            if name not in found:
                _log.info("ready again: %s", name)
        self._told = found
        return found

    async def _one(self, check: Check) -> str:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await check()
        except TimeoutError:
            return f"no answer within {ANSWER_SECONDS:.0f} s"
        except WherryError as error:
            return str(error)
        except Exception as error:
            _log.debug("a check failed unexpectedly", exc_info=True)
            return f"{type(error).__name__}: {error}"
        return ""


@dataclass(slots=True)
class Figures:
    """What `/metrics` shows: our own, and those of processes beside us when there are any."""

    metrics: Metrics
    siblings: Siblings | None = None

    async def text(self) -> bytes:
        """Return it in the form that Prometheus reads."""
        own = self._own()
        siblings = self.siblings
        if siblings is None:
            return render(own)
        return render(await in_thread(siblings.all, own))

    async def leave(self) -> None:
        """Leave ours for the others every few seconds, until cancelled."""
        if self.siblings is None:
            return
        while True:
            with contextlib.suppress(OSError):
                await in_thread(self.siblings.leave, self._own())
            await asyncio.sleep(LEAVE_SECONDS)

    def _own(self) -> list[Family]:
        return [*self.metrics.families(), *process_families()]


class OperationsSite:
    """Answers the three paths; `readers` may read the metrics, as a list of a setting has it."""

    def __init__(
        self, figures: Figures, readiness: Readiness, guard: Guard, readers: Sequence[str]
    ) -> None:
        self._figures = figures
        self._readiness = readiness
        self._guard = guard
        self._readers = readers

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer; raises AuthenticationRequiredError, DeniedError."""
        match exchange.request.path:
            case "/healthz":
                return self._plain(exchange, 200, "ok\n")
            case "/readyz":
                away = await self._readiness.away()
                if away:
                    return self._plain(exchange, 503, f"not ready: {', '.join(away)} away\n")
                return self._plain(exchange, 200, "ready\n")
            case "/metrics":
                return await self._metrics(exchange)
        return None

    def _plain(self, exchange: Exchange, status: int, text: str) -> web.Response:
        exchange.route = "health"
        if exchange.request.method not in _METHODS:
            return _not_allowed()
        return web.Response(status=status, text=text, headers=_HEADERS)

    async def _metrics(self, exchange: Exchange) -> web.Response:
        exchange.route = "metrics"
        if exchange.request.method not in _METHODS:
            return _not_allowed()
        if not self._guard.in_list(exchange.caller, self._readers):
            self._guard.require_login(exchange.peer, exchange.caller)
            raise DeniedError("the metrics are for those whom operation.metrics names")
        headers = {"Content-Type": CONTENT_TYPE, **_HEADERS}
        return web.Response(body=await self._figures.text(), headers=headers)


def _not_allowed() -> web.Response:
    return web.Response(status=405, headers={"Allow": "GET, HEAD"})
