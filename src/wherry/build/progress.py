"""What a build tells while it runs: values, for whoever shows them.

A step is named by its number in the plan, from 0. Times are nanoseconds since the epoch, durations
seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.base.values import dataclass, field


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step that will be shown. `stage` is the stage's name, or `stage-N` without one.

    `note` marks an instruction that changes no files: it takes no time.
    """

    number: int
    stage: str
    text: str  # the instruction as written, `RUN make`
    line: int = 0
    note: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """All steps, in the order of the file; the first event once the file has been read."""

    steps: Sequence[PlannedStep]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """A step is at work."""

    number: int


@dataclass(frozen=True, slots=True)
class Wrote:
    """A step's process has written; `stream` is "stdout" or "stderr"."""

    number: int
    stream: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """Something of a step, such as a layer of its base image, is so far; bytes, total 0 unknown.

    `number` is -1 for what belongs to no step: the context, the export.
    """

    number: int
    what: str
    status: str
    current: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A step has ended. `why` says in one sentence why it was cached or not, `changed` which files.

    `error` is empty for success.
    """

    number: int
    cached: bool = False
    seconds: float = 0.0
    why: str = ""
    changed: Sequence[str] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A check has found something: `rule` in `place` (first and last line), with `snippet`."""

    rule: str
    message: str
    first: int
    last: int
    url: str = ""
    description: str = ""
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the user that belongs to no step."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The build has succeeded; `image` is the id, "" where the output is no image."""

    image: str
    names: Sequence[str] = field(default_factory=list)
    seconds: float = 0.0
    cached: int = 0
    steps: int = 0


Event = Planned | Began | Wrote | Moved | Ended | Found | Said | Finished
Report = Callable[[Event], None]
