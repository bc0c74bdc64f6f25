"""Repositories over file://, the smart protocol and the dumb one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.repositories import commit, git, repository, serving_files, serving_repositories
from wherry.base.errors import InvalidError, WherryError
from wherry.build.context.git import (
    BadDirectoryError,
    ChecksumMismatchError,
    UnknownRefError,
    fetch,
    resolve,
)
from wherry.build.context.gitprocess import GitFailedError
from wherry.build.context.remote import GitAddress, parse_git

FILES = {"a.txt": "one", "dir/sub/b.txt": "b", "run.sh": "#!/bin/sh\n"}


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with two commits on main, a branch, and tags of both kinds."""
    made = repository(tmp_path / "served" / "origin.git", FILES)
    git(made, "tag", "light")
    git(made, "tag", "-a", "-m", "heavy", "heavy")
    git(made, "branch", "side/way")
    commit(made, {"a.txt": "two"})
    return made


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where files go."""
    made = tmp_path / "target"
    made.mkdir()
    return made


@pytest.fixture
def smart(origin: Path) -> Iterator[str]:
    """The repository's address by HTTP."""
    with serving_repositories(origin.parent) as address:
        yield f"{address}/origin.git"


def local(origin: Path, text: str = "") -> GitAddress:
    """Return the address of a repository of this machine; `text` is what follows it."""
    address = parse_git(f"https://x/x.git{text}")
    assert address is not None
    return GitAddress(
        f"file://{origin}",
        address.ref,
        address.directory,
        address.checksum,
        address.keep_git_dir,
        address.submodules,
        address.mtime,
        address.by_commit,
    )


