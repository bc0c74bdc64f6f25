"""The scope for containers, asked of a service manager that answers as systemd does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.systemd import FakeSystemd, fake_systemd
from wherry.daemon.systemd.manager import Manager
from wherry.daemon.systemd.scope import Scope, ScopeError
from wherry.runtime.cgroups.hierarchy import Hierarchy

NAME = "wherry-abc.scope"


@pytest.fixture
def systemd() -> Iterator[FakeSystemd]:
    """A service manager."""
    with fake_systemd() as made:
        yield made


def unified(systemd: FakeSystemd) -> Scope:
    found = Hierarchy({}, str(systemd.tree), frozenset({"memory", "pids"}))
    return Scope("abc", "wherry.service", Manager(systemd.path, "/none"), found)


def legacy(systemd: FakeSystemd) -> Scope:
    tops = {"pids": str(systemd.tree), "freezer": str(systemd.tree / "freezer")}
    return Scope("abc", "wherry.service", Manager(systemd.path, "/none"), Hierarchy(tops))


def inside(systemd: FakeSystemd, below: str = "") -> list[int]:
    text = (systemd.cgroup(NAME) / below / "cgroup.procs").read_text()
    return [int(line) for line in text.split()]


def test_it_is_made_of_the_keepers_and_handed_over(systemd: FakeSystemd) -> None:
    scope = unified(systemd)
    scope.take([11])
    assert scope.path == f"/system.slice/{NAME}"
    made = systemd.properties[NAME]
    assert made["PIDs"] == [11]
    assert made["Delegate"] == 1
    assert made["Before"] == ["wherry.service"]
    assert made["TimeoutStopUSec"] == 10_000_000
    assert made["TasksMax"] == (1 << 64) - 1


def test_on_v2_processes_leave_the_top(systemd: FakeSystemd) -> None:
    unified(systemd).take([11])
    # Files do not lose a line when another gets it; cgroups do.
    assert inside(systemd, "keepers") == [11]


def test_on_v1_they_stay_where_systemd_puts_them(systemd: FakeSystemd) -> None:
    scope = legacy(systemd)
    scope.take([11, 12])
    assert scope.path == f"/system.slice/{NAME}"
    assert inside(systemd) == [11, 12]
    assert not (systemd.cgroup(NAME) / "keepers").exists()


def test_a_later_engine_goes_on_using_it(systemd: FakeSystemd) -> None:
    unified(systemd).take([11])
    later = unified(systemd)
    later.take([11])
    assert later.path == f"/system.slice/{NAME}"
    assert len(systemd.called("StartTransientUnit")) == 1
    assert systemd.called("AttachProcessesToUnit") == []
    later.take_one(12)
    assert systemd.called("AttachProcessesToUnit") == [(NAME, "/keepers", [12])]
    assert inside(systemd, "keepers") == [11, 12]


def test_on_v1_too(systemd: FakeSystemd) -> None:
    legacy(systemd).take([11])
    legacy(systemd).take([11, 12])
    assert systemd.called("AttachProcessesToUnit") == [(NAME, "", [12])]
    assert inside(systemd) == [11, 12]


def test_it_is_made_again_when_its_last_process_had_ended(systemd: FakeSystemd) -> None:
    scope = unified(systemd)
    scope.take([11])
    systemd.end_scope(NAME)
    scope.take_one(12)
    assert len(systemd.called("StartTransientUnit")) == 2
    assert inside(systemd, "keepers") == [12]


def test_one_that_has_failed_is_forgotten_first(systemd: FakeSystemd) -> None:
    systemd.failed_units.add(NAME)
    unified(systemd).take([11])
    assert systemd.called("ResetFailedUnit") == [(NAME,)]
    assert inside(systemd, "keepers") == [11]


def test_a_job_that_fails_is_an_error_with_its_name(systemd: FakeSystemd) -> None:
    systemd.job_result = "failed"
    with pytest.raises(ScopeError, match=f"did not start {NAME}: failed"):
        unified(systemd).take([11])


def test_a_process_that_cannot_be_moved_is_only_logged(
    systemd: FakeSystemd, caplog: pytest.LogCaptureFixture
) -> None:
    systemd.job_result = "canceled"
    unified(systemd).take_one(11)
    assert "process 11 could not be moved" in caplog.text
