"""Where objects lie, and that nothing else is ever named."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from wherry.registry.blobdrivers.driver import Key, new_key
from wherry.registry.blobdrivers.layout import InvalidKeyError, Tree, is_key, relative

KEY = Key("0123456789abcdef0123456789abcdef")


def test_names() -> None:
    assert relative(KEY) == f"objects/01/{KEY}"
    tree = Tree("/srv/registry/")
    assert tree.path(KEY) == f"/srv/registry/objects/01/{KEY}"
    assert tree.folder(KEY) == "/srv/registry/objects/01"
    assert Tree("/srv/x/../registry").root == "/srv/registry"


def test_new_keys_are_keys() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(map(is_key, keys))


@pytest.mark.parametrize(
    "text",
    ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "../" + "0" * 29, "0" * 31 + "\n", "\u0660" * 32],
)
def test_what_is_no_key(text: str) -> None:
    assert not is_key(text)
    with pytest.raises(InvalidKeyError):
        relative(Key(text))


def test_making_twice(tmp_path: Path) -> None:
    tree = Tree(str(tmp_path / "a" / "b"))
    for _ in range(2):
        tree.make(sync=True)
        tree.make_folder(KEY, sync=True)
    assert tree.folders() == [tree.folder(KEY)]
    for folder in (tree.objects, tree.folder(KEY)):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700


def test_strange_folders_are_not_ours(tmp_path: Path) -> None:
    tree = Tree(str(tmp_path))
    tree.make(sync=False)
    for name in ("lost+found", "0", "zz", "ABC"):
        (tmp_path / "objects" / name).mkdir()
    assert tree.folders() == []
