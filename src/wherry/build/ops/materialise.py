"""Writes a part of a tree to where it can be mounted from."""

from __future__ import annotations

import os

from wherry.base.errors import NotFoundError
from wherry.build.context.select import Pick, resolve
from wherry.build.context.tree import Kind, Tree
from wherry.build.ops.copy import Destination, How, copy
from wherry.store.layers.view import LayerView


def materialise(tree: Tree, source: str, target: str) -> None:
    """Write the file or directory `source` of a tree to `target`, which a directory may be already.

    Owners and modes are kept. Raises NotFoundError.
    """
    node = resolve(tree, os.fsencode(source))
    if node is None:
        raise NotFoundError(f'failed to compute cache key: "{source}": not found')
    nothing = LayerView([])
    if node.kind is Kind.DIRECTORY:
        os.makedirs(target, 0o755, exist_ok=True)
        copy(target, nothing, [Pick(tree, node, b"")], Destination(b"/", directory=True), How())
        os.chmod(target, node.mode)
        return
    around = f"{target}.only"
    os.mkdir(around, 0o700)
    copy(around, nothing, [Pick(tree, node, b"file")], Destination(b"/file"), How())
    os.rename(f"{around}/file", target)
    os.rmdir(around)
