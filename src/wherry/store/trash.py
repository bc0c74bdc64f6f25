"""Deleting: rename aside at once, remove at leisure. A crash in between leaves only trash."""

from __future__ import annotations

import os
import stat

from wherry.base.trees import remove_tree
from wherry.store.layout import Layout


def discard(layout: Layout, path: str) -> str | None:
    """Take `path` out of its place; returns what `empty` takes, None if nothing was there."""
    target = f"{layout.trash}/{os.urandom(12).hex()}"
    try:
        os.rename(path, target)
    except FileNotFoundError:
        return None
    return target


def empty(path: str | None) -> None:
    """Remove what `discard` returned."""
    if path is None:
        return
    if stat.S_ISDIR(os.lstat(path).st_mode):
        remove_tree(path)
    else:
        os.unlink(path)


def remove(layout: Layout, path: str) -> bool:
    """Discard and remove; returns whether there was anything."""
    aside = discard(layout, path)
    empty(aside)
    return aside is not None


def empty_all(layout: Layout) -> None:
    """Remove whatever earlier processes left in the trash."""
    for name in os.listdir(layout.trash):
        empty(f"{layout.trash}/{name}")
