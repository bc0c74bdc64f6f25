"""Checks are kept apart: one that raises, crashes, hangs or meddles is a finding and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from fixtures.waiting import eventually, has_ended
from wherry.doctor.check import Check
from wherry.doctor.finding import Finding, Level, note, ok
from wherry.doctor.machine import Machine
from wherry.doctor.run import Limits, examine, look
from wherry.doctor.settings import Settings

HERE = Machine(Settings(), dict(os.environ), 0, time.time())
NOBODY = Machine(Settings(), dict(os.environ), 1000, time.time())


def check(name: str, run: object, *, root: bool = False) -> Check:
    return Check(name, "Group", "about", run, root)  # type: ignore[arg-type]


def fine(_machine: Machine) -> list[Finding]:
    return ok("fine")


def raises(_machine: Machine) -> list[Finding]:
    raise ValueError("no number")


def crashes(_machine: Machine) -> list[Finding]:
    os.kill(os.getpid(), signal.SIGKILL)
    return ok("unreachable")


def hangs(_machine: Machine) -> list[Finding]:
    signal.pause()
    return ok("unreachable")


def findings(*checks: Check, limits: Limits | None = None) -> dict[str, list[Finding]]:
    return {r.check.name: list(r.findings) for r in examine(checks, HERE, limits)}


def test_results_come_in_order_with_all_that_was_said() -> None:
    def says(_machine: Machine) -> list[Finding]:
        time.sleep(0.05)  # the others are ready before it
        return [note("a\nb", "effect é", "rm 'x y'", "reboot"), *ok("fine")]

    checks = [check("slow", says), *(check(f"fast{n}", fine) for n in range(9))]
    results = list(examine(checks, HERE))
    assert [r.check.name for r in results] == [c.name for c in checks]
    assert results[0].findings == [
        Finding(Level.NOTE, "a\nb", "effect é", ("rm 'x y'", "reboot")),
        Finding(Level.OK, "fine"),
    ]


def test_one_that_raises_or_crashes_is_a_finding() -> None:
    found = findings(check("raises", raises), check("crashes", crashes), check("fine", fine))
    assert found["raises"][0].level == Level.WARNING
    assert "ValueError: no number" in found["raises"][0].text
    assert "crashed" in found["crashes"][0].text
    assert found["fine"] == ok("fine")


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    noted = tmp_path / "pid"

    def starts(_machine: Machine) -> list[Finding]:
        with subprocess.Popen(["sleep", "60"]) as child:
            noted.write_text(str(child.pid))
            child.wait()
        return ok("unreachable")

    began = time.monotonic()
    found = findings(check("starts", starts), check("fine", fine), limits=Limits(0.5, 10))
    assert time.monotonic() - began < 5
    assert "took too long" in found["starts"][0].text
    assert found["fine"] == ok("fine")
    assert has_ended(int(noted.read_text()))


def test_one_that_is_ended_removes_what_it_made(tmp_path: Path) -> None:
    def tries(_machine: Machine) -> list[Finding]:
        made = tmp_path / "made"
        made.touch()
        try:
            signal.pause()
        finally:
            made.unlink()
        return ok("unreachable")

    findings(check("tries", tries), limits=Limits(0.3, 10))
    assert list(tmp_path.iterdir()) == []


def test_all_together_have_a_limit() -> None:
    began = time.monotonic()
    checks = [check(f"hangs{n}", hangs) for n in range(9)]
    found = findings(*checks, limits=Limits(5, 0.5))
    assert time.monotonic() - began < 5
    assert len(found) == 9
    assert all(f[0].text.startswith("not looked at") for f in found.values())


def test_nothing_that_a_check_does_to_itself_reaches_others(tmp_path: Path) -> None:
    def meddles(_machine: Machine) -> list[Finding]:
        os.chdir(tmp_path)
        os.environ["MEDDLED"] = "1"
        print("noise")
        os.closerange(3, 5)
        return ok("done")

    def looks(_machine: Machine) -> list[Finding]:
        return ok(f"{os.getcwd()} {os.environ.get('MEDDLED')}")

    found = findings(check("meddles", meddles), check("looks", looks))
    assert found["looks"] == ok(f"{os.getcwd()} None")


def test_the_answer_of_a_check_may_be_long() -> None:
    def tells(_machine: Machine) -> list[Finding]:
        return [note("x" * 1000)] * 1000

    assert len(findings(check("tells", tells))["tells"]) == 1000


def test_processes_do_not_stay_behind() -> None:
    before, others = set(os.listdir("/proc/self/fd")), children()
    results = examine([check(f"hangs{n}", hangs) for n in range(6)], HERE, Limits(0.2, 10))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert set(os.listdir("/proc/self/fd")) == before
    # On a busy machine the kernel needs a moment to end what was killed.
    eventually(lambda: all(map(has_ended, children() - others)))


def children() -> set[int]:
    """The processes that this one started, ended ones that were not waited for among them."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def test_what_only_root_can_look_at() -> None:
    def refused(_machine: Machine) -> list[Finding]:
        raise PermissionError(13, "no", "/x")

    for one in (check("needs root", fine, root=True), check("refused", refused)):
        (found,) = look(one, NOBODY)
        assert (found.level, found.text) == (Level.NOTE, "not looked at: only root can")
    assert look(check("needs root", fine, root=True), HERE) == ok("fine")
    assert look(check("refused", refused), HERE)[0].level == Level.WARNING
