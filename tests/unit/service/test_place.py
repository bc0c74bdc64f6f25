"""Files below a root: written whole, compared, taken away again."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.service.files import File
from wherry.service.place import ChangedFilesError, differing, place, remove

WANTED = {
    "/etc/a/file": File(0o640, b"one\n"),
    "/etc/a/link": File(0o777, b"", "file"),
}


def test_they_are_written_once(tmp_path: Path) -> None:
    assert place(str(tmp_path), WANTED) == list(WANTED)
    assert (tmp_path / "etc/a/file").read_bytes() == b"one\n"
    assert (tmp_path / "etc/a/file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "etc/a/link").readlink() == Path("file")
    assert place(str(tmp_path), WANTED) == []
    assert sorted(path.name for path in (tmp_path / "etc/a").iterdir()) == ["file", "link"]


@pytest.mark.parametrize("other", ["longer", "directory", "link", "shorter"])
def test_what_is_there_already_is_named_before_anything_is_written(
    tmp_path: Path, other: str
) -> None:
    (tmp_path / "etc/a").mkdir(parents=True)
    path = tmp_path / "etc/a/link"
    if other == "directory":
        path.mkdir()
    elif other == "link":
        path.symlink_to("elsewhere")
    else:
        path.write_text("one\nmore" if other == "longer" else "")
    with pytest.raises(ChangedFilesError, match="/etc/a/link; keep them, or use --force") as caught:
        place(str(tmp_path), WANTED)
    assert caught.value.paths == ("/etc/a/link",)
    assert not (tmp_path / "etc/a/file").exists()


def test_changed_ones_are_replaced_on_demand(tmp_path: Path) -> None:
    place(str(tmp_path), WANTED)
    (tmp_path / "etc/a/file").write_text("two")
    (tmp_path / "etc/a/link").unlink()
    (tmp_path / "etc/a/link").write_text("a file now")
    assert differing(str(tmp_path), WANTED) == list(WANTED)
    assert place(str(tmp_path), WANTED, replace=True) == list(WANTED)
    assert differing(str(tmp_path), WANTED) == []


def test_only_unchanged_ones_are_removed(tmp_path: Path) -> None:
    place(str(tmp_path), WANTED)
    (tmp_path / "etc/a/file").write_text("two")
    assert remove(str(tmp_path), WANTED) == (["/etc/a/link"], ["/etc/a/file"])
    assert (tmp_path / "etc/a/file").read_text() == "two"
    (tmp_path / "etc/a/file").unlink()
    assert remove(str(tmp_path), WANTED) == ([], [])
