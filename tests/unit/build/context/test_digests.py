"""Digests of what is copied: what counts, and what does not."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from fixtures.archives import Entry, file, folder, hard, link, other, tree_of
from wherry.build.context.digests import checksum, manifest, survey
from wherry.build.context.select import Pick, select

BASE = (
    folder("d", mode=0o755), file("d/f", b"content", mode=0o644), link("d/l", "f"),
    file("d/g", b"other"),
)  # fmt: skip


def picks(tmp_path: Path, *entries: Entry, sources: tuple[bytes, ...] = (b"d",)) -> list[Pick]:
    return select(tree_of(tmp_path, *entries), list(sources))


@pytest.mark.parametrize(
    "changed",
    [
        (*BASE, file("d/h")),
        BASE[:-1],
        (*BASE, file("d/f", b"changed", mode=0o644)),
        (*BASE, file("d/f", b"content", mode=0o600)),
        (*BASE, file("d/f", b"content", mode=0o644, pax_headers={"SCHILY.xattr.user.x": "1"})),
        (*BASE, link("d/l", "g")),
        (*BASE, folder("d/l")),
        (*BASE, folder("d/e")),
        (*BASE, folder("d/f")),
        (*BASE, other("d/g", tarfile.FIFOTYPE)),
        (*BASE, other("d/g", tarfile.CHRTYPE, devmajor=1, devminor=3)),
        (*BASE, hard("d/h", "d/f")),
    ],
)
def test_what_counts(tmp_path: Path, changed: tuple[Entry, ...]) -> None:
    assert checksum(picks(tmp_path, *changed)) != checksum(picks(tmp_path, *BASE))


@pytest.mark.parametrize(
    "changed",
    [
        tuple(reversed(BASE)),
        (*BASE, file("outside", b"x")),
        (*BASE, folder("d", mode=0o700)),
        (*BASE, link("d/l", "f", mode=0o700)),
        (*BASE, file("d/f", b"content", mode=0o644, mtime=5)),
        (*BASE, file("d/f", b"content", mode=0o644, uid=77, gid=78)),
    ],
)
def test_what_does_not_count(tmp_path: Path, changed: tuple[Entry, ...]) -> None:
    assert checksum(picks(tmp_path, *changed)) == checksum(picks(tmp_path, *BASE))


def test_owners_count_where_they_are_kept(tmp_path: Path) -> None:
    other_owner = picks(tmp_path, *BASE, file("d/f", b"content", mode=0o644, uid=77))
    same = picks(tmp_path, *BASE)
    assert checksum(other_owner, owners=True) != checksum(same, owners=True)


def test_where_a_directory_was_does_not_count(tmp_path: Path) -> None:
    moved = [Entry(e.name.replace("d", "e", 1), e.type, e.data, e.more) for e in BASE]
    found = picks(tmp_path, *moved, sources=(b"e",))
    assert checksum(found) == checksum(picks(tmp_path, *BASE))


def test_the_number_of_sources_counts(tmp_path: Path) -> None:
    assert checksum(picks(tmp_path, *BASE, sources=(b"d", b"d"))) != checksum(
        picks(tmp_path, *BASE)
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((file("d/a b", b""),), (file("d/a", b""), file("d/b", b""))),
        ((file("d/a\nb"),), (file("d/a"), file("d/b"))),
        ((link("d/a", "x y"),), (link("d/a", "x\\sy"),)),
        ((link("d/a", "x\\ny"),), (link("d/a", "x\ny"),)),
    ],
)
def test_odd_names_are_told_apart(
    tmp_path: Path, first: tuple[Entry, ...], second: tuple[Entry, ...]
) -> None:
    assert checksum(picks(tmp_path, *first)) != checksum(picks(tmp_path, *second))


def test_the_manifest_tells_which_file_changed(tmp_path: Path) -> None:
    before = manifest(picks(tmp_path, *BASE))
    after = manifest(picks(tmp_path, *BASE, file("d/f", b"changed")))
    assert list(before) == ["d/f", "d/g", "d/l"]
    assert {path for path in before if before[path] != after[path]} == {"d/f"}


def test_both_at_once(tmp_path: Path) -> None:
    found = picks(tmp_path, *BASE, sources=(b"d", b"d/f"))
    told = survey(found)
    assert told.checksum == checksum(found)
    assert told.files == manifest(found)
