"""Calls: what an exchange learns of who may not do what."""

from __future__ import annotations

import pytest

from fixtures.exchanges import exchange
from wherry.registry.server.access.guard import Action, Caller, DeniedError, OpenGuard, Peer
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.query import Query


class Closed(OpenGuard):
    def require(self, peer: Peer, caller: Caller, name: str, *actions: Action) -> None:
        raise DeniedError("no")


@pytest.mark.parametrize(("caller", "action"), [("", ""), ("ann", "push")])
def test_only_of_somebody_known_is_told_what_was_refused(caller: str, action: str) -> None:
    call = Call(exchange(caller=caller), "a", "x", Query(""))
    with pytest.raises(DeniedError):
        call.require(Closed(), "push", done="push")
    assert call.exchange.action == action


def test_what_is_done() -> None:
    call = Call(exchange(), "a", "sha256:" + "a" * 64, Query(""))
    call.require(OpenGuard(), "push", done="push")
    assert call.exchange.action == "push"
    assert call.digest() == call.reference
    assert call.exchange.digest == call.reference
