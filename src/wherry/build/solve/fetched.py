"""ADD of an address: a file is downloaded, a repository is fetched, and both are trees then."""

from __future__ import annotations

import os

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError
from wherry.build.context.directory import DirectoryTree
from wherry.build.context.download import Wanted, download, name_in_url
from wherry.build.context.remote import GitAddress, UrlAddress, classify
from wherry.build.context.select import Pick
from wherry.build.graph.actions import Remote
from wherry.build.progress import Moved
from wherry.build.solve.tools import Tools

_MODE = 0o600


async def fetch_source(tools: Tools, source: Remote) -> list[Pick]:
    """Return what an address leads to now, kept until the build has ended."""
    match classify(source.address, is_context=False):
        case GitAddress() as address:
            wanted = address.with_flags(
                keep_git_dir=source.keep_git_dir or None, checksum=source.checksum
            )
            path = await in_thread(tools.contexts.new_directory)
            await tools.contexts.fetch_git(wanted, path)
            return await in_thread(_whole, tools, path)
        case UrlAddress(url):
            return await _download(tools, url, source.checksum)
        case _:
            raise InvalidError(f"{source.address} is no address")


def _whole(tools: Tools, path: str) -> list[Pick]:
    tree = tools.contexts.keep(DirectoryTree(path))
    root = tree.get(b"")
    assert root is not None, "it was just made"
    return [Pick(tree, root, b"")]


async def _download(tools: Tools, url: str, checksum: str) -> list[Pick]:
    def progress(current: int, total: int) -> None:
        tools.report(Moved(-1, url, "Downloading", current, total))

    path = await in_thread(tools.contexts.new_directory)
    with open(f"{path}/file", "wb") as file:
        wanted = Wanted(url, checksum, proxies=tools.contexts.proxies)
        told = await download(wanted, file, progress)
    os.chmod(f"{path}/file", _MODE)
    os.utime(f"{path}/file", (told.mtime, told.mtime))
    tree = tools.contexts.keep(DirectoryTree(path))
    node = tree.get(b"file")
    assert node is not None, "it was just written"
    return [Pick(tree, node, os.fsencode(name_in_url(url)))]
