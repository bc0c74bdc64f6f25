"""Goes through a directory by descriptor: everything below it, in the order of the names' bytes.

One descriptor is open at a time, however deep the tree is, and no link is followed. A container may
be changing the tree meanwhile: whoever comes back from a directory finds the one that it came from,
or ChangedError.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

from wherry.base.errors import ConflictError
from wherry.base.values import dataclass

_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_REPLACED: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENODEV)


class ChangedError(ConflictError):
    """Somebody changes what is being read."""

    def __init__(self, path: bytes) -> None:
        super().__init__(
            f"{os.fsdecode(path) or '/'} changed while it was being read: let nothing write to it"
        )


class Found(NamedTuple):
    """Something below the directory; `path` is relative to that.

    `folder` is a descriptor of where it is, open until the next step. With `leaving`, it is the
    second visit of a directory, after all that is in it. A tuple, for there are many.
    """

    folder: int
    name: bytes
    path: bytes
    told: os.stat_result
    leaving: bool = False


@dataclass(slots=True)
class _Level:
    names: Iterator[bytes]
    prefix: bytes
    identity: tuple[int, int]
    found: Found | None  # as what it was met in the one above


def walk(directory: str) -> Iterator[Found]:
    """Yield everything below: directories before what is in them, and once more after it."""
    folder = os.open(directory, _FLAGS)
    try:
        levels = [_level(folder, b"", None)]
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is None:
                levels.pop()
                if level.found is not None:
                    folder = _up(folder, levels[-1])
                    yield Found(folder, level.found.name, level.found.path, level.found.told, True)
                continue
            path = level.prefix + name
            found = Found(folder, name, path, _told(folder, name, path))
            yield found
            if stat.S_ISDIR(found.told.st_mode):
                folder = _down(folder, found)
                levels.append(_level(folder, path + b"/", found))
    finally:
        os.close(folder)


def open_file(found: Found) -> int:
    """Open a file that was found, for reading; raises ChangedError when it is no file any more."""
    # Whatever has come in its place, opening it does not wait.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    return _open(found, flags)


def _open(found: Found, flags: int) -> int:
    try:
        return os.open(found.name, flags, dir_fd=found.folder)
    except OSError as error:
        if error.errno in _REPLACED:
            raise ChangedError(found.path) from error
        raise


def _level(folder: int, prefix: bytes, found: Found | None) -> _Level:
    told = os.fstat(folder)
    names = iter(sorted(map(os.fsencode, os.listdir(folder))))
    return _Level(names, prefix, (told.st_dev, told.st_ino), found)


def _told(folder: int, name: bytes, path: bytes) -> os.stat_result:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError as error:
        raise ChangedError(path) from error


def _down(folder: int, found: Found) -> int:
    inner = _open(found, _FLAGS)
    os.close(folder)
    return inner


def _up(folder: int, level: _Level) -> int:
    outer = os.open(b"..", _FLAGS, dir_fd=folder)
    told = os.fstat(outer)
    if (told.st_dev, told.st_ino) != level.identity:
        os.close(outer)
        raise ChangedError(level.prefix)
    os.close(folder)
    return outer
