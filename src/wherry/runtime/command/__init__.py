"""`wherry-runtime`: this runtime as an OCI command, for podman, containerd and people.

    create    prepare a container up to its exec; it waits in <root>/<id>/start
    start     let it exec
    state, kill, delete, pause, resume, exec, run, features

Each verb is a file. Its state is in `records`; nothing runs between two commands but the container.
Flags and words are runc's, where those that call it rely on them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from wherry.runtime.command import sealing


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line (by default this process's own) and return its exit status."""
    words = sys.argv[1:] if words is None else words
    if sealing.STARTING.intersection(words):
        # Before much is loaded, for it begins anew; `verb` looks again, once the words are parsed.
        with contextlib.suppress(OSError):
            sealing.run_from_sealed_copy(words)
    from wherry.runtime.command import arguments, reporting  # noqa: PLC0415 - see above

    parsed = arguments.parse(words)
    with reporting.reported(parsed) as outcome:
        outcome.status = arguments.verb(parsed, words)
    return outcome.status
