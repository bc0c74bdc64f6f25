"""Fixtures that every folder of tests may use."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from fixtures.engine import Engine, running_engine
from fixtures.waiting import PATIENCE

# How long an example takes says how busy the machine is.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")


def pytest_configure() -> None:
    """Let programs be interrupted: whoever starts the tests in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give tests more time on a machine that is slow, those too that say how much they need."""
    if PATIENCE == 1:
        return
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = float(marker.args[0] if marker else config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(seconds * PATIENCE), append=False)


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
