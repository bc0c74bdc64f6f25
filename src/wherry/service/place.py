"""Puts files below a root: whole or not at all, and never over what somebody has changed unasked.

A path that is there with other content is an error that names all such paths, unless they are to be
replaced. Parents are made with mode 0755.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping

from wherry.base.atomic import write_file
from wherry.base.errors import ConflictError
from wherry.service.files import File


class ChangedFilesError(ConflictError):
    """Files that would be replaced differ from what was put there."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(paths)
        super().__init__(
            "these files are there already and differ: "
            + ", ".join(self.paths)
            + "; keep them, or use --force to replace them"
        )


def place(root: str, wanted: Mapping[str, File], *, replace: bool = False) -> list[str]:
    """Write what is not there yet; returns the paths that were written.

    Raises ChangedFilesError before anything was written, OSError.
    """
    changed = differing(root, wanted)
    if changed and not replace:
        raise ChangedFilesError(changed)
    written = [path for path, file in wanted.items() if not is_same(_below(root, path), file)]
    for path in written:
        _write(_below(root, path), wanted[path])
    return written


def differing(root: str, wanted: Mapping[str, File]) -> list[str]:
    """Return the paths that are there with another content or target."""
    return [
        path
        for path, file in wanted.items()
        if os.path.lexists(_below(root, path)) and not is_same(_below(root, path), file)
    ]


def remove(root: str, wanted: Mapping[str, File]) -> tuple[list[str], list[str]]:
    """Remove files that are as they were put there; returns those removed and those kept."""
    kept = differing(root, wanted)
    there = [path for path in wanted if os.path.lexists(_below(root, path))]
    removed = [path for path in there if path not in kept]
    for path in removed:
        os.unlink(_below(root, path))
    return removed, kept


def is_same(path: str, file: File) -> bool:
    """Tell whether this is at a path. Modes may differ: those are the administrator's."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if file.target:
        return stat.S_ISLNK(mode) and os.readlink(path) == file.target
    if not stat.S_ISREG(mode):
        return False
    with open(path, "rb") as opened:
        return opened.read(len(file.content) + 1) == file.content


def _below(root: str, path: str) -> str:
    return f"{root.rstrip('/')}{path}"


def _write(path: str, file: File) -> None:
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    if not file.target:
        write_file(path, file.content, file.mode)
        os.chmod(path, file.mode)  # whatever the umask says
        return
    partial = f"{path}.partial"
    if os.path.lexists(partial):
        os.unlink(partial)
    os.symlink(file.target, partial)
    os.replace(partial, path)
