"""Fixtures that every folder of tests may use."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from fixtures.engine import Engine, running_engine


def pytest_configure() -> None:
    """Let programs be interrupted: whoever starts the tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A running wherryd with the image `busybox`, shared by the tests of a module."""
    with running_engine() as started:
        yield started
        started.remove_containers()


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """A running wherryd of the test's own, for tests that kill it."""
    with running_engine() as started:
        yield started
