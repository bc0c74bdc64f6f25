"""The state of a build."""

from __future__ import annotations

from typing import Any

from fixtures.build_events import began, ended, moved, planned, wrote
from wherry.cli.build.display.board import (
    CACHED,
    DONE,
    FAILED,
    KEPT_LINES,
    RUNNING,
    WAITING,
    Board,
)


def board(*events: dict[str, Any], now: float = 0.0) -> Board:
    made = Board()
    for event in events:
        made.take(event, now)
    return made


def test_places_of_steps() -> None:
    one = board(planned("FROM a", "ENV x=1", "RUN  make \\\n all"))
    assert [step.name for step in one.order] == ["[1/2] FROM a", "[2/2] RUN make \\ all"]
    assert [step.number for step in one.order] == [0, 2]
    named = board(planned("FROM a", stage="base"))
    assert named.order[0].name == "[base 1/1] FROM a"
    both = planned("FROM a", "RUN b")
    both["steps"][1]["stage"] = "stage-1"
    assert [step.place for step in board(both).order] == ["stage-0 1/1", "stage-1 1/1"]


def test_a_steps_life() -> None:
    made = board(planned("FROM a", "RUN b", "RUN c", "RUN d"))
    made.take(began(0), 1.0)
    assert made.steps[0].state == RUNNING
    change = made.take(wrote(0, b"one\ntwo"), 2.0)
    assert (change.event, change.lines) == ("wrote", ["one"])
    assert made.steps[0].unfinished == "two"
    change = made.take(ended(0, seconds=4.5), 5.5)
    assert (change.step, change.lines) == (made.steps[0], ["two"])
    assert list(made.steps[0].tail) == [(1.0, "one"), (4.5, "two")]
    made.take(ended(1, cached=True, why="because", changed=["~ a"]), 6.0)
    made.take(ended(2, error="broken"), 7.0)
    assert [step.state for step in made.order] == [DONE, CACHED, FAILED, WAITING]
    assert made.failed() is made.steps[2]
    assert (made.steps[1].why, made.steps[1].changed) == ("because", ["~ a"])
    assert made.count(DONE, CACHED) == 2
    assert made.running() == []


def test_what_is_not_known_changes_nothing() -> None:
    made = board(planned("FROM a", "ENV x"), ended(0))
    events = (began(1), wrote(1, b"x\n"), ended(1), began(7), ended(0), {"event": "of later"}, {})
    for event in events:
        change = made.take(event, 1.0)
        assert (change.step, change.transfer) == (None, None)
    assert made.steps[0].state == DONE


def test_only_the_last_lines_are_kept() -> None:
    made = board(planned("RUN a"), began(0), wrote(0, b"x\n" * 500))
    assert len(made.steps[0].tail) == KEPT_LINES


def test_both_streams_have_lines_of_their_own() -> None:
    made = board(planned("RUN a"), began(0), wrote(0, b"out", "stdout"), wrote(0, b"err", "stderr"))
    assert list(made.take(ended(0), 1.0).lines) == ["out", "err"]


def test_a_pull_is_one_transfer_of_many_layers() -> None:
    made = board(moved("debian:12 latest", "Pulling from library/debian"))
    assert made.moving(0.0) == []
    made.take(moved("debian:12 aa", "Downloading", 10, 40), 0.0)
    made.take(moved("debian:12 bb", "Downloading", 5, 60), 0.0)
    (transfer,) = made.moving(1.0)
    assert transfer.name == "pulling debian:12"
    assert transfer.moved() == (15, 100)
    made.take(moved("debian:12 aa", "Pull complete"), 0.0)
    assert transfer.moved() == (45, 100)
    made.take(moved("debian:12 bb", "Already exists"), 0.0)
    made.take(moved("debian:12", "Digest: sha256:1"), 0.0)
    assert not transfer.ended
    made.take(moved("debian:12", "Status: Image is up to date for debian:12"), 0.0)
    assert transfer.ended
    assert made.moving(1.0) == []


def test_other_transfers() -> None:
    made = board(
        moved("sending context", "Sending", 10, 100),
        moved("pushing app:1 aa", "Pushing", 1, 2),
        moved("https://x/y.tar", "Downloading", 5, 50),
        moved("https://x/z", "Downloading", 5, 0),
    )
    names = ["sending context", "pushing app:1", "fetching https://x/y.tar", "fetching https://x/z"]
    assert [transfer.name for transfer in made.moving(1.0)] == names
    # Of what has no known size nobody says that it has ended.
    assert [transfer.name for transfer in made.moving(60.0)] == names[:3]
    made.take(moved("sending context", "Sent", 100, 100), 1.0)
    made.take(moved("https://x/y.tar", "Downloading", 50, 50), 1.0)
    made.take(moved("pushing app:1", "1: digest: sha256:2 size: 3"), 1.0)
    assert made.moving(60.0) == []
    made.take(moved("https://github.com/a.git", "commit 123"), 1.0)
    assert made.moving(1.0)[-1].title == "https://x/z"


def test_findings_and_the_end_are_kept() -> None:
    made = board({"event": "found", "rule": "R"}, {"event": "finished", "image": "i"})
    assert [one["rule"] for one in made.found] == ["R"]
    assert made.finished is not None
    assert made.finished["image"] == "i"
