"""The standard streams of a container: pipes of which each side gets its ends.

    <exec-root>/stdio/<id>      inode numbers of the output pipes, while the container is held

The container holds its output pipes open for reading as well as writing. As it is its own reader,
it never gets SIGPIPE: with keeper and engine both dead, output waits in the pipe, and whoever comes
next finds the pipe by its inode among the descriptors of processes, opens it there and reads on.
(A named FIFO would be found more easily, but /proc/self/fd would show its name to the container.)
Everyone may write to the pipes, so that a container's user can open /dev/stdout.

Standard input is a plain pipe: it has to end when the last of our write ends is closed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

from wherry.base.values import dataclass, field
from wherry.keeper.protocol import Custody

_PIPE_MODE: Final = 0o622
_OUR_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
OUTPUTS: Final = ("stdout", "stderr")


def directory_of(exec_root: str) -> str:
    """Return the directory of the inode numbers."""
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
            ours, theirs = _output_pipe()
            setattr(custody, name, ours)
            stdio.ends.append(theirs)
        _remember(_path(exec_root, custody.id), stdio.ends[1:])
    except BaseException:
        stdio.close()
        raise
    return stdio


def open_relay(custody: Custody) -> None:
    """Make the pipe through which a terminal's output goes to the log."""
    custody.stdout, custody.relay = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)


def reopen_outputs(exec_root: str, custody: Custody) -> None:
    """Open the output pipes of a running container anew, for one whose holders are all gone."""
    try:
        with open(_path(exec_root, custody.id), encoding="ascii") as file:
            inodes = file.read().split()
    except FileNotFoundError:
        return  # it has a terminal
    wanted = {f"pipe:[{inode}]": name for inode, name in zip(inodes, OUTPUTS, strict=True)}
    others = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    for pid in (custody.pid, *others):
        for path, link in _descriptors_of(pid):
            name = wanted.get(link)
            if name is not None:
                with contextlib.suppress(OSError):
                    setattr(custody, name, os.open(path, _OUR_READ))
                    del wanted[link]
        if not wanted:
            return


def remove_stdio(exec_root: str, identifier: str) -> None:
    """Remove what is on disk of a process's streams, if there is anything."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(exec_root, identifier))


def _output_pipe() -> tuple[int, int]:
    """Return our read end, which does not block, and the container's, for reading and writing."""
    ours, write_only = os.pipe2(os.O_CLOEXEC)
    try:
        os.fchmod(write_only, _PIPE_MODE)
        os.set_blocking(ours, False)
        return ours, os.open(f"/proc/self/fd/{write_only}", os.O_RDWR | os.O_CLOEXEC)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(write_only)


def _remember(path: str, descriptors: list[int]) -> None:
    inodes = " ".join(str(os.fstat(descriptor).st_ino) for descriptor in descriptors)
    with open(path, "w", encoding="ascii") as file:
        file.write(inodes)


def _descriptors_of(pid: int) -> Iterator[tuple[str, str]]:
    """Yield path and target of each descriptor of a process, as far as it lives."""
    directory = f"/proc/{pid}/fd"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for name in os.listdir(directory):
            with contextlib.suppress(FileNotFoundError):
                yield f"{directory}/{name}", os.readlink(f"{directory}/{name}")


def _path(exec_root: str, identifier: str) -> str:
    return f"{directory_of(exec_root)}/{identifier}"
