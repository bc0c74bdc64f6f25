"""Copying what an image has into a volume, with everything that belongs to it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from wherry.store.layers.view import LayerView
from wherry.volume.copy import copy_tree

TIME = 1_600_000_000_123_456_789


def copied(*layers: Path, path: bytes = b"/data") -> Path:
    """Copy a path of layers, the topmost first, and return the target."""
    target = layers[0].parent / "target"
    target.mkdir()
    copy_tree(LayerView([str(layer) for layer in layers]), path, os.fsencode(target))
    return target


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    made = tmp_path / "layer"
    (made / "data").mkdir(parents=True)
    return made


def test_modes_owners_times_and_content_survive(layer: Path) -> None:
    file, folder = layer / "data" / "file", layer / "data" / "folder"
    file.write_bytes(b"content" * 1000)
    folder.mkdir()
    (folder / "inner").write_text("x")
    os.chown(file, os.getuid(), os.getgid())
    for path, mode in ((file, 0o4751), (folder, 0o1770), (layer / "data", 0o700)):
        path.chmod(mode)
        os.utime(path, ns=(TIME, TIME))
    target = copied(layer)
    assert (target / "file").read_bytes() == b"content" * 1000
    for name, mode in (("file", 0o4751), ("folder", 0o1770), ("", 0o700)):
        told = (target / name).stat()
        assert (stat.S_IMODE(told.st_mode), told.st_mtime_ns) == (mode, TIME)


def test_links_of_both_kinds_survive(layer: Path) -> None:
    data = layer / "data"
    (data / "one").write_text("x")
    (data / "two").hardlink_to(data / "one")
    (data / "sub").mkdir()
    (data / "sub" / "three").hardlink_to(data / "one")
    (data / "link").symlink_to("/etc/passwd")
    (data / "loop").symlink_to("loop")
    (data / "up").symlink_to("..")
    target = copied(layer)
    assert (target / "one").stat().st_nlink == 3
    assert (target / "sub" / "three").samefile(target / "one")
    assert os.readlink(target / "link") == "/etc/passwd"
    assert os.readlink(target / "up") == ".."
    assert (target / "loop").is_symlink()


def test_holes_stay_holes(layer: Path) -> None:
    with (layer / "data" / "sparse").open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"in the middle")
        file.seek((48 << 20) + 7)
        file.write(b"odd")
    with (layer / "data" / "hole").open("wb") as file:
        file.truncate(8 << 20)
    target = copied(layer)
    told = (target / "sparse").stat()
    assert (told.st_size, told.st_blocks * 512 < 4 << 20) == (64 << 20, True)
    assert (target / "hole").stat().st_size == 8 << 20
    with (target / "sparse").open("rb") as file:
        file.seek(32 << 20)
        assert file.read(13) == b"in the middle"
        file.seek((48 << 20) + 7)
        assert file.read(3) == b"odd"


def test_attributes_survive(layer: Path) -> None:
    file = layer / "data" / "file"
    file.write_text("x")
    try:
        os.setxattr(file, "user.colour", b"blue\0")
    except OSError:
        pytest.skip("this file system has no user attributes")
    os.setxattr(layer / "data", "user.colour", b"red")
    target = copied(layer)
    assert os.getxattr(target / "file", "user.colour") == b"blue\0"
    assert os.getxattr(target, "user.colour") == b"red"


def test_pipes_and_sockets_survive_and_block_nobody(layer: Path) -> None:
    os.mkfifo(layer / "data" / "pipe", 0o640)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(layer / "data" / "socket"))
    target = copied(layer)
    assert stat.S_ISFIFO((target / "pipe").stat().st_mode)
    assert stat.S_ISSOCK((target / "socket").stat().st_mode)


def test_layers_merge_and_a_link_leads_inside(tmp_path: Path, layer: Path) -> None:
    upper = tmp_path / "upper"
    (upper / "data").mkdir(parents=True)
    (upper / "alias").symlink_to("/data")
    (layer / "data" / "below").write_text("below")
    (layer / "data" / "both").write_text("below")
    (upper / "data" / "both").write_text("above")
    target = copied(upper, layer, path=b"/alias")
    assert {name.name: name.read_text() for name in target.iterdir()} == {
        "below": "below",
        "both": "above",
    }


def test_names_that_are_no_text_survive(layer: Path) -> None:
    name = b"\xff\xfe new\nline \xe2\x82\xac"
    Path(os.fsdecode(os.fsencode(layer / "data") + b"/" + name)).write_text("x")
    assert os.listdir(os.fsencode(copied(layer))) == [name]
