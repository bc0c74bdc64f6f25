"""The name that the program answers by: `wherry`, or `docker` where a link of that name started it.

Pure but for the words of the process. What scripts read of docker's client is worded by this name.
"""

from __future__ import annotations

import os
import sys

OWN = "wherry"
DOCKER = "docker"
# What `docker --version` says: the client whose flags, words and answers these are.
DOCKER_VERSION = "28.5.0"


def name() -> str:
    """Return the name that the user called."""
    called = os.path.basename(sys.argv[0]) if sys.argv else ""
    return DOCKER if called == DOCKER else OWN


def version() -> str:
    """Return the one line of `--version`, in docker's form where docker was called."""
    from wherry import __version__  # noqa: PLC0415 - asked for rarely

    if name() == DOCKER:
        return f"Docker version {DOCKER_VERSION}, build {OWN}"
    return f"wherry version {__version__}"
