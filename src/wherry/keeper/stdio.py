"""The standard streams of a container: pipes of which each side gets its ends.

    <exec-root>/stdio/<id>.stdout, <id>.stderr      FIFOs, for as long as the container is held

Output goes through named FIFOs that the container holds open for reading as well as writing. As it
is its own reader, it never gets SIGPIPE: with keeper and engine both dead, output waits in the
pipe, and whoever comes next opens the FIFO by name and reads on. Everyone may write to them, so
that a container's user can open /dev/stdout; the directory lets nobody in from outside.

Standard input is a plain pipe: it has to end when the last of our write ends is closed.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import Final

from wherry.keeper.protocol import Custody

_FIFO_MODE: Final = 0o622
_OUR_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_ITS_WRITE: Final = os.O_RDWR | os.O_CLOEXEC
OUTPUTS: Final = ("stdout", "stderr")


def directory_of(exec_root: str) -> str:
    """Return the directory of the FIFOs."""
    return f"{exec_root}/stdio"


@dataclass(slots=True)
class Stdio:
    """The container's ends, to be closed after the fork."""

    ends: list[int] = field(default_factory=list)

    @property
    def triple(self) -> tuple[int, int, int]:
        """The descriptors that become 0, 1 and 2; -1 with a terminal."""
        return (self.ends[0], self.ends[1], self.ends[2]) if self.ends else (-1, -1, -1)

    def close(self) -> None:
        """Close the container's ends."""
        while self.ends:
            os.close(self.ends.pop())


def open_stdio(exec_root: str, custody: Custody, open_stdin: bool) -> Stdio:
    """Make the streams: our ends go to `custody`, the container's are returned. Raises OSError."""
    stdio = Stdio()
    try:
        if open_stdin:
            theirs, custody.stdin = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(custody.stdin, False)
        else:
            theirs = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        stdio.ends.append(theirs)
        for name in OUTPUTS:
            path = _path(exec_root, custody.id, name)
            _make_fifo(path)
            setattr(custody, name, os.open(path, _OUR_READ))
            stdio.ends.append(os.open(path, _ITS_WRITE))
    except BaseException:
        stdio.close()
        raise
    return stdio


def open_relay(custody: Custody) -> None:
    """Make the pipe through which a terminal's output goes to the log."""
    custody.stdout, custody.relay = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)


def reopen_outputs(exec_root: str, custody: Custody) -> None:
    """Open the FIFOs of a running container anew, for one whose holders are all gone."""
    for name in OUTPUTS:
        with contextlib.suppress(FileNotFoundError):
            setattr(custody, name, os.open(_path(exec_root, custody.id, name), _OUR_READ))


def remove_stdio(exec_root: str, identifier: str) -> None:
    """Remove the FIFOs, if there are any."""
    for name in OUTPUTS:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_path(exec_root, identifier, name))


def _make_fifo(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of an earlier run
    os.mkfifo(path)
    os.chmod(path, _FIFO_MODE)  # whatever the umask


def _path(exec_root: str, identifier: str, name: str) -> str:
    return f"{directory_of(exec_root)}/{identifier}.{name}"
