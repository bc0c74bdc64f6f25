"""The files that hold a container's output; nobody else spells these names.

    containers/<id>/logs/
      index.0            fixed-size records (see `record`): what was written when
      stdout.0.raw       the bytes of standard output, and nothing else
      stderr.0.raw       the bytes of standard error; made when there are any
      index.1 …          the next segment, after a rotation

A number names a segment. The highest one is written, all others are complete and only ever removed,
oldest first. A segment exists when its index does; the raw files may be missing.
"""

from __future__ import annotations

import os

_INDEX = "index."


def index_path(directory: str, segment: int) -> str:
    """Return the path of a segment's index."""
    return f"{directory}/{_INDEX}{segment}"


def raw_path(directory: str, segment: int, stream: str) -> str:
    """Return the path of a segment's bytes of `stream`, "stdout" or "stderr"."""
    return f"{directory}/{stream}.{segment}.raw"


def segments(directory: str) -> list[int]:
    """Return the numbers of all segments, oldest first; none where the directory is missing."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    numbers = (name.removeprefix(_INDEX) for name in names if is_index(name))
    return sorted(int(number) for number in numbers if number.isdecimal())


def is_index(name: str) -> bool:
    """Tell whether a file of this name is an index, whose growth means news for readers."""
    return name.startswith(_INDEX)
