"""Pieces from one thread to another, and failures both ways."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from wherry.base.errors import CancelledError
from wherry.registry.blobdrivers.handover import Handover


def test_all_arrive_in_order() -> None:
    pieces = [b"%d" % number for number in range(1000)] + [b"", b"end"]
    handover = Handover()
    with ThreadPoolExecutor(1) as threads:
        taken = threads.submit(list[bytes], handover)
        assert handover.give_all(pieces) == sum(map(len, pieces))
        assert taken.result(10) == pieces


def test_nothing() -> None:
    handover = Handover()
    assert handover.give_all([]) == 0
    assert list(handover) == []


def test_a_source_that_fails_breaks_the_taker() -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        raise KeyError("mine")

    handover = Handover()
    with ThreadPoolExecutor(1) as threads:
        taken = threads.submit(list[bytes], handover)
        with pytest.raises(KeyError, match="mine"):
            handover.give_all(failing())
        with pytest.raises(CancelledError):
            taken.result(10)


def test_a_taker_that_stops_lets_the_giver_go() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"

    def take_three() -> list[bytes]:
        try:
            return [next(handover) for _ in range(3)]
        finally:
            handover.stop()

    handover = Handover()
    with ThreadPoolExecutor(1) as threads:
        taken = threads.submit(take_three)
        assert handover.give_all(endless()) >= 3
        assert taken.result(10) == [b"x"] * 3
