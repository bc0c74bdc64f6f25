"""A build as lines: transcripts."""

from __future__ import annotations

from fixtures.build_events import Clock, Event, began, ended, moved, planned, wrote
from wherry.cli.build.display.plain import Plain


def transcript(*events: Event | float, why: bool = False) -> str:
    """Return what is written; numbers let time go on."""
    clock, written = Clock(), list[str]()
    display = Plain(written.append, clock, why=why)
    for event in events:
        if isinstance(event, float):
            clock.now += event
        else:
            display.take(event)
            display.tick()
    display.close()
    return "".join(written)


def test_one_step_after_the_other() -> None:
    text = transcript(
        planned("FROM a", "ENV x=1", "RUN make"),
        began(0), ended(0, cached=True), ended(1), began(2), 0.5,
        wrote(2, b"one\ntw"), 0.25, wrote(2, b"o\nlast"), ended(2, seconds=1.23),
        {"event": "finished", "image": "sha256:9", "names": ["app:latest"]},
    )  # fmt: skip
    assert text == (
        "#1 [1/2] FROM a\n#1 CACHED\n\n"
        "#2 [2/2] RUN make\n#2 0.500 one\n#2 0.750 two\n#2 0.750 last\n#2 DONE 1.2s\n\n"
        "#3 exporting to image\n#3 writing image sha256:9 done\n"
        "#3 naming to app:latest done\n#3 DONE\n\n"
    )


def test_steps_at_the_same_time() -> None:
    text = transcript(
        planned("RUN a", "RUN b"),
        began(0), wrote(0, b"a1\n"), began(1), wrote(1, b"b1\n"), wrote(0, b"a2\n"),
        wrote(0, b"incomplete"), ended(1, seconds=1.0), ended(0, seconds=2.0),
    )  # fmt: skip
    assert text == (
        "#1 [1/2] RUN a\n#1 0.000 a1\n#1 ...\n\n"
        "#2 [2/2] RUN b\n#2 0.000 b1\n#2 ...\n\n"
        "#1 [1/2] RUN a\n#1 0.000 a2\n#1 ...\n\n"
        "#2 [2/2] RUN b\n#2 DONE 1.0s\n\n"
        "#1 [1/2] RUN a\n#1 0.000 incomplete\n#1 DONE 2.0s\n\n"
    )


def test_a_failure_and_a_sentence() -> None:
    text = transcript(
        planned("RUN a"), began(0), {"event": "said", "text": "by the way"},
        ended(0, error="exit code: 1"),
    )  # fmt: skip
    assert text == (
        "#1 [1/1] RUN a\n#1 ...\n\nby the way\n#1 [1/1] RUN a\n#1 ERROR: exit code: 1\n\n"
    )


def test_why() -> None:
    text = transcript(
        planned("COPY . ."),
        began(0),
        ended(0, why="1 file changed", changed=["~ main.c"]),
        why=True,
    )
    assert "#1 not cached: 1 file changed\n#1   main.c (changed)\n#1 DONE 0.0s\n" in text


def test_transfers_speak_now_and_then() -> None:
    layer = "debian:12 aa"
    text = transcript(
        moved("debian:12 12", "Pulling from library/debian"),
        moved(layer, "Downloading", 1_000_000, 4_000_000), 1.0,
        moved(layer, "Downloading", 2_000_000, 4_000_000), 5.0,
        moved(layer, "Downloading", 3_000_000, 4_000_000), 1.0,
        moved(layer, "Pull complete"),
        moved("debian:12", "Digest: sha256:1"),
        moved("debian:12", "Status: Downloaded newer image for debian:12"),
    )  # fmt: skip
    assert text == "#1 pulling debian:12\n#1 3MB / 4MB\n#1 DONE 7.0s\n\n"


def test_an_image_that_is_here_needs_no_word() -> None:
    text = transcript(
        moved("a:1 1", "Pulling from library/a"),
        moved("a:1", "Status: Image is up to date for a:1"),
    )
    assert text == ""


def test_a_context_that_is_sent_at_once_is_told_once() -> None:
    text = transcript(
        moved("sending context", "Sending", 0, 0), moved("sending context", "Sending", 10, 10),
        moved("sending context", "Sent", 10, 10),
    )  # fmt: skip
    assert text == "#1 sending context\n#1 DONE 0.0s\n\n"


def test_a_build_that_makes_no_image() -> None:
    assert transcript({"event": "finished", "image": "", "names": []}) == ""


def test_what_is_at_work_when_another_step_fails() -> None:
    text = transcript(
        planned("RUN a", "RUN b"), began(0), began(1), ended(0, error="exit code: 1"),
    )  # fmt: skip
    assert text.endswith("#1 ERROR: exit code: 1\n\n#2 [2/2] RUN b\n#2 CANCELED\n\n")
