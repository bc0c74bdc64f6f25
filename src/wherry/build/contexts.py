"""The contexts of one build: sent by the client, or fetched for it; each once, and all closed.

An address may lead to a git repository, to an archive, or to a text, which then is the Dockerfile
of an empty context. What .dockerignore names is hidden from steps, wherever the context is from.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import tarfile
import tempfile
from typing import Protocol, TypeVar

from wherry.base.crossing import in_thread, to_the_end
from wherry.base.errors import InvalidError
from wherry.base.ids import new_id
from wherry.base.values import dataclass, field
from wherry.build.context import git
from wherry.build.context.archive import ArchiveTree, spool
from wherry.build.context.directory import DirectoryTree
from wherry.build.context.download import Wanted, download
from wherry.build.context.gitprocess import GitSettings
from wherry.build.context.plain import is_archive
from wherry.build.context.remote import GitAddress, UrlAddress, classify
from wherry.build.context.tree import Tree
from wherry.build.dockerfile.ignore import Matcher
from wherry.build.graph.actions import MAIN_CONTEXT
from wherry.build.options import DEFAULT_DOCKERFILE, BuildOptions
from wherry.build.ports import Session
from wherry.build.progress import Moved, Report
from wherry.build.source import matcher_of, without_ignored
from wherry.registry.client.proxies import Proxies
from wherry.store.store import Store

_SENT = "context:"
_HEAD_BYTES = 512


class _Closable(Protocol):
    def close(self) -> None: ...


Kept = TypeVar("Kept", bound=_Closable)


@dataclass(slots=True)
class Contexts:
    """See the module. `tree` gives a context as steps see it, `whole` with all of it."""

    store: Store
    session: Session
    options: BuildOptions
    report: Report
    proxies: Proxies | None = None
    _found: dict[str, asyncio.Task[Tree]] = field(default_factory=dict)
    _shown: dict[str, Tree] = field(default_factory=dict)
    _directories: list[str] = field(default_factory=list)
    _open: list[_Closable] = field(default_factory=list)

    async def whole(self, name: str) -> Tree:
        """Return a context as it was sent or fetched."""
        if name not in self._found:
            self._found[name] = asyncio.ensure_future(self._find(name))
        return await asyncio.shield(self._found[name])

    async def tree(self, name: str) -> Tree:
        """Return a context without what it wants to be ignored."""
        if name not in self._shown:
            tree = await self.whole(name)
            if not self.options.filtered:
                tree = await in_thread(without_ignored, tree, self.options.dockerfile)
            self._shown[name] = tree
        return self._shown[name]

    async def ignored(self) -> Matcher | None:
        """Return what the main context leaves out, as far as it has been asked for by now."""
        if MAIN_CONTEXT not in self._found:
            return None
        tree = await self.whole(MAIN_CONTEXT)
        return await in_thread(matcher_of, tree, self.options.dockerfile)

    async def close(self) -> None:
        """Let go of all of them."""
        for task in self._found.values():
            task.cancel()
        await asyncio.gather(*self._found.values(), return_exceptions=True)
        for tree in self._open:
            tree.close()
        for identifier in self._directories:
            await to_the_end(self.store.snapshots.remove, identifier)

    def new_directory(self) -> str:
        """Make a directory that goes with the build, or at the next start; blocking."""
        identifier = new_id()
        self._directories.append(identifier)
        path = self.store.snapshots.directory(identifier)
        os.makedirs(path, 0o700)
        return path

    async def _find(self, name: str) -> Tree:
        address = self.options.remote if name == MAIN_CONTEXT else self.options.contexts[name]
        if not address or address.startswith(_SENT):
            return await self.session.context(address.removeprefix(_SENT) or name)
        return await self._fetch(address)

    async def _fetch(self, address: str) -> Tree:
        match classify(address):
            case GitAddress() as repository:
                path = await in_thread(self.new_directory)
                commit = await self.fetch_git(repository, path)
                self.report(Moved(-1, repository.shown, f"commit {commit[:12]}"))
                return self.keep(DirectoryTree(path))
            case UrlAddress(url):
                return self.keep(await self._download(url))
            case _:
                raise InvalidError(
                    f"unable to prepare context: {address!r} is neither a URL nor a git address"
                )

    async def fetch_git(self, repository: GitAddress, path: str) -> str:
        """Put a repository into an empty directory; returns the commit's id, raises as `git`."""
        settings = None
        if self.proxies is not None:
            settings = GitSettings(environment={**os.environ, **self.proxies.environment()})
        return await git.fetch(repository, path, settings)

    def keep(self, tree: Kept) -> Kept:
        """Close a tree when the build ends."""
        self._open.append(tree)
        return tree

    async def _download(self, url: str) -> ArchiveTree:
        def progress(current: int, total: int) -> None:
            self.report(Moved(-1, url, "Downloading", current, total))

        spool_directory = self.store.layout.partials
        with contextlib.closing(tempfile.TemporaryFile(dir=spool_directory)) as file:
            await download(Wanted(url, proxies=self.proxies), file, progress)
            file.seek(0)
            if is_archive(file.read(_HEAD_BYTES)):
                file.seek(0)
                return await to_the_end(spool, file, spool_directory)
            file.seek(0)
            only = _archive_of(await in_thread(file.read))
            return await to_the_end(spool, only, spool_directory)


def _archive_of(dockerfile: bytes) -> io.BytesIO:
    """Return a context that has a Dockerfile and nothing else."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo(DEFAULT_DOCKERFILE)
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    sink.seek(0)
    return sink
