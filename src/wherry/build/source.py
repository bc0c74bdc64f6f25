"""Finds the Dockerfile of a build, and hides from its context what .dockerignore names."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError, NotFoundError
from wherry.base.values import dataclass
from wherry.build.context.filtered import FilteredTree
from wherry.build.context.select import resolve
from wherry.build.context.tree import Kind, Tree
from wherry.build.dockerfile.ignore import Matcher, ignore_files, parse_ignore
from wherry.build.graph.actions import MAIN_CONTEXT
from wherry.build.options import DEFAULT_DOCKERFILE, BuildOptions

_LARGEST = 16 << 20


class DockerfileNotFoundError(NotFoundError):
    """The context has no such file; docker's words."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Cannot locate specified Dockerfile: {path}")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a Dockerfile, and what errors call it."""

    name: str
    text: bytes


async def read_dockerfile(
    options: BuildOptions, context: Callable[[str], Awaitable[Tree]]
) -> Source:
    """Return the Dockerfile: given with the request, or found in the context."""
    if options.dockerfile_text is not None:
        return Source(options.dockerfile or DEFAULT_DOCKERFILE, options.dockerfile_text)
    tree = await context(MAIN_CONTEXT)
    text = await in_thread(_read, tree, options.dockerfile)
    if text is None:
        raise DockerfileNotFoundError(options.dockerfile)
    return Source(options.dockerfile, text)


def _read(tree: Tree, path: str) -> bytes | None:
    """Return the content of a small file, found through links inside the tree."""
    node = resolve(tree, os.fsencode(path), follow_last=True)
    if node is None or node.kind is not Kind.FILE:
        return None
    if node.size > _LARGEST:
        raise InvalidError(f"{path} has {node.size} bytes: that is no text for a build")
    with tree.open(node) as file:
        return file.read()


def matcher_of(tree: Tree, dockerfile: str) -> Matcher | None:
    """Return what a context leaves out, None where it has no ignore file."""
    for path in ignore_files(dockerfile):
        text = _read(tree, path)
        if text is not None:
            return Matcher(parse_ignore(text))
    return None


def without_ignored(tree: Tree, dockerfile: str) -> Tree:
    """Return a context as COPY sees it."""
    matcher = matcher_of(tree, dockerfile)
    return tree if matcher is None else FilteredTree(tree, matcher.ignored, matcher.may_contain)
