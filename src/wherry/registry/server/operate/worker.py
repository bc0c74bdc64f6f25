"""What a worker is told by its parent: one word on its command line.

    NUMBER:PARENT:PORT:READY:FILE,FILE,…

The number of the worker, the parent's pid, the port to share, the descriptor to say on that it
serves, and descriptors for the figures of each worker.
"""

from __future__ import annotations

import os
import signal

from wherry.base.errors import CancelledError
from wherry.base.values import dataclass
from wherry.linux.prctl import PR_SET_PDEATHSIG, prctl


class ParentGoneError(CancelledError):
    """The parent of a worker has ended."""

    def __init__(self) -> None:
        super().__init__("the process that started this worker has ended")


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several processes that share a port."""

    number: int
    parent: int
    port: int
    ready: int
    files: tuple[int, ...]

    def word(self) -> str:
        """Return it for a command line."""
        files = ",".join(map(str, self.files))
        return f"{self.number}:{self.parent}:{self.port}:{self.ready}:{files}"

    def end_with_parent(self) -> None:
        """Have the kernel stop this process when its parent ends; raises ParentGoneError."""
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # It may have ended before we asked.
        if os.getppid() != self.parent:
            raise ParentGoneError

    def say_ready(self) -> None:
        """Tell the parent that this worker serves."""
        os.write(self.ready, bytes([self.number]))


def read_worker(word: str) -> Worker:
    """Read what `Worker.word` has written; raises ValueError."""
    number, parent, port, ready, files = word.split(":")
    return Worker(
        int(number), int(parent), int(port), int(ready), tuple(map(int, files.split(",")))
    )
