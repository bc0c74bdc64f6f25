"""COPY and ADD: writes what was selected into the layer that a step makes.

The destination is looked for in all layers, and links on the way to it, and at its end, lead inside
the image only. Where it is a directory, or has to be one, a file keeps its name in it; of a
directory the content is copied. What is missing on the way is made, with mode 0755. In case of
doubt everything is as in dockerd's classic builder, but for what BuildKit has mended: setuid
survives a change of owner, `--chown` counts for all that is made, and a directory does not give way
to a file.

After a failure the layer is worthless: the caller removes it whole.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.build.context.plain import holds_archive
from wherry.build.context.select import Pick
from wherry.build.context.tree import Kind
from wherry.build.ops.chmod import Chmod
from wherry.build.ops.content import Contents
from wherry.build.ops.unpack import unpack
from wherry.build.ops.upper import CopyError, Owner, Upper
from wherry.build.ops.writer import NonDirectoryInTheWayError, Writer
from wherry.store.layers.view import LayerView, is_directory


class SeveralSourcesError(InvalidError):
    """Several files cannot all have the destination's name; docker's words."""

    def __init__(self, keyword: str) -> None:
        super().__init__(
            f"When using {keyword} with more than one source file, the destination must be a"
            " directory and end with a /"
        )


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to. `path` is absolute; `directory` says that it must be one, as by its slash."""

    path: bytes
    directory: bool = False


@dataclass(frozen=True, slots=True)
class How:
    """In which way.

    `owner` None keeps the owners of the source: what is copied from a stage or an image without
    `--chown`. Files of a context are root's otherwise. `link` is `COPY --link`: what is below does
    not count. `unpack` is for files that are archives, whose owners are then those of the archive
    unless `chown` says that `owner` was asked for.
    """

    keyword: str = "COPY"
    owner: Owner | None = None
    chown: bool = False
    chmod: Chmod | None = None
    link: bool = False
    unpack: bool = False


def copy(upper: str, below: LayerView, picks: Sequence[Pick], where: Destination, how: How) -> None:
    """Write all picks into `upper`, a directory on the host that becomes the layer above `below`.

    It is empty at first; one step may copy several times. Raises SeveralSourcesError,
    NonDirectoryInTheWayError, DirectoryInTheWayError, CopyError, LinkLoopError, DiskFullError, and
    what a tree or an archive raises.
    """
    if len(picks) > 1 and not where.directory:
        raise SeveralSourcesError(how.keyword)
    if how.link:
        below = LayerView([])
    with contextlib.closing(Upper(upper, below)) as layer, layer.errors_named():
        for pick in picks:
            _Copier(layer, where, how).copy(pick)


@dataclass(frozen=True, slots=True)
class _Copier:
    upper: Upper
    where: Destination
    how: How

    def copy(self, pick: Pick) -> None:
        self.upper.current = self.where.path.strip(b"/")
        target = self.upper.view.resolve(self.where.path)
        writer = Writer(self.upper, self.how.owner, self.how.chmod)
        if pick.node.kind is Kind.DIRECTORY:
            self._directory(pick, target, writer)
        elif self.how.unpack and self._is_archive(pick):
            self._archive(pick, target)
        else:
            self._file(pick, target, writer)

    def _directory(self, pick: Pick, target: bytes, writer: Writer) -> None:
        there = self.upper.view.merged(target)
        if there and not is_directory(there[0]):
            raise NonDirectoryInTheWayError(target)
        folder = self.upper.make(target, writer.new_owner)
        try:
            if not there and writer.chmod is not None:
                os.fchmod(folder.descriptor, writer.chmod(pick.node.mode, True))
            writer.merge(pick.tree, pick.node, folder)
        finally:
            os.close(folder.descriptor)

    @staticmethod
    def _is_archive(pick: Pick) -> bool:
        if pick.node.kind is not Kind.FILE:
            return False
        with pick.tree.open(pick.node) as file:
            return holds_archive(file)

    def _archive(self, pick: Pick, target: bytes) -> None:
        owner = self.how.owner if self.how.chown else None
        # A mode that is asked for is for what is copied: an archive says its own.
        writer = Writer(self.upper, owner, replaces=True)
        os.close(self.upper.make(target, writer.new_owner).descriptor)
        with pick.tree.open(pick.node) as file:
            unpack(file, target, writer)

    def _file(self, pick: Pick, target: bytes, writer: Writer) -> None:
        there = self.upper.view.merged(target)
        into = self.where.directory or bool(there and is_directory(there[0]))
        parent, _, name = (target, b"", pick.name) if into else target.rpartition(b"/")
        if not name:
            raise CopyError(target, "a file without a name")
        folder = self.upper.make(parent, writer.new_owner)
        try:
            writer.put(folder, name, pick.node, Contents(pick.tree))
        finally:
            os.close(folder.descriptor)
