"""Who started us, and whether the machine goes down."""

from __future__ import annotations

import os

import pytest

from fixtures.systemd import fake_systemd
from wherry.daemon.systemd.manager import Manager, started_us, unit_of


@pytest.mark.parametrize(
    ("cgroups", "unit"),
    [
        ("0::/system.slice/wherry.service\n", "wherry.service"),
        ("4:memory:/x\n1:name=systemd:/system.slice/own.service\n0::/\n", "own.service"),
        ("4:memory:/system.slice/wherry.service\n0::/\n", ""),
        ("0::/user.slice/user-0.slice/session-3.scope\n", ""),
        ("", ""),
    ],
)
def test_the_unit_is_that_of_systemds_own_hierarchy(cgroups: str, unit: str) -> None:
    assert unit_of(cgroups) == unit


def test_only_a_child_of_systemd_is_its_service() -> None:
    assert os.getppid() != 1
    with fake_systemd() as systemd:
        assert started_us({"INVOCATION_ID": "x"}, systemd.path) == ""


def test_whether_the_machine_goes_down() -> None:
    with fake_systemd() as systemd:
        manager = Manager(systemd.path, "/none")
        assert not manager.is_shutting_down()
        systemd.state = "stopping"
        assert manager.is_shutting_down()


def test_nobody_to_ask(caplog: pytest.LogCaptureFixture) -> None:
    assert not Manager("/none/private", "/none/bus").is_shutting_down()
    assert "cannot be asked" in caplog.text
