"""A machine of the test's own to take programs from."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.elf import Machine
from wherry.engine.images.pack.host import Host


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


@pytest.fixture
def host(machine: Machine) -> Host:
    return Host(root=str(machine.root))
