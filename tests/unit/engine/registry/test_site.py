"""Programs of this machine are answered by another site than everybody else."""

from __future__ import annotations

from typing import cast

import pytest
from aiohttp import web

from wherry.engine.registry.guard import LocalGuard
from wherry.engine.registry.site import SiteByCaller
from wherry.registry.server.access.guard import Peer
from wherry.registry.server.http.exchange import Exchange


class Named:
    """A site that answers with its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def answer(self, exchange: Exchange) -> web.Response:
        return web.Response(text=self.name)


@pytest.mark.parametrize(
    ("host", "answers"), [("localhost:5001", "trusted"), ("elsewhere:5001", "public")]
)
async def test_who_answers(host: str, answers: str) -> None:
    site = SiteByCaller(LocalGuard(), Named("public"), Named("trusted"))
    peer = Peer("127.0.0.1", {"host": host}, f"http://{host}")
    answer = await site.answer(Exchange(cast(web.BaseRequest, None), peer, "id"))
    assert isinstance(answer, web.Response)
    assert answer.text == answers
