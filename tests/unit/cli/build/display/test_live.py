"""The display on a terminal, seen by one that only remembers."""

from __future__ import annotations

import itertools
import random

import pytest

from fixtures.build_events import Clock, Event, Terminal, began, ended, moved, planned, wrote
from wherry.cli.build.display.live import Live


class Shown:
    """A display, its clock and its terminal."""

    def __init__(
        self, columns: int = 60, height: int = 24, *, colours: bool = False, why: bool = False
    ) -> None:
        self.clock = Clock()
        self.terminal = Terminal(columns, height)
        self.live = Live(
            self.terminal.write, self.clock, self.terminal.size, colours=colours, why=why
        )

    def play(self, *events: Event | float) -> list[str]:
        """Take events, let time go on for numbers, and return what is to be seen then."""
        for event in events:
            if isinstance(event, float):
                self.clock.now += event
            else:
                self.live.take(event)
        self.clock.now += 0.1
        self.live.tick()
        return self.terminal.shown()

    def end(self) -> list[str]:
        self.live.close()
        return self.terminal.shown()


def test_steps_scroll_by_and_what_goes_on_is_below() -> None:
    shown = Shown()
    assert shown.play(planned("FROM a", "RUN make", "RUN test")) == ["[+] 0/3 steps, 0.1s"]
    assert shown.play(began(0), ended(0, cached=True), began(1), 2.0) == [
        " => CACHED [1/3] FROM a                                0.0s",
        "[+] 1/3 steps, 1 cached, 2.2s",
        " => [2/3] RUN make                                     2.1s",
    ]
    assert shown.play(wrote(1, b"cc a.c\ncc b.c\nlinking")) == [
        " => CACHED [1/3] FROM a                                0.0s",
        "[+] 1/3 steps, 1 cached, 2.3s",
        " => [2/3] RUN make                                     2.2s",
        "    cc a.c",
        "    cc b.c",
        "    linking",
    ]
    shown.play(ended(1, seconds=2.3), began(2), ended(2, seconds=0.5))
    shown.play({"event": "finished", "image": "sha256:1", "names": ["app:latest"]})
    assert shown.end() == [
        " => CACHED [1/3] FROM a                                0.0s",
        " => [2/3] RUN make                                     2.3s",
        " => [3/3] RUN test                                     0.5s",
        "[+] 3/3 steps, 1 cached, 2.5s",
        " => image sha256:1",
        " => named app:latest",
    ]


def test_stages_go_on_beside_each_other() -> None:
    shown = Shown()
    plan = planned("FROM a", "FROM b", "RUN c")
    for step, stage in zip(plan["steps"], ("one", "two", "two"), strict=True):
        step["stage"] = stage
    assert shown.play(plan, began(1), began(0)) == [
        "[+] 0/3 steps, 0.1s",
        " => [one 1/1] FROM a                                   0.1s",
        " => [two 1/2] FROM b                                   0.1s",
    ]


def test_bytes_and_an_estimate() -> None:
    shown = Shown()
    assert shown.play(moved("debian:12 aa", "Downloading", 0, 40_000_000)) == [
        "[+] 0.1s, 0B/40MB",
        " => pulling debian:12  0B/40MB",
    ]
    seen = shown.play(0.9, moved("debian:12 aa", "Downloading", 10_000_000, 40_000_000))
    assert seen == ["[+] 1.1s, 10MB/40MB, 3s left", " => pulling debian:12  10MB/40MB"]
    seen = shown.play(
        moved("debian:12 aa", "Pull complete"), moved("debian:12", "Status: Downloaded newer image")
    )
    assert seen[0] == " => pulling debian:12                                  1.1s"


def test_a_failure_stays() -> None:
    shown = Shown()
    shown.play(planned("RUN a", "RUN b"), began(0), wrote(0, b"out\n"), ended(0, error="no"))
    shown.play(began(1), 2.0)
    assert shown.end() == [
        " => ERROR [1/2] RUN a                                  0.0s",
        " => CANCELED [2/2] RUN b                               2.1s",
        "[+] 1/2 steps, 2.2s",
    ]


def test_why() -> None:
    shown = Shown(why=True)
    seen = shown.play(
        planned("COPY . ."), began(0), ended(0, why="1 file changed", changed=["+ a"])
    )
    assert seen[1:3] == ["    not cached: 1 file changed", "      a (new)"]


def test_sentences_stay_above() -> None:
    shown = Shown()
    seen = shown.play({"event": "said", "text": "sockets are not sent: \x1b[31ma"})
    assert seen == ["sockets are not sent: a", "[+] 0.1s"]


def test_nothing_is_drawn_for_a_build_that_never_began() -> None:
    shown = Shown()
    assert shown.end() == [""]
    assert shown.terminal.writes == 0


def test_a_frame_is_one_write_and_not_too_often() -> None:
    shown = Shown()
    shown.play(planned("RUN a"), began(0))
    writes = shown.terminal.writes
    for _ in range(100):
        shown.live.take(wrote(0, b"line\n"))
        shown.live.tick()
    assert shown.terminal.writes == writes
    shown.play()
    assert shown.terminal.writes == writes + 1


def test_colours_only_where_they_are_wanted() -> None:
    for colours in (True, False):
        shown = Shown(colours=colours)
        written: list[str] = []
        shown.live._write = written.append
        shown.play(planned("RUN a", "RUN b"), ended(0, cached=True), began(1), wrote(1, b"x\n"))
        shown.end()
        assert ("\x1b[36m" in "".join(written)) is colours
        assert ("\x1b[2m" in "".join(written)) is colours


@pytest.mark.parametrize("columns", [1, 12, 40, 200])
@pytest.mark.parametrize("height", [1, 2, 3, 5, 24])
def test_it_fits_any_screen(columns: int, height: int) -> None:
    # The terminal complains when the cursor goes to what has scrolled away.
    shown = Shown(columns, height)
    chance = random.Random(columns * 100 + height)
    shown.play(planned(*(f"RUN step {n} {'long ' * 20}" for n in range(20))))
    for n in range(20):
        shown.play(began(n), wrote(n, b"output that is rather long, and longer\n" * 10))
        shown.play(moved(f"image{n}:1 aa", "Downloading", n, 100))
        if chance.random() < 0.5:
            shown.play(ended(n, seconds=1.0))
        assert max(map(len, shown.terminal.rows)) <= columns
    for n in range(20):
        shown.live.take(ended(n, seconds=1.0))
    lines = shown.end()
    if columns >= 40:
        assert len(lines) == 21
        assert lines[-1].startswith("[+] 20/20 steps")


def test_long_sentences_wrap_and_leave_nothing_behind() -> None:
    shown = Shown(20)
    shown.play(planned("RUN a"), began(0), wrote(0, b"a line of output\n" * 9))
    seen = shown.play({"event": "said", "text": "word " * 9 + "end"}, ended(0, seconds=1.0))
    assert seen == [
        "word word word word", "word word word word", "word end",
        " => [1/1] RUN… 1.0s", "[+] 1/1 steps, 0.2s",
    ]  # fmt: skip


def test_a_screen_that_becomes_smaller() -> None:
    shown = Shown(80, 24)
    shown.play(planned(*(f"RUN {n}" for n in range(10))), *map(began, range(10)))
    for columns, height in itertools.pairwise((80, 30, 12, 40, 24)):
        shown.terminal.columns, shown.terminal.height = columns, max(height, 12)
        shown.play()
    assert len(shown.terminal.shown()) <= 24
