"""A directory as a context: looked through once, then sent as a tar.

Looking through first costs no more than looking while sending, and tells how much there is to send.
Files are in the order of their names' bytes, a directory before what is in it. Directories that are
ignored are sent for the sake of what is kept below them. Files with several names are sent once,
with hard links. Sockets cannot be sent: `sockets` names them afterwards.

Whoever takes the chunks may do other things between them; an empty chunk only says that there is
nothing yet. A file that cannot be read ends it with UnreadableError: nothing is left out silently.
A file that grows meanwhile is sent as long as it was.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from errno import EACCES, EPERM
from typing import NamedTuple

from wherry.base.errors import InvalidError
from wherry.client.context import headers
from wherry.client.context.headers import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Ignoring(Protocol):
        """What leaves files out; `wherry.build.dockerfile.ignore.Matcher` is one."""

        def ignored(self, path: bytes) -> bool:
            """Say whether a path, relative to the root, is left out."""

        def may_contain(self, path: bytes) -> bool:
            """Say whether anything below an ignored directory could be kept."""


PIECE = 1 << 18
_AT_ONCE = 1000
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_CAPABILITY = b"security.capability"
_KINDS = {
    stat.S_IFREG: headers.FILE,
    stat.S_IFDIR: headers.DIRECTORY,
    stat.S_IFLNK: headers.LINK,
    stat.S_IFCHR: headers.CHARACTER,
    stat.S_IFBLK: headers.BLOCK_DEVICE,
    stat.S_IFIFO: headers.FIFO,
}


class _Found(NamedTuple):
    """What was seen of a file; `identity` if it has other names. A tuple, for there are many."""

    path: bytes
    mode: int
    size: int
    mtime: int
    identity: tuple[int, int] | None
    rdev: int


class UnreadableError(InvalidError):
    """A file of a context cannot be read; docker's words where it has some."""

    def __init__(self, path: bytes, error: OSError) -> None:
        name = os.fsdecode(path)
        if error.errno in (EACCES, EPERM):
            text = f"no permission to read from '{name}'"
        else:
            text = f"can't stat '{name}': {(error.strerror or str(error)).lower()}"
        super().__init__(
            f"error checking context: {text}; make it readable, or name it in .dockerignore"
        )


class ChangedError(InvalidError):
    """A file became shorter while it was read."""

    def __init__(self, path: bytes) -> None:
        super().__init__(
            f"error checking context: '{os.fsdecode(path)}' changed while it was read; build "
            "again, or name it in .dockerignore"
        )


