"""Git repositories as build contexts and as sources of ADD.

`resolve` asks the server which commit a ref is now, which is what a cache needs; `fetch` puts the
files of it into an empty directory. Only one commit is copied where the server can do that. What
stays of the repository is nothing, or with `keep_git_dir` a `.git` with that commit and its ref; as
in BuildKit, never together with a part of the repository.

After a failure or a cancellation the directory is empty again, and no process is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

from wherry.base.crossing import to_the_end
from wherry.base.errors import DataLossError, InvalidError, NotFoundError
from wherry.base.values import dataclass
from wherry.build.context.gitprocess import Git, GitFailedError, GitSettings, GitTimeoutError
from wherry.build.context.remote import AddressError, GitAddress, is_commit

_HEX = re.compile(r"[0-9a-f]{4,64}")
_HASH = re.compile(r"[0-9a-fA-F]+")
_DEFAULT_BRANCH = re.compile(r"^ref: (refs/heads/\S+)\tHEAD$", re.MULTILINE)
# How servers say that they do not give out a commit by its id; the last is of the dumb protocol.
_REFUSALS = ("not our ref", "unadvertised object", "no such remote ref", "couldn't find remote ref")
_EVERYTHING = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")


class UnknownRefError(NotFoundError):
    """The repository has no such branch, tag or commit."""

    def __init__(self, address: GitAddress, ref: str) -> None:
        what = f"contain ref {ref}" if ref else "say what its default branch is"
        super().__init__(
            f"repository does not {what}: {address.shown}; name a branch, a tag or a commit of it"
        )


class ChecksumMismatchError(DataLossError):
    """The commit is not the one that the address demands."""

    def __init__(self, address: GitAddress, found: str) -> None:
        super().__init__(
            f"expected checksum to match {address.checksum}, got {found}: {address.shown}"
        )


class BadDirectoryError(InvalidError):
    """The repository's part that is asked for is no directory, or is not there."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a ref is now.

    `ref` is its full name, or the commit itself; `tag` the id of an annotated tag.
    """

    ref: str
    commit: str
    tag: str = ""


async def resolve(address: GitAddress, settings: GitSettings | None = None) -> Resolved:
    """Return what the address names now; raises UnknownRefError, ChecksumMismatchError and others.

    A part of a commit's id is searched for in a copy of the whole repository.
    """
    settings = settings or GitSettings()
    with tempfile.TemporaryDirectory(prefix="wherry-git-") as directory:
        async with _limited(address, settings):
            git = Git(settings, address.remote, address.shown, directory)
            found = await _look_up(git, address)
            return found or await _search(git, address)


async def fetch(address: GitAddress, directory: str, settings: GitSettings | None = None) -> str:
    """Put what an address names into an empty directory and return the commit's id.

    Raises GitMissingError, GitFailedError, GitTimeoutError, UnknownRefError, ChecksumMismatchError,
    BadDirectoryError.
    """
    settings = settings or GitSettings()
    try:
        async with _limited(address, settings):
            return await _fetch(address, directory, settings)
    except BaseException:
        await to_the_end(_empty, directory)
        raise


@contextlib.asynccontextmanager
async def _limited(address: GitAddress, settings: GitSettings) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(settings.seconds):
            yield
    except TimeoutError as error:
        raise GitTimeoutError(address.shown, settings.seconds) from error


async def _fetch(address: GitAddress, directory: str, settings: GitSettings) -> str:
    # With a part only, all is laid out beside it first and the part is moved up.
    tree = directory
    if address.directory:
        tree = os.path.join(directory, f".wherry-{os.urandom(8).hex()}")
        os.mkdir(tree)
    git = Git(settings, address.remote, address.shown, tree)
    found = await _look_up(git, address)
    await _initialise(git, found)
    found = await (_search(git, address) if found is None else _copy(git, address, found))
    _verify(address, found)
    await git.run("checkout", "--force", "--detach", found.commit, what=_failed("checkout", git))
    if address.submodules and os.path.exists(os.path.join(tree, ".gitmodules")):
        what = f"failed to update submodules for {address.shown}"
        await git.run("submodule", "update", "--init", "--recursive", "--depth=1", what=what)
    dated = address.mtime == "commit"
    time = await git.run("log", "-1", "--format=%ct", found.commit) if dated else ""
    await _tidy(git, keep=bool(address.keep_git_dir) and not address.directory)
    if address.directory:
        await to_the_end(_move_up, tree, address.directory, directory)
    if dated:
        await to_the_end(_set_times, directory, int(time))
    return found.commit


async def _look_up(git: Git, address: GitAddress) -> Resolved | None:
    """Return what the server says; None if only a search can tell."""
    if address.checksum and not _HASH.fullmatch(address.checksum):
        why = f"invalid checksum {address.checksum} for Git URL, expected hex commit hash"
        raise AddressError(address.remote, why)
    if is_commit(address.ref):
        found = Resolved(address.ref, address.ref)
    elif address.by_commit:
        if not is_commit(address.checksum):
            why = f'fetch-by-commit requires a full commit SHA checksum, got "{address.checksum}"'
            raise AddressError(address.remote, why)
        found = Resolved(address.checksum, address.checksum)
    else:
        named = await _ask(git, address)
        if named is None:
            return None
        found = named
    _verify(address, found)
    return found


async def _ask(git: Git, address: GitAddress) -> Resolved | None:
    ref = address.ref
    if not ref:
        said = await git.run("ls-remote", "--symref", "--", git.remote, "HEAD")
        branch = _DEFAULT_BRANCH.search(said)
        if branch is None:
            raise UnknownRefError(address, "")
        ref = branch[1]
    listed = await git.run("ls-remote", "--", git.remote, ref, f"{ref}^{{}}")
    ids = {name: commit for commit, _, name in (x.partition("\t") for x in listed.splitlines())}
    full = f"refs/{ref.removeprefix('refs/')}"
    branch_name = f"refs/heads/{ref.removeprefix('refs/heads/')}"
    tag = f"refs/tags/{ref.removeprefix('refs/tags/')}"
    for name in (full, branch_name, tag):
        if name in ids:
            peeled = ids.get(f"{name}^{{}}", "")
            return Resolved(name, peeled or ids[name], ids[name] if peeled else "")
    if _HEX.fullmatch(address.ref):
        return None
    raise UnknownRefError(address, ref)


def _verify(address: GitAddress, found: Resolved) -> None:
    if not address.checksum:
        return
    ids = [name for name in (found.tag, found.commit) if name]
    if not any(name.startswith(address.checksum.lower()) for name in ids):
        raise ChecksumMismatchError(address, " or ".join(ids))


async def _initialise(git: Git, found: Resolved | None) -> None:
    kind = "sha256" if found is not None and len(found.commit) == 64 else "sha1"
    await git.run("init", f"--object-format={kind}", what=_failed("initialise", git))
    # Submodules with relative addresses start from here.
    await git.run("remote", "add", "origin", git.remote, what=_failed("initialise", git))


async def _copy(git: Git, address: GitAddress, found: Resolved) -> Resolved:
    """Fetch one commit; the ref keeps its name, so that a kept `.git` knows it."""
    if found.ref != found.commit:
        await _get(git, f"+{found.ref}:{found.ref}")
        if await _commit(git, address, found.ref) == found.commit:
            return found
        # The ref has moved since it was looked up: what was promised is fetched by its id.
    if await _has(git, found.commit):
        return found
    try:
        await _get(git, found.commit)
    except GitFailedError as error:
        if not any(words in error.words for words in _REFUSALS):
            raise
        await git.run("fetch", "--force", "origin", *_EVERYTHING)
    commit = await _commit(git, address, found.commit)
    return replace(found, commit=commit, tag=found.commit if commit != found.commit else found.tag)


async def _get(git: Git, refspec: str) -> None:
    arguments = ("fetch", "--depth=1", "--no-tags", "--update-head-ok", "--force")
    await git.run(*arguments, "--", "origin", refspec)


async def _search(git: Git, address: GitAddress) -> Resolved:
    """Find the commit whose id begins so, in a copy of everything."""
    if not os.path.isdir(os.path.join(git.directory, ".git")):
        await _initialise(git, None)
    await git.run("fetch", "--force", "origin", *_EVERYTHING)
    commit = await _commit(git, address, address.ref)
    found = Resolved(commit, commit)
    _verify(address, found)
    return found


async def _commit(git: Git, address: GitAddress, name: str) -> str:
    """Return the commit that a name means in what has been copied."""
    try:
        said = await git.run("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except GitFailedError as error:
        raise UnknownRefError(address, name) from error
    return said.strip()


async def _has(git: Git, commit: str) -> bool:
    with contextlib.suppress(GitFailedError):
        await git.run("cat-file", "-e", f"{commit}^{{commit}}")
        return True
    return False


async def _tidy(git: Git, *, keep: bool) -> None:
    """Leave of the repository what is wanted, and nothing that differs between copies."""
    if not keep:
        await to_the_end(_remove_repositories, git.directory)
        return
    await git.run("remote", "set-url", "origin", git.shown)
    await git.run("reflog", "expire", "--all", "--expire=now")
    for name in ("FETCH_HEAD", "ORIG_HEAD"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(git.directory, ".git", name))


def _failed(verb: str, git: Git) -> str:
    return f"failed to {verb} remote {git.shown}"


def _remove_repositories(tree: str) -> None:
    """Remove `.git` at every level: git itself never checks out such a name."""
    for folder, folders, files in os.walk(tree):
        if ".git" in folders:
            shutil.rmtree(os.path.join(folder, ".git"))
            folders.remove(".git")
        if ".git" in files:
            os.unlink(os.path.join(folder, ".git"))


def _move_up(tree: str, part: str, directory: str) -> None:
    """Put what is in a part of the tree in its place. The way there may have no link."""
    place = tree
    for name in part.split("/"):
        place = os.path.join(place, name)
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError as error:
            raise BadDirectoryError(
                f'invalid subdir "{part}": the repository has no "{name}" there'
            ) from error
        if not stat.S_ISDIR(mode):
            raise BadDirectoryError(f'git subpath "{part}" contains non-directory "{name}"')
    for name in os.listdir(place):
        os.rename(os.path.join(place, name), os.path.join(directory, name))
    shutil.rmtree(tree)


def _set_times(tree: str, seconds: int) -> None:
    for path in _bottom_up(tree):
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def _bottom_up(tree: str) -> Iterator[str]:
    for folder, folders, files in os.walk(tree, topdown=False):
        if "/.git/" not in f"{folder[len(tree) :]}/":
            yield from (os.path.join(folder, name) for name in (*files, *folders))
    yield tree


def _empty(directory: str) -> None:
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
