"""Unpacks the tar of a build's result into a directory of the user's.

What is in the tar was made by programs that nobody vouches for, so no name in it leads out of the
directory: every component is opened by itself, and a symbolic link on the way is refused, whether
it came with the tar or was there before. Files belong to whoever builds. What exists is replaced,
except that a directory stays and gets more. Devices and sockets are left out and named in
`skipped`. After a failure the directory has what came before it.
"""

from __future__ import annotations

import os
import tarfile
from typing import BinaryIO

from wherry.base.errors import InvalidError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 18


class UnsafeNameError(InvalidError):
    """A name leads out of the directory."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"cannot unpack {name!r}: {why}")


class Unpacker:
    """Unpacks into one directory."""

    def __init__(self, directory: str) -> None:
        os.makedirs(directory, exist_ok=True)
        self._root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._times: list[tuple[str, int, int]] = []
        self.skipped: list[str] = []

    def unpack(self, source: BinaryIO) -> None:
        """Unpack a tar stream; raises UnsafeNameError, OSError and tarfile.TarError."""
        try:
            with tarfile.open(fileobj=source, mode="r|", encoding="utf-8") as archive:
                for entry in archive:
                    self._entry(archive, entry)
            self._finish_directories()
        finally:
            os.close(self._root)

    def _entry(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        parts = _parts(entry.name)
        if not parts:
            return
        parent = self._open(parts[:-1], entry.name)
        try:
            if entry.isdir():
                self._directory(parent, parts[-1], entry)
            elif entry.isreg():
                self._file(parent, parts[-1], archive, entry)
            elif entry.issym():
                _clear(parent, parts[-1])
                os.symlink(entry.linkname, parts[-1], dir_fd=parent)
                _set_time(parent, parts[-1], entry.mtime)
            elif entry.islnk():
                self._link(parent, parts[-1], entry)
            else:
                self.skipped.append(entry.name)
        finally:
            os.close(parent)

    def _open(self, parts: list[str], name: str) -> int:
        """Open a directory below the root, made where it is missing."""
        fd = os.dup(self._root)
        for part in parts:
            try:
                below = _open_or_make(fd, part)
            except NotADirectoryError as error:
                raise UnsafeNameError(name, f"{part!r} is a link or a file there") from error
            finally:
                os.close(fd)
            fd = below
        return fd

    def _directory(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        try:
            fd = _open_or_make(parent, name)
        except NotADirectoryError:
            os.unlink(name, dir_fd=parent)
            fd = _open_or_make(parent, name)
        os.close(fd)
        # Permissions and times come last: what is put into it needs the one and changes the other.
        self._times.append((entry.name, entry.mode, int(entry.mtime)))

    def _finish_directories(self) -> None:
        for name, mode, mtime in reversed(self._times):
            fd = self._open(_parts(name), name)
            try:
                os.fchmod(fd, mode & 0o7777)
                os.utime(fd, (mtime, mtime))
            finally:
                os.close(fd)

    def _file(
        self, parent: int, name: str, archive: tarfile.TarFile, entry: tarfile.TarInfo
    ) -> None:
        _clear(parent, name)
        content = archive.extractfile(entry)
        assert content is not None, "it is a regular file"
        with open(os.open(name, _CREATE, 0o600, dir_fd=parent), "wb", buffering=0) as file:
            while data := content.read(_PIECE):
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
            os.fchmod(file.fileno(), entry.mode & 0o7777)
            os.utime(file.fileno(), (entry.mtime, entry.mtime))

    def _link(self, parent: int, name: str, entry: tarfile.TarInfo) -> None:
        target = _parts(entry.linkname)
        if not target:
            raise UnsafeNameError(entry.name, "it is a hard link to nothing")
        source = self._open(target[:-1], entry.linkname)
        try:
            _clear(parent, name)
            os.link(target[-1], name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source)


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafeNameError(name, "it leads out of the directory")
    return parts


def _open_or_make(parent: int, name: str) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=parent)
        return os.open(name, _DIRECTORY, dir_fd=parent)


def _clear(parent: int, name: str) -> None:
    """Remove a file that is in the way; a directory with something in it stays, and that fails."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        os.rmdir(name, dir_fd=parent)


def _set_time(parent: int, name: str, mtime: float) -> None:
    os.utime(name, (mtime, mtime), dir_fd=parent, follow_symlinks=False)