class Directory:
    """One directory, for one sending.

    `total` is how many bytes it will be, 0 as long as nobody knows: not to the byte, for hard links
    are smaller and long names larger than it counts.
    """

    def __init__(self, root: str, ignoring: Ignoring | None = None) -> None:
        self._root = os.fsencode(root)
        self._prefix = self._root.rstrip(b"/") + b"/"
        self._ignoring = ignoring
        self._found: list[_Found] = []
        self.sockets: list[bytes] = []
        self.total = 0

    def chunks(self) -> Iterator[bytes]:
        """Yield the archive; raises UnreadableError and ChangedError."""
        yield from self._look()
        yield from self._send()

    def _look(self) -> Iterator[bytes]:
        """Fill the list of files; yields nothing, but often."""
        pending = [iter(self._listed(b""))]
        above: list[_Found | None] = []  # directories on the way that are not in the list yet
        count = 0
        while pending:
            found = next(pending[-1], None)
            if found is None:
                pending.pop()
                if above:
                    above.pop()
                continue
            count += 1
            if not count % _AT_ONCE:
                yield b""
            kept = self._ignoring is None or not self._ignoring.ignored(found.path)
            if kept:
                self._keep(found, above)
            if stat.S_ISDIR(found.mode) and (kept or self._may_contain(found.path)):
                pending.append(iter(self._listed(found.path)))
                above.append(None if kept else found)
        self.total = sum(_length(found) for found in self._found) + len(headers.END)

    def _keep(self, found: _Found, above: list[_Found | None]) -> None:
        self._found += filter(None, above)
        above[:] = [None] * len(above)
        if stat.S_ISSOCK(found.mode):
            self.sockets.append(found.path)
        else:
            self._found.append(found)

    def _may_contain(self, path: bytes) -> bool:
        return self._ignoring is not None and self._ignoring.may_contain(path)

    def _listed(self, directory: bytes) -> list[_Found]:
        """Return what is in a directory, sorted."""
        path = self._prefix + directory
        prefix = directory + b"/" if directory else b""
        try:
            with os.scandir(path) as entries:
                found = [_described(prefix + entry.name, entry) for entry in entries]
        except OSError as error:
            raise UnreadableError(os.fsencode(error.filename or path), error) from error
        found.sort()
        return found

    def _send(self) -> Iterator[bytes]:
        held = bytearray()
        names: dict[tuple[int, int], bytes] = {}
        for found in self._found:
            if stat.S_ISREG(found.mode) and found.size <= PIECE:
                held += self._small(found, names)
            else:
                entry = self._entry(found, names)
                held += headers.header(entry)
                if entry.kind == headers.FILE:
                    yield bytes(held)
                    yield from self._pieces(found)
                    held = bytearray(headers.padding(entry.size))
            if len(held) >= PIECE:
                yield bytes(held)
                held.clear()
        yield bytes(held) + headers.END

    def _small(self, found: _Found, names: dict[tuple[int, int], bytes]) -> bytes:
        """Return a small file with its header."""
        path, mode, size, mtime, identity, _ = found
        head = None
        if identity is None and not mode & 0o111:
            head = headers.plain_header(path, stat.S_IMODE(mode), size, mtime)
        if head is None:
            entry = self._entry(found, names)
            head = headers.header(entry)
            if entry.kind != headers.FILE:
                return head
        return head + self._content(found) + headers.padding(size) if size else head

    def _entry(self, found: _Found, names: dict[tuple[int, int], bytes]) -> Entry:
        path, mode, mtime, identity = found.path, found.mode, found.mtime, found.identity
        permissions = stat.S_IMODE(mode)
        kind = _KINDS[stat.S_IFMT(mode)]
        if identity is not None:
            first = names.setdefault(identity, path)
            if first != path:
                return Entry(path, headers.HARD_LINK, permissions, mtime=mtime, target=first)
        if kind == headers.DIRECTORY:
            return Entry(path + b"/", kind, permissions, mtime=mtime)
        if kind == headers.LINK:
            return Entry(path, kind, permissions, mtime=mtime, target=self._target(path))
        if kind == headers.FILE:
            held = self._capability(path) if mode & 0o111 else b""
            return Entry(path, kind, permissions, size=found.size, mtime=mtime, capability=held)
        numbers = os.major(found.rdev), os.minor(found.rdev)
        return Entry(path, kind, permissions, mtime=mtime, rdev=numbers)

    def _target(self, path: bytes) -> bytes:
        whole = self._prefix + path
        try:
            return os.readlink(whole)
        except OSError as error:
            raise UnreadableError(whole, error) from error

    def _capability(self, path: bytes) -> bytes:
        """Return what a program may do besides; only programs can have that."""
        try:
            return os.getxattr(self._prefix + path, _CAPABILITY, follow_symlinks=False)
        except OSError:
            return b""

    def _content(self, found: _Found) -> bytes:
        """Return a small file; nearly always one reading is enough."""
        path = self._prefix + found.path
        try:
            fd = os.open(path, _FLAGS)
            try:
                data = os.read(fd, found.size)
                while len(data) < found.size:
                    more = os.read(fd, found.size - len(data))
                    if not more:
                        raise ChangedError(path)
                    data += more
            finally:
                os.close(fd)
        except OSError as error:
            raise UnreadableError(path, error) from error
        return data

    def _pieces(self, found: _Found) -> Iterator[bytes]:
        whole, left = self._prefix + found.path, found.size
        try:
            fd = os.open(whole, _FLAGS)
            try:
                while left:
                    data = os.read(fd, min(left, PIECE))
                    if not data:
                        raise ChangedError(whole)
                    left -= len(data)
                    yield data
            finally:
                os.close(fd)
        except OSError as error:
            raise UnreadableError(whole, error) from error


def _described(path: bytes, entry: os.DirEntry[bytes]) -> _Found:
    found = entry.stat(follow_symlinks=False)
    mode = found.st_mode
    shared = found.st_nlink > 1 and not stat.S_ISDIR(mode)
    identity = (found.st_dev, found.st_ino) if shared else None
    seconds = found.st_mtime_ns // 1_000_000_000
    return _Found(path, mode, found.st_size, seconds, identity, found.st_rdev)


def _length(found: _Found) -> int:
    content = found.size if stat.S_ISREG(found.mode) else 0
    return headers.BLOCK + content + -content % headers.BLOCK
