"""Whether a password is right."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import bcrypt
import pytest

from wherry.registry.server.access import passwords as module
from wherry.registry.server.access.guard import TooManyRequestsError
from wherry.registry.server.access.htpasswd import Accounts
from wherry.registry.server.access.passwords import REMEMBERED_SECONDS, Passwords


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


class Work:
    """Counts how often bcrypt is asked, and with hashes of which cost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.costs: list[int] = []
        self.running = self.most = 0
        self._lock = threading.Lock()
        monkeypatch.setattr(module, "_check", self._counted(module._check))

    def _counted(self, check):
        def counted(password: str, hashed: str) -> bool:
            with self._lock:
                self.costs.append(int(hashed[4:6]))
                self.running += 1
                self.most = max(self.most, self.running)
            try:
                return check(password, hashed)
            finally:
                with self._lock:
                    self.running -= 1

        return counted


def line(name: str, password: bytes, cost: int = 4) -> str:
    return f"{name}:{bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode()}\n"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "accounts"
    file.write_text(line("ann", b"right") + line("bob", b"other", 5))
    return file


@pytest.fixture
def passwords(file: Path, clock: Clock) -> Passwords:
    accounts = Accounts(str(file), clock)
    accounts.load()
    return Passwords(accounts, clock)


def nothing() -> None:
    pass


async def test_right_wrong_and_unknown(passwords: Passwords) -> None:
    assert await passwords.verify("ann", "right", nothing)
    assert not await passwords.verify("ann", "wrong", nothing)
    assert not await passwords.verify("bob", "right", nothing)
    assert not await passwords.verify("eve", "right", nothing)
    assert not await passwords.verify("", "", nothing)
    assert not await passwords.verify("ann", "\udcff\0", nothing)


async def test_a_right_pair_is_remembered_for_a_while(
    passwords: Passwords, clock: Clock, work: Work
) -> None:
    begun: list[int] = []
    for clock.time in (0.0, 1.0, REMEMBERED_SECONDS - 1):
        assert await passwords.verify("ann", "right", lambda: begun.append(1))
    assert len(work.costs) == len(begun) == 1
    clock.time = REMEMBERED_SECONDS
    assert await passwords.verify("ann", "right", lambda: begun.append(1))
    assert len(work.costs) == len(begun) == 2


async def test_a_wrong_pair_is_worked_out_each_time(passwords: Passwords, work: Work) -> None:
    for _ in range(3):
        assert not await passwords.verify("ann", "wrong", nothing)
        assert not await passwords.verify("eve", "right", nothing)
    assert len(work.costs) == 6


async def test_no_password_is_kept(passwords: Passwords) -> None:
    await passwords.verify("ann", "right", nothing)
    assert all(b"right" not in key and b"ann" not in key for key in passwords._remembered)


async def test_a_change_forgets(passwords: Passwords, file: Path, clock: Clock) -> None:
    assert await passwords.verify("ann", "right", nothing)
    file.write_text(line("ann", b"new"))
    clock.time = 1.0
    assert not await passwords.verify("ann", "right", nothing)
    assert await passwords.verify("ann", "new", nothing)
    file.write_text("")
    clock.time = 2.0
    assert not await passwords.verify("ann", "new", nothing)


async def test_a_name_that_is_not_there_costs_as_much(passwords: Passwords, work: Work) -> None:
    for name in map(str, range(12)):
        await passwords.verify(name, "x", nothing)
        await passwords.verify(name, "y", nothing)
    assert set(work.costs) == {4, 5}  # the costs of the accounts that are
    assert work.costs[::2] == work.costs[1::2]  # one name, one cost


async def test_one_pair_at_once_is_worked_out_once(passwords: Passwords, work: Work) -> None:
    begun: list[int] = []
    tries = [passwords.verify("ann", "right", lambda: begun.append(1)) for _ in range(50)]
    assert all(await asyncio.gather(*tries))
    assert len(work.costs) == len(begun) == 1


async def test_whoever_leaves_does_not_take_it_from_others(passwords: Passwords) -> None:
    first = asyncio.ensure_future(passwords.verify("ann", "right", nothing))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(passwords.verify("ann", "right", nothing))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_no_more_at_once_than_there_are_processors(
    passwords: Passwords, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_processors", asyncio.Semaphore(2))
    await asyncio.gather(*(passwords.verify("ann", str(n), nothing) for n in range(20)))
    assert len(work.costs) == 20
    assert work.most <= 2


async def test_a_bounded_number_waits(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 3)
    tries = (passwords.verify("ann", str(n), nothing) for n in range(5))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, TooManyRequestsError) for result in results) == 2
    assert await passwords.verify("ann", "right", nothing)


async def test_what_before_raises_goes_on(passwords: Passwords, work: Work) -> None:
    def refuse() -> None:
        raise TooManyRequestsError("wait", 1.0)

    with pytest.raises(TooManyRequestsError):
        await passwords.verify("ann", "right", refuse)
    assert not work.costs


async def test_memory_is_bounded(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 1)
    await passwords.verify("ann", "right", nothing)
    await passwords.verify("bob", "other", nothing)
    assert len(passwords._remembered) == 1


async def test_long_passwords_are_cut_as_others_cut_them(file: Path, passwords: Passwords) -> None:
    file.write_text(line("ann", b"x" * 72))
    await passwords._accounts.refresh(at_once=True)
    assert await passwords.verify("ann", "x" * 72, nothing)
    assert await passwords.verify("ann", "x" * 100, nothing)
    assert not await passwords.verify("ann", "x" * 71, nothing)
    assert not await passwords.verify("ann", "x" * 71 + "é", nothing)
