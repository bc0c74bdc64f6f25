"""COPY, ADD and WORKDIR as operations: what they depend on, and writing it into a layer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.values import dataclass, field
from wherry.build.context.digests import checksum, manifest
from wherry.build.context.memory import MemoryTree
from wherry.build.context.select import Options, Pick, select
from wherry.build.dockerfile.ignore import Matcher
from wherry.build.graph.actions import (
    CopyFiles,
    FromContext,
    Inline,
    MakeDirectory,
    Paths,
    Remote,
    Source,
)
from wherry.build.ops.chmod import Chmod, parse_chmod
from wherry.build.ops.copy import Destination, How, copy
from wherry.build.ops.operation import Ground
from wherry.build.ops.owners import owner_of, user_of
from wherry.build.ops.workdir import make_directory
from wherry.build.solve.fetched import fetch_source
from wherry.build.solve.keys import Inputs, of_copy, of_directory
from wherry.build.solve.tools import Tools
from wherry.build.solve.trees import Trees
from wherry.store.layers.view import LayerView

_ROOT = (0, 0)


@dataclass(slots=True)
class _Group:
    """Picks that are copied in the same way."""

    picks: list[Pick]
    keep_owners: bool = False
    unpack: bool = False


@dataclass(slots=True)
class CopyStep:
    """The operation; `held` keeps the trees in their places until it has ended."""

    tools: Tools
    trees: Trees
    action: CopyFiles
    held: contextlib.AsyncExitStack
    _groups: list[_Group] = field(default_factory=list)

    async def inputs(self) -> Inputs:
        """Return what is copied, by content, and how."""
        for source in self.action.sources:
            self._groups.append(await self._group(source))
        return of_copy(self.action, await in_thread(self._checksums))

    def _checksums(self) -> list[str]:
        return [checksum(group.picks, owners=group.keep_owners) for group in self._groups]

    async def files(self) -> Mapping[str, str]:
        """Return a short digest for each file."""
        return await in_thread(self._manifest)

    def _manifest(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for group in self._groups:
            found |= manifest(group.picks, owners=group.keep_owners)
        return found

    async def _group(self, source: Source) -> _Group:
        action = self.action
        if isinstance(source, Inline):
            name = source.name.encode("utf-8", "surrogateescape")
            return _Group([_inline(name, source.content, self.tools.epoch_ns or 0)])
        if isinstance(source, Remote):
            picks = await fetch_source(self.tools, source)
            return _Group(picks, unpack=action.unpack is True)
        tree = await self.trees.tree(source.origin, self.held)
        options = _options(action, source)
        patterns = [os.fsencode(pattern) for pattern in source.patterns]
        picks = await in_thread(select, tree, patterns, options)
        local = isinstance(source.origin, FromContext)
        unpack = action.keyword == "ADD" and action.unpack is not False
        return _Group(picks, keep_owners=not local, unpack=unpack)

    async def perform(self, ground: Ground) -> None:
        """Write the files."""
        await to_the_end(self._copy, ground)

    def _copy(self, ground: Ground) -> None:
        action = self.action
        below = LayerView(ground.lowers)
        owner = owner_of(action.chown, below) if action.chown else None
        chmod = parse_chmod(action.chmod)
        where = Destination(os.fsencode(action.destination), action.directory)
        for group in self._groups:
            copy(ground.upper, below, group.picks, where, self._how(group, owner, chmod))

    def _how(self, group: _Group, owner: tuple[int, int] | None, chmod: Chmod | None) -> How:
        kept = None if group.keep_owners else _ROOT
        return How(
            self.action.keyword,
            owner=kept if owner is None else owner,
            chown=owner is not None,
            chmod=chmod,
            link=self.action.link,
            unpack=group.unpack,
        )


def _inline(name: bytes, content: bytes, mtime_ns: int) -> Pick:
    tree = MemoryTree({name: content}, mtime_ns=mtime_ns)
    node = tree.get(name)
    assert node is not None, "it was put there"
    return Pick(tree, node, name)


def _options(action: CopyFiles, source: Paths) -> Options:
    matcher = Matcher(action.excludes) if action.excludes else None
    return Options(
        keyword=action.keyword,
        context=isinstance(source.origin, FromContext),
        parents=action.parents,
        excluded=matcher.ignored if matcher else None,
        reaches=matcher.may_contain if matcher else None,
    )


@dataclass(slots=True)
class DirectoryStep:
    """WORKDIR."""

    action: MakeDirectory

    async def inputs(self) -> Inputs:
        """Return the path, and whose it is."""
        return of_directory(self.action)

    async def files(self) -> Mapping[str, str]:
        """Return nothing: none is read."""
        return {}

    async def perform(self, ground: Ground) -> None:
        """Make what is missing."""
        await in_thread(self._make, ground)

    def _make(self, ground: Ground) -> None:
        below = LayerView(ground.lowers)
        owner = user_of(self.action.user, below) if self.action.user else _ROOT
        make_directory(ground.upper, below, os.fsencode(self.action.path), owner)
