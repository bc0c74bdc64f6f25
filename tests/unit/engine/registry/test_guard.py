"""Who may do what, with accounts and without."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import bcrypt
import pytest

from wherry.engine.registry.guard import LocalGuard, accounts_guard, is_local, is_trusted
from wherry.registry.server.access.guard import (
    AuthenticationRequiredError,
    Caller,
    DeniedError,
    Peer,
)


def peer(address: str = "127.0.0.1", host: str = "localhost:5001", **headers: str) -> Peer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Peer(address, {"host": host, **named}, f"http://{host}")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.1.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost:5001", "127.0.0.1", "[::1]:5001", os.uname().nodename])
def test_programs_of_this_machine(address: str, host: str) -> None:
    assert is_local(peer(address, host))


@pytest.mark.parametrize(
    "stranger",
    [
        peer("192.0.2.1"),
        peer("::ffff:192.0.2.1"),
        peer("nonsense"),
        peer(""),
        peer(host="rebound.example:5001"),
        peer(host="192.0.2.1:5001"),
        peer(host=""),
        peer(host="[::1"),
        peer(x_forwarded_for="192.0.2.1"),
        peer(forwarded="for=192.0.2.1"),
        peer(origin="http://localhost:5001"),
        peer(sec_fetch_site="same-origin"),
    ],
)
def test_proxies_browsers_and_other_machines_are_strangers(stranger: Peer) -> None:
    assert not is_local(stranger)


async def test_without_accounts_everybody_reads_and_this_machine_writes() -> None:
    guard, stranger = LocalGuard(), peer("192.0.2.1")
    caller = await guard.identify(stranger)
    guard.require(stranger, caller, "app", "pull")
    for action in ("push", "delete"):
        with pytest.raises(DeniedError, match="registry-htpasswd"):
            guard.require(stranger, caller, "app", "pull", action)
        guard.require(peer(), caller, "app", action)
    assert guard.may(caller, "app", "pull")
    assert not guard.may(caller, "app", "push")
    assert not guard.in_list(caller, ["anyone"])
    guard.require_login(stranger, caller)
    assert is_trusted(peer(), caller, guard)
    assert not is_trusted(stranger, caller, guard)


async def test_with_accounts_they_do_everything_and_others_nothing(tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "accounts").write_text(f"ann:{hashed}\n")
    guard = await accounts_guard(str(tmp_path / "accounts"), bytes(32))
    basic = base64.b64encode(b"ann:secret").decode()
    known = peer("192.0.2.1", authorization=f"Basic {basic}")
    ann = await guard.identify(known)
    guard.require(known, ann, "app", "pull", "push", "delete")
    nobody = await guard.identify(peer())
    with pytest.raises(AuthenticationRequiredError) as caught:
        guard.require(peer(), nobody, "app", "pull")
    assert 'realm="http://localhost:5001/token"' in caught.value.challenges[0]
    robot = base64.b64encode(f"robot:ci:wry_{'a' * 43}".encode()).decode()
    for wrong in (basic[:-8] + "d3Jvbmc=", robot):
        with pytest.raises(AuthenticationRequiredError):
            await guard.identify(peer(authorization=f"Basic {wrong}"))
    assert not is_trusted(peer(), Caller(), guard)
    assert is_trusted(peer(), ann, guard)
    assert not is_trusted(known, ann, guard)