def tree(directory: Path) -> dict[str, str]:
    """Return what is in a directory, contents by name, without the insides of `.git`."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if not path.is_dir() and not name.startswith(".git/"):
            found[name] = path.read_text()
    return found


def first(origin: Path) -> str:
    """Return the id of the first commit."""
    return git(origin, "rev-parse", "light")


async def test_the_default_branch(origin: Path, target: Path) -> None:
    found = await fetch(local(origin), str(target))
    assert found == git(origin, "rev-parse", "main")
    assert tree(target) == {**FILES, "a.txt": "two"}
    assert sorted(os.listdir(target)) == ["a.txt", "dir", "run.sh"]


@pytest.mark.parametrize(
    "text",
    [
        *("#light", "#heavy", "#refs/tags/heavy", "#tags/light", "#side/way", "#heads/side/way"),
        *("?tag=light", "?branch=side/way", "?ref=heavy", "#refs/heads/side/way"),
    ],
)
async def test_refs(origin: Path, target: Path, text: str) -> None:
    assert await fetch(local(origin, text), str(target)) == first(origin)
    assert tree(target) == FILES
    assert (await resolve(local(origin, text))).commit == first(origin)


async def test_a_branch_goes_before_a_tag(origin: Path, target: Path) -> None:
    git(origin, "branch", "same", "light")
    git(origin, "tag", "same", "main")
    assert await fetch(local(origin, "#same"), str(target)) == first(origin)


@pytest.mark.parametrize("length", [40, 12, 7])
async def test_commits(origin: Path, target: Path, length: int) -> None:
    address = local(origin, f"#{first(origin)[:length]}")
    assert await fetch(address, str(target)) == first(origin)
    assert tree(target) == FILES
    assert (await resolve(address)).commit == first(origin)


async def test_the_id_of_a_tag_stands_for_its_commit(origin: Path, target: Path) -> None:
    tag = git(origin, "rev-parse", "heavy")
    assert await fetch(local(origin, f"#{tag}"), str(target)) == first(origin)


async def test_what_is_resolved_names_the_tag_too(origin: Path) -> None:
    found = await resolve(local(origin, "#heavy"))
    assert found.ref == "refs/tags/heavy"
    assert found.tag == git(origin, "rev-parse", "heavy")


@pytest.mark.parametrize("ref", ["nothing", "abcdef0", "0" * 40])
async def test_unknown_refs(origin: Path, target: Path, ref: str) -> None:
    with pytest.raises(UnknownRefError, match=f"repository does not contain ref {ref}: file://"):
        await fetch(local(origin, f"#{ref}"), str(target))
    assert os.listdir(target) == []


async def test_an_empty_repository_has_no_default_branch(tmp_path: Path, target: Path) -> None:
    empty = tmp_path / "empty.git"
    empty.mkdir()
    git(empty, "init", "--bare")
    with pytest.raises(UnknownRefError, match="default branch"):
        await fetch(local(empty), str(target))


async def test_checksums(origin: Path, target: Path) -> None:
    commit_id, tag = first(origin), git(origin, "rev-parse", "heavy")
    for text in (f"?checksum={commit_id[:9]}#heavy", f"?commit={tag}#heavy"):
        assert (await resolve(local(origin, text))).commit == commit_id
    assert await fetch(local(origin, f"?commit={commit_id}#light"), str(target)) == commit_id


@pytest.mark.parametrize("text", ["#light", "", "#{commit}", "#{commit:.8}"])
async def test_a_checksum_that_does_not_match(origin: Path, target: Path, text: str) -> None:
    text = text.format(commit=first(origin))
    with pytest.raises(ChecksumMismatchError, match=r"expected checksum to match ffff, got \w"):
        await fetch(local(origin, f"?checksum=ffff{text}"), str(target))
    assert os.listdir(target) == []


@pytest.mark.parametrize("text", ["?checksum=xyz", "?fetch-by-commit&commit=abcd"])
async def test_checksums_that_are_none(origin: Path, target: Path, text: str) -> None:
    with pytest.raises(InvalidError, match="invalid git address"):
        await fetch(local(origin, text), str(target))


async def test_by_commit_the_ref_is_not_asked(origin: Path, target: Path) -> None:
    text = f"?fetch-by-commit=true&checksum={first(origin)}#refs/heads/gone"
    assert await fetch(local(origin, text), str(target)) == first(origin)


async def test_a_part(origin: Path, target: Path) -> None:
    await fetch(local(origin, "#main:dir"), str(target))
    assert tree(target) == {"sub/b.txt": "b"}
    assert os.listdir(target) == ["sub"]


async def test_a_part_does_not_climb_out(origin: Path, target: Path) -> None:
    await fetch(local(origin, "?subdir=../../dir/../dir/sub"), str(target))
    assert tree(target) == {"b.txt": "b"}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("nothing/x", 'invalid subdir "nothing/x": the repository has no "nothing" there'),
        ("a.txt", 'git subpath "a.txt" contains non-directory "a.txt"'),
        ("out/etc", 'git subpath "out/etc" contains non-directory "out"'),
    ],
)
async def test_parts_that_are_none(origin: Path, target: Path, part: str, words: str) -> None:
    (origin / "out").symlink_to("/")
    commit(origin, {})
    with pytest.raises(BadDirectoryError, match=words):
        await fetch(local(origin, f"#:{part}"), str(target))
    assert os.listdir(target) == []


async def test_a_kept_repository(origin: Path, target: Path) -> None:
    await fetch(local(origin, "?keep-git-dir=1#heavy"), str(target))
    assert git(target, "rev-parse", "HEAD") == first(origin)
    assert git(target, "tag") == "heavy"
    assert git(target, "status", "--porcelain") == ""
    assert git(target, "remote", "get-url", "origin") == f"file://{origin}"
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert not (target / ".git" / "FETCH_HEAD").exists()
    assert not (target / ".git" / "hooks").exists()


async def test_a_kept_repository_is_shallow(origin: Path, target: Path) -> None:
    await fetch(local(origin, "?keep-git-dir"), str(target))
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert git(origin, "rev-list", "--count", "main") == "2"


async def test_a_part_is_without_its_repository(origin: Path, target: Path) -> None:
    await fetch(local(origin, "?keep-git-dir=1&subdir=dir"), str(target))
    assert os.listdir(target) == ["sub"]


async def test_files_may_have_the_time_of_the_commit(origin: Path, target: Path) -> None:
    await fetch(local(origin, "?mtime=commit"), str(target))
    times = {path.lstat().st_mtime for path in (target, *target.rglob("*"))}
    assert times == {1580608922}


async def test_modes(origin: Path, target: Path) -> None:
    (origin / "run.sh").chmod(0o755)
    (origin / "link").symlink_to("../outside")
    commit(origin, {})
    before = os.umask(0o077)
    try:
        await fetch(local(origin), str(target))
    finally:
        os.umask(before)
    assert (target / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (target / "a.txt").stat().st_mode & 0o777 == 0o644
    assert os.readlink(target / "link") == "../outside"


async def test_hooks_and_filters_of_this_machine_do_not_run(origin: Path, target: Path) -> None:
    commit(origin, {".gitattributes": "* filter=evil\n"})
    await fetch(local(origin, "?keep-git-dir=1"), str(target))
    assert tree(target)["a.txt"] == "two"


async def test_sha256(tmp_path: Path, target: Path) -> None:
    modern = tmp_path / "modern.git"
    modern.mkdir()
    git(modern, "init", "--object-format=sha256")
    made = commit(modern, {"x": "y"})
    assert len(made) == 64
    assert await fetch(local(modern), str(target)) == made


async def test_the_smart_protocol(origin: Path, target: Path, smart: str) -> None:
    assert await fetch(GitAddress(smart, "heavy"), str(target)) == first(origin)
    assert tree(target) == FILES


async def test_servers_that_give_no_commit_by_its_id(origin: Path, target: Path) -> None:
    with serving_repositories(origin.parent, protocol="version=0") as address:
        found = await fetch(GitAddress(f"{address}/origin.git", first(origin)), str(target))
    assert found == first(origin)
    assert tree(target) == FILES


@pytest.mark.parametrize("ref", ["", "light", "heavy", "{commit}"])
async def test_the_dumb_protocol(origin: Path, target: Path, ref: str) -> None:
    bare = origin.parent / "bare.git"
    git(origin, "clone", "--bare", "--quiet", str(origin), str(bare))
    git(bare, "update-server-info")
    ref = ref.format(commit=first(origin))
    with serving_files(origin.parent) as address:
        found = await fetch(GitAddress(f"{address}/bare.git", ref), str(target))
    assert found == git(origin, "rev-parse", f"{ref or 'main'}^{{commit}}")


@pytest.fixture
def nested(origin: Path) -> str:
    """The id of a commit with a submodule that has one itself; addresses are relative."""
    inner = repository(origin.parent / "inner.git", {"inner.txt": "i"})
    middle = repository(origin.parent / "middle.git", {"middle.txt": "m"})
    git(middle, "submodule", "add", "--quiet", f"file://{inner}", "in")
    git(middle, "config", "-f", ".gitmodules", "submodule.in.url", "../inner.git")
    commit(middle, {})
    git(origin, "submodule", "add", "--quiet", f"file://{middle}", "mid")
    git(origin, "config", "-f", ".gitmodules", "submodule.mid.url", "../middle.git")
    return commit(origin, {})


async def test_submodules(nested: str, target: Path, smart: str) -> None:
    assert await fetch(GitAddress(smart), str(target)) == nested
    found = tree(target)
    assert found["mid/middle.txt"] == "m"
    assert found["mid/in/inner.txt"] == "i"
    assert not [path for path in target.rglob(".git*") if path.name == ".git"]


async def test_submodules_of_a_kept_repository(nested: str, target: Path, smart: str) -> None:
    await fetch(GitAddress(smart, keep_git_dir=True), str(target))
    assert git(target, "submodule", "status").split()[0]
    assert (target / "mid" / ".git").is_file()


async def test_no_submodules(nested: str, target: Path, smart: str) -> None:
    await fetch(GitAddress(smart, submodules=False), str(target))
    assert os.listdir(target / "mid") == []


async def test_submodules_are_never_taken_from_this_machine(origin: Path, target: Path) -> None:
    secret = repository(origin.parent / "secret.git", {"s": "s"})
    git(origin, "submodule", "add", "--quiet", f"file://{secret}", "s")
    commit(origin, {})
    with pytest.raises(GitFailedError, match="failed to update submodules for file://"):
        await fetch(local(origin), str(target))
    assert os.listdir(target) == []


@pytest.mark.parametrize("remote", ["ext::sh -c true", "/", "fd::17", "ftp://127.0.0.1/x.git"])
async def test_protocols_that_are_refused(target: Path, remote: str) -> None:
    with pytest.raises(GitFailedError, match=r"not allowed|failed to fetch remote"):
        await fetch(GitAddress(remote), str(target))


async def test_an_enclosing_repository_changes_nothing(origin: Path, tmp_path: Path) -> None:
    around = repository(tmp_path / "around", {"x": "x"})
    git(around, "config", "url.file:///nowhere/.insteadOf", "file:///")
    (around / "target").mkdir()
    await fetch(local(origin), str(around / "target"))
    await resolve(local(origin))


async def test_nothing_listens(target: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = GitAddress(f"http://127.0.0.1:{held.getsockname()[1]}/x.git")
        with pytest.raises(WherryError, match="failed to fetch remote http://127"):
            await fetch(address, str(target))
