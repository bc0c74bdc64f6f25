"""The classic builder's words, from events in any order."""

from __future__ import annotations

from wherry.api.render.build import Classic
from wherry.build.progress import (
    Began,
    Ended,
    Event,
    Finished,
    Found,
    Planned,
    PlannedStep,
    Said,
    Wrote,
)
from wherry.wire.progress import ProgressLine

STEPS = Planned(
    [
        PlannedStep(0, "a", "FROM busybox"),
        PlannedStep(1, "a", "RUN one"),
        PlannedStep(2, "b", "FROM scratch"),
        PlannedStep(3, "b", "COPY x y"),
    ]
)
DONE = Finished("sha256:" + "ab" * 32, ["app:latest"])


def told(*events: Event, quiet: bool = False) -> list[ProgressLine]:
    lines: list[ProgressLine] = []
    classic = Classic(lines.append, quiet=quiet)
    for event in events:
        classic(event)
    return lines


def text(*events: Event) -> str:
    return "".join(line.stream for line in told(*events))


def test_steps_are_told_in_the_order_of_the_file() -> None:
    assert text(
        STEPS,
        Began(2), Ended(2), Began(3), Ended(3, cached=True),
        Began(0), Ended(0), Began(1), Wrote(1, "stdout", b"hello\n"), Ended(1),
        DONE,
    ) == (
        "Step 1/4 : FROM busybox\n"
        "Step 2/4 : RUN one\n"
        "hello\n"
        "Step 3/4 : FROM scratch\n"
        "Step 4/4 : COPY x y\n"
        " ---> Using cache\n"
        "Successfully built abababababab\n"
        "Successfully tagged app:latest\n"
    )  # fmt: skip


def test_output_of_the_step_whose_turn_it_is_comes_at_once() -> None:
    assert text(STEPS, Ended(0), Wrote(1, "stderr", b"now\n")).endswith("RUN one\nnow\n")


def test_the_id_is_in_the_aux() -> None:
    assert [line.aux for line in told(STEPS, DONE) if line.aux] == [{"ID": DONE.image}]


def test_quiet_tells_the_id_only() -> None:
    lines = told(STEPS, Said("x"), Wrote(0, "stdout", b"y"), DONE, quiet=True)
    assert [line.stream for line in lines] == [f"{DONE.image}\n"]


def test_a_quiet_build_that_fails_tells_all() -> None:
    lines: list[ProgressLine] = []
    classic = Classic(lines.append, quiet=True)
    for event in (STEPS, Ended(0), Wrote(1, "stdout", b"why\n")):
        classic(event)
    assert lines == []
    classic.failed()
    assert "".join(line.stream for line in lines).endswith("Step 2/4 : RUN one\nwhy\n")


def test_findings_of_checks_are_not_told() -> None:
    assert told(Found("JSONArgsRecommended", "use JSON", 3, 3)) == []
