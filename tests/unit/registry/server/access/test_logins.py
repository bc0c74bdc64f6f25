"""Failed logins make the next wait."""

from __future__ import annotations

import pytest

from wherry.registry.server.access import logins as module
from wherry.registry.server.access.guard import TooManyRequestsError
from wherry.registry.server.access.logins import LONGEST_WAIT, Logins
from wherry.registry.server.settings import Rates

ADDRESS = "192.0.2.1"


@pytest.fixture
def logins(clock) -> Logins:
    return Logins(Rates(logins=3, seconds=60), clock)


def wait_of(logins: Logins, name: str = "ann", address: str = ADDRESS) -> float:
    try:
        logins.check(name, address)
    except TooManyRequestsError as error:
        return error.retry_after
    return 0.0


def fail(logins: Logins, times: int, name: str = "ann", address: str = ADDRESS) -> None:
    for _ in range(times):
        logins.begin(name, address)


def test_the_wait_grows(logins: Logins, clock) -> None:
    fail(logins, 2)
    assert wait_of(logins) == 0
    fail(logins, 1)
    waits = []
    for _ in range(12):
        waits.append(wait_of(logins))
        with pytest.raises(TooManyRequestsError):
            logins.begin("ann", ADDRESS)
        clock.pass_by(waits[-1])
        fail(logins, 1)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, LONGEST_WAIT, LONGEST_WAIT]


def test_others_do_not_wait(logins: Logins) -> None:
    fail(logins, 3)
    assert wait_of(logins)
    assert not wait_of(logins, "bob")
    assert not wait_of(logins, address="192.0.2.2")


def test_a_right_password_ends_it(logins: Logins) -> None:
    fail(logins, 2)
    logins.succeeded("ann", ADDRESS)
    fail(logins, 2)
    assert not wait_of(logins)
    assert logins._entries["", ADDRESS].count == 2


def test_it_ends_after_a_quiet_time(logins: Logins, clock) -> None:
    fail(logins, 3)
    clock.pass_by(61)
    fail(logins, 2)
    assert not wait_of(logins)


def test_many_names_from_one_address(logins: Logins) -> None:
    for number in range(30):
        fail(logins, 1, f"name{number}")
    assert wait_of(logins, "another")
    assert not wait_of(logins, "another", "192.0.2.2")


def test_an_address_of_the_new_kind_counts_as_its_network(logins: Logins) -> None:
    for number in range(3):
        fail(logins, 1, address=f"2001:db8:1:2::{number}")
    assert wait_of(logins, address="2001:db8:1:2:ffff::1")
    assert not wait_of(logins, address="2001:db8:1:3::1")


def test_no_limit(clock) -> None:
    logins = Logins(Rates(logins=0), clock)
    fail(logins, 1000)
    assert not wait_of(logins)


def test_memory_is_bounded(logins: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ENTRIES", 10)
    for number in range(50):
        fail(logins, 1, address=f"192.0.2.{number}")
    assert len(logins._entries) == 10
