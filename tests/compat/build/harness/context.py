"""Writes the context of a case into a directory."""

from __future__ import annotations

import os
from pathlib import Path

from compat.build.cases.model import CONTEXT_TIME, Case, File, Folder, Given, Hard, Link


def write_context(case: Case, root: Path) -> None:
    """Make `root` and write the case's Dockerfile and files into it, with fixed times."""
    root.mkdir(parents=True)
    times: dict[str, int] = {}
    for name, given in {case.file: case.text, **case.context}.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _write(path, given, root)
        if isinstance(given, File | Folder):
            times[path] = given.mtime
    for folder, names, files in os.walk(root, topdown=False):
        for name in (*names, *files):
            path = os.path.join(folder, name)
            when = times.get(path, CONTEXT_TIME)
            os.utime(path, (when, when), follow_symlinks=False)


def _write(path: str, given: Given, root: Path) -> None:
    match given:
        case str():
            _write_file(path, File(given))
        case File():
            _write_file(path, given)
        case Folder():
            os.makedirs(path, exist_ok=True)
            os.chown(path, *given.owner)
            os.chmod(path, given.mode)
        case Link():
            os.symlink(given.target, path)
        case Hard():
            os.link(root / given.target, path)


def _write_file(path: str, given: File) -> None:
    content = given.content
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    with open(path, "wb") as sink:
        sink.write(data)
    os.chown(path, *given.owner)
    os.chmod(path, given.mode)
    for name, value in given.xattrs.items():
        os.setxattr(path, name, value)
