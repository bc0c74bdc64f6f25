"""WORKDIR: a directory that a step needs, made with its parents where it is missing."""

from __future__ import annotations

import contextlib
import os

from wherry.base.errors import InvalidError
from wherry.build.ops.upper import ROOT, CopyError, Owner, Upper, shown
from wherry.store.layers.view import LayerView, is_directory


class WorkingDirectoryError(InvalidError):
    """It cannot be made; dockerd's words."""

    def __init__(self, path: bytes, why: str) -> None:
        super().__init__(f"cannot mkdir: {shown(path)}: {why}")


def make_directory(upper: str, below: LayerView, path: bytes, owner: Owner = ROOT) -> bool:
    """Make a directory in `upper`; return whether anything was missing.

    Where the path is a directory already, nothing is written. What is made belongs to `owner` and
    has mode 0755. Raises WorkingDirectoryError, LinkLoopError, DiskFullError.
    """
    try:
        with contextlib.closing(Upper(upper, below)) as layer, layer.errors_named():
            return _make(layer, path, owner)
    except CopyError as error:
        raise WorkingDirectoryError(error.path, error.why) from error


def _make(layer: Upper, path: bytes, owner: Owner) -> bool:
    layer.current = path.strip(b"/")
    target = layer.view.resolve(path)
    there = layer.view.merged(target)
    if there and is_directory(there[0]):
        return False
    folder, anew = layer.make_all(target, owner)
    os.close(folder.descriptor)
    return anew
