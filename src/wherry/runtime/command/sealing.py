"""Runs this program from a copy in memory that nobody can change, before it forks a container.

CVE-2019-5736: a container can make its runtime execute /proc/self/exe, and later write to that
file, which would be the host's Python. So it is a sealed memfd.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import wherry
from wherry.linux.sealed import sealed_copy

# Verbs that start a process which a container can look at.
STARTING: Final = frozenset({"create", "run", "exec"})
_NAME: Final = "wherry-runtime"
_PROGRAM: Final = """\
import sys
sys.path.append(sys.argv.pop(1))
from wherry.runtime.command import main
sys.exit(main())
"""


def run_from_sealed_copy(words: Sequence[str]) -> None:
    """Begin anew from a sealed copy of the interpreter, unless this is one. Raises OSError."""
    if os.readlink("/proc/self/exe").startswith(f"/memfd:{_NAME}"):
        return
    copy = sealed_copy(os.path.realpath(sys.executable), _NAME)
    package = os.path.dirname(os.path.dirname(os.path.abspath(wherry.__file__)))
    # Isolated and without site-packages: only the standard library and this package.
    arguments = [sys.executable, "-I", "-S", "-c", _PROGRAM, package, *words]
    os.execve(f"/proc/self/fd/{copy}", arguments, os.environ)
