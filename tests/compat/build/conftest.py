"""The judges of the session, who build ahead while the tests go through the cases."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from compat.build.harness.judges import Judges, running_judges


@pytest.fixture(scope="session")
def judges(request: pytest.FixtureRequest) -> Iterator[Judges]:
    """Everything that judges; they begin with the cases that have been selected."""
    with running_judges() as started:
        # A worker of several does not know which of the tests will be its own.
        if "PYTEST_XDIST_WORKER" not in os.environ:
            selected = [getattr(item, "callspec", None) for item in request.session.items]
            cases = [spec.params["case"] for spec in selected if spec and "case" in spec.params]
            started.ask_ahead((judge, case) for case in cases for judge in case.judges)
        yield started
