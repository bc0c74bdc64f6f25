"""Starting a keeper, from the engine: sealed, detached, on a socket that is there before it is.

CVE-2019-5736: a process in a container can open /proc/<pid>/exe of one that enters it, and write to
that file once nobody executes it. So the keeper, and every child it forks, runs from a copy of the
interpreter in memory whose content nobody can change: a sealed memfd, one for all keepers of an
engine. `argv[0]` stays the interpreter's own path, by which it finds its standard library.

`subprocess`, which forks without copying the engine's page tables (vfork). posix_spawn does so too,
but leaves signals 32 and 33 ignored, which every container would inherit.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Final

import wherry
from wherry.base.values import dataclass
from wherry.keeper import exits, stdio
from wherry.linux.sealed import sealed_copy

_BACKLOG: Final = 16
_MOST_BY_DEFAULT: Final = 4
# Isolated and without site-packages: only the standard library and this package.
PROGRAM: Final = """\
import sys
sys.path.append(sys.argv[1])
from wherry.keeper.serve import main
from wherry.runtime import launch
main(sys.argv[2], int(sys.argv[3]), launch)
"""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A keeper that was started, and its socket, on which one can connect at once."""

    pid: int
    path: str


def socket_path(exec_root: str, index: int) -> str:
    """Return the path of a keeper's socket."""
    return f"{exec_root}/keeper-{index}.sock"


def default_count() -> int:
    """Return how many keepers to use unless told otherwise."""
    return min(os.cpu_count() or 1, _MOST_BY_DEFAULT)


def prepare(exec_root: str) -> None:
    """Make the directories that keepers use; for root alone."""
    for directory in (exec_root, exits.directory_of(exec_root), stdio.directory_of(exec_root)):
        os.makedirs(directory, mode=0o711, exist_ok=True)
    for directory in (exits.directory_of(exec_root), stdio.directory_of(exec_root)):
        os.chmod(directory, 0o700)


def sealed_interpreter() -> int:
    """Return a descriptor of a copy of the running interpreter that can never be changed."""
    return sealed_copy(os.path.realpath(sys.executable), "wherry-keeper")


def spawn(exec_root: str, index: int, interpreter: int, program: str = PROGRAM) -> Spawned:
    """Start keeper `index`. `interpreter` is a sealed copy; `program` is for tests."""
    path = socket_path(exec_root, index)
    listening = _listen(path)
    package = os.path.dirname(os.path.dirname(os.path.abspath(wherry.__file__)))
    words = [sys.executable, "-I", "-S", "-c", program, package, exec_root]
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    log = os.open(f"{exec_root}/keeper-{index}.log", log_flags, 0o600)
    try:
        process = subprocess.Popen(
            [*words, str(listening.fileno())],
            executable=f"/proc/self/fd/{interpreter}",
            env={"LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=(interpreter, listening.fileno()),
            start_new_session=True,
        )
    finally:
        os.close(log)
        listening.close()
    # The caller reaps it, by pidfd; `subprocess` is not to.
    process.returncode = 0
    return Spawned(process.pid, path)


def spawn_first(exec_root: str) -> Spawned | None:
    """Start the first keeper, and do not wait for it; None when it is there.

    For an engine that starts, before it loads the rest of itself: both take as long as each other.
    """
    prepare(exec_root)
    if listens(socket_path(exec_root, 0)):
        return None
    interpreter = sealed_interpreter()
    try:
        return spawn(exec_root, 0, interpreter)
    finally:
        os.close(interpreter)


def listens(path: str) -> bool:
    """Tell whether a keeper serves this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK) as probe:
        return probe.connect_ex(path) == 0


def _listen(path: str) -> socket.socket:
    """Make the socket; a path left by a dead keeper is replaced."""
    if os.path.exists(path):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listening.bind(path)
        os.chmod(path, 0o600)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening
