"""Looking at and removing a directory with all that is in it, whoever filled it.

`shutil.rmtree` goes down by recursion with a descriptor for each level: a directory some thousand
levels deep, which any program can make, is beyond it. Here such a tree is made flat instead: every
directory is moved up to the top before the one that it was in is removed. Links are not followed,
and nothing may be written below while this is at work.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from itertools import count


def size_below(top: str) -> int:
    """Return the bytes in the files below a directory, every hard-linked file once."""
    return sum({(told.st_dev, told.st_ino): told.st_size for told in files_below(top)}.values())


def files_below(top: str) -> Iterator[os.stat_result]:
    """Yield what the kernel tells of all below a directory that is no directory itself.

    What goes away meanwhile, and what lies too deep for a path, is left out. Not by recursion, for
    which a container can make too many levels.
    """
    pending = [top]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        with contextlib.suppress(FileNotFoundError):
                            yield entry.stat(follow_symlinks=False)
        except OSError:
            continue


def remove_tree(path: str) -> None:
    """Remove a directory; raises OSError and leaves the rest where something cannot be removed."""
    try:
        shutil.rmtree(path)
    except RecursionError:
        _remove_flat(path)
    except OSError:
        # Out of descriptors, or really not to be removed: then this fails, too, and says why.
        _remove_flat(path)


def _remove_flat(path: str) -> None:
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        numbers = count()
        while folders := _empty_but_folders(top):
            for name in folders:
                _lift(top, name, numbers)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(path)


def _lift(top: int, name: str, numbers: count[int]) -> None:
    """Move what a folder has up to the top, under names that nobody has."""
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)
    try:
        for child in _empty_but_folders(folder):
            moved = f".lifted-{os.urandom(8).hex()}-{next(numbers)}"
            os.rename(child, moved, src_dir_fd=folder, dst_dir_fd=top)
    finally:
        os.close(folder)


def _empty_but_folders(folder: int) -> list[str]:
    """Remove all but directories from an open directory, and return the names of those."""
    kept = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                kept.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return kept
