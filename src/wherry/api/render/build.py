"""A build in the words of the classic builder: what docker, docker-py and compose read.

Steps are done at once and out of order, but told in the order of the file: what a later step says
waits until those before it have ended. Lines that clients parse: `Step 1/3 : …`, ` ---> …`,
`Successfully built <id>`, `Successfully tagged <name>`, and the `aux` with the image's id.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from typing import assert_never

from wherry.build import progress
from wherry.wire.progress import ProgressDetail, ProgressLine, bar

_SHORT = 12
_KEPT_AT_MOST = 2000


class Classic:
    """Turns events into lines; `quiet` leaves all but the result away, unless there is none."""

    def __init__(self, report: Callable[[ProgressLine], None], *, quiet: bool = False) -> None:
        self._report = report
        self._quiet = quiet
        self._steps: dict[int, progress.PlannedStep] = {}
        self._waiting: defaultdict[int, list[ProgressLine]] = defaultdict(list)
        self._ended: set[int] = set()
        self._shown = 0
        self._kept: deque[ProgressLine] = deque(maxlen=_KEPT_AT_MOST)

    def __call__(self, event: progress.Event) -> None:
        """Take an event."""
        match event:
            case progress.Planned():
                self._steps = {step.number: step for step in event.steps}
                self._announce()
            case progress.Began():
                pass  # told when it is the step's turn
            case progress.Wrote():
                self._add(event.number, event.data.decode("utf-8", "replace"))
            case progress.Ended():
                self._end(event)
            case progress.Moved():
                self._moved(event)
            case progress.Found():
                pass  # the classic builder had no checks, and scripts compare what it prints
            case progress.Said():
                self._tell(f"{event.text}\n")
            case progress.Finished():
                self._finished(event)
            case _:
                assert_never(event)

    def _tell(self, text: str) -> None:
        self._line(ProgressLine(stream=text))

    def _line(self, line: ProgressLine) -> None:
        if self._quiet:
            self._kept.append(line)
        else:
            self._report(line)

    def failed(self) -> None:
        """Tell what a quiet build has kept to itself: now it is of interest, as dockerd does."""
        for line in self._kept:
            self._report(line)
        self._kept.clear()

    def _add(self, number: int, text: str) -> None:
        """Tell of a step at once if it is its turn, or keep it until then."""
        if number == self._shown:
            self._tell(text)
        else:
            self._waiting[number].append(ProgressLine(stream=text))

    def _end(self, event: progress.Ended) -> None:
        if event.cached:
            self._add(event.number, " ---> Using cache\n")
        self._ended.add(event.number)
        while self._shown in self._ended:
            self._shown += 1
            self._announce()

    def _announce(self) -> None:
        """Begin to tell of the step whose turn it is."""
        step = self._steps.get(self._shown)
        if step is None:
            return
        self._tell(f"Step {step.number + 1}/{len(self._steps)} : {step.text}\n")
        for line in self._waiting.pop(step.number, ()):
            self._line(line)

    def _moved(self, event: progress.Moved) -> None:
        identity = event.what.rpartition(" ")[2]
        detail = ProgressDetail(event.current, event.total)
        drawn = bar(event.current, event.total)
        self._line(ProgressLine(event.status, detail, drawn, identity))

    def _finished(self, event: progress.Finished) -> None:
        if not event.image:
            return
        short = event.image.partition(":")[2][:_SHORT]
        if self._quiet:
            self._report(ProgressLine(stream=f"{event.image}\n"))
            return
        self._report(ProgressLine(aux={"ID": event.image}))
        for line in self._closing(event, short):
            self._tell(line)

    @staticmethod
    def _closing(event: progress.Finished, short: str) -> Iterator[str]:
        yield f"Successfully built {short}\n"
        for name in event.names:
            yield f"Successfully tagged {name}\n"
