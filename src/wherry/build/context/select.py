"""Which files of a tree the sources of COPY and ADD mean.

A source is a path from the tree's root, however it is written: `..` does not lead out. A directory
means what is in it, a link what it leads to, inside the tree. In a pattern `*` stays within one
component, and no link is followed where names are compared.

With `parents` (`COPY --parents`) the directories on the way are part of what is copied, from the
root or from a `/./` in the source on; `**` then is any number of components, and links are copied
as links.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from wherry.base.errors import InvalidError, NotFoundError
from wherry.base.values import dataclass
from wherry.build.context.filtered import FilteredTree
from wherry.build.context.patterns import ANY_DEPTH, Match, component_matcher, has_wildcard
from wherry.build.context.tree import Kind, Node, Tree

Predicate = Callable[[bytes], bool]
_MOST_LINKS: Final = 40
_PIVOT: Final = b"/./"


class SourceNotFoundError(NotFoundError):
    """A source is not in the tree; the words are those of dockerd's classic builder."""

    def __init__(self, keyword: str, path: bytes, *, context: bool) -> None:
        where = "file not found in build context or excluded by .dockerignore: " if context else ""
        shown = os.fsdecode(path)
        super().__init__(f"{keyword} failed: {where}stat {shown}: file does not exist")


class NoSourceError(NotFoundError):
    """No file matches a pattern."""

    def __init__(self, keyword: str) -> None:
        super().__init__(f"{keyword} failed: no source files were specified")


class SourceLoopError(InvalidError):
    """Links of the tree lead from one to the other without an end."""

    def __init__(self, path: bytes) -> None:
        super().__init__(f"{os.fsdecode(path)}: too many levels of symbolic links")


@dataclass(frozen=True, slots=True)
class Options:
    """How sources are meant.

    `excluded` says of a path below a source, or of the name of a file that is one, that it is left
    out, and `reaches` of a directory so left out that something below it may not be. `context` is
    False for images and stages. `keyword` is for errors.
    """

    keyword: str = "COPY"
    context: bool = True
    parents: bool = False
    excluded: Predicate | None = None
    reaches: Predicate | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """One thing to copy: of a directory, what is in it. `name` is what a file is called."""

    tree: Tree
    node: Node
    name: bytes


Selection = Sequence[Pick]
_DEFAULTS: Final = Options()


def select(tree: Tree, sources: Sequence[bytes], options: Options = _DEFAULTS) -> list[Pick]:
    """Return what the sources mean, in their order.

    Raises SourceNotFoundError, NoSourceError when all of them are patterns without a match,
    SourcePatternError, SourceLoopError.
    """
    found = list[Pick]()
    chosen = _with_parents if options.parents else _plain
    any_match = False
    for source in sources:
        for pick in chosen(tree, source, options):
            any_match = True
            if not _leaves_out(pick, options):
                found.append(_without(pick, options))
    if not any_match and sources:
        raise NoSourceError(options.keyword)
    return found


def resolve(tree: Tree, path: bytes, *, follow_last: bool = True) -> Node | None:
    """Return the node that a path leads to, following links inside the tree.

    None where there is nothing. Raises SourceLoopError.
    """
    path = cleaned(path)
    node = tree.get(path)
    if node is not None and not (follow_last and node.kind is Kind.LINK):
        return node
    pending, at, links = path.split(b"/"), b"", 0
    pending.reverse()
    node = tree.get(b"")
    while pending:
        component = pending.pop()
        if component in (b"", b"."):
            continue
        if component == b"..":
            at = at.rpartition(b"/")[0]
            node = tree.get(at)
            continue
        below = at + b"/" + component if at else component
        node = tree.get(below)
        if node is None:
            return None
        if node.kind is Kind.LINK and (pending or follow_last):
            links += 1
            if links > _MOST_LINKS:
                raise SourceLoopError(path)
            pending += reversed(node.target.split(b"/"))
            at = b"" if node.target.startswith(b"/") else at
            node = tree.get(at)
            continue
        if pending and node.kind is not Kind.DIRECTORY:
            return None
        at = below
    return node


def cleaned(path: bytes) -> bytes:
    """Return a path from the root, without `.`, `..` and slashes that mean nothing."""
    return posixpath.normpath(b"/" + path.lstrip(b"/")).lstrip(b"/")


def _plain(tree: Tree, source: bytes, options: Options) -> Iterator[Pick]:
    path = cleaned(source)
    if not has_wildcard(path):
        yield _pick(tree, path, source, options)
        return
    fixed, patterns = _split(path)
    start = resolve(tree, fixed)
    if start is None:
        return
    for node in list(_expand(tree, start, [_step(pattern) for pattern in patterns])):
        yield _pick(tree, node.path, node.path, options)


def _pick(tree: Tree, path: bytes, written: bytes, options: Options) -> Pick:
    node = resolve(tree, path)
    if node is None:
        raise SourceNotFoundError(options.keyword, written.strip(b"/"), context=options.context)
    return Pick(tree, node, path.rpartition(b"/")[2])


def _split(path: bytes) -> tuple[bytes, list[bytes]]:
    """Return the components before the first wildcard, and the others."""
    components = path.split(b"/")
    first = next((i for i, one in enumerate(components) if has_wildcard(one)), len(components))
    return b"/".join(components[:first]), components[first:]


def _step(pattern: bytes) -> bytes | Match:
    """Return a test of names, or the name itself; a component without wildcards is literal."""
    return component_matcher(pattern) if has_wildcard(pattern) else pattern


def _expand(tree: Tree, start: Node, steps: Sequence[bytes | Match | None]) -> Iterator[Node]:
    """Yield what matches below a directory, in the order of names; None is any depth.

    Below a match nothing is looked for: it is part of that.
    """
    pending = [(start, 0)]
    # With any depth in several places a directory can be come to in many ways.
    seen = set[tuple[bytes, int]]()
    while pending:
        node, place = pending.pop()
        if (node.path, place) in seen:
            continue
        seen.add((node.path, place))
        if place == len(steps):
            yield node
        elif node.kind is Kind.DIRECTORY:
            pending += reversed(list(_following(tree, node, place, steps)))


def _following(
    tree: Tree, node: Node, place: int, steps: Sequence[bytes | Match | None]
) -> Iterator[tuple[Node, int]]:
    step = steps[place]
    if step is None:
        yield node, place + 1
        for child in tree.children(node):
            if child.kind is Kind.DIRECTORY:
                yield child, place
    elif isinstance(step, bytes):
        child_path = node.path + b"/" + step if node.path else step
        child_or_none = tree.get(child_path)
        if child_or_none is not None:
            yield child_or_none, place + 1
    else:
        for child in tree.children(node):
            if step(child.name):
                yield child, place + 1


def _with_parents(tree: Tree, source: bytes, options: Options) -> Iterator[Pick]:
    before, pivot, pattern = source.partition(_PIVOT)
    if not pivot:
        before, pattern = b"", source
    pattern = cleaned(pattern)
    bases = list(_plain(tree, before, options)) if before.strip(b"./") else [_root(tree)]
    steps = [None if one == ANY_DEPTH else _step(one) for one in pattern.split(b"/") if one]
    for base in bases:
        if base.node.kind is not Kind.DIRECTORY:
            continue
        matches = {node.path for node in _expand(tree, base.node, steps)}
        if matches:
            yield Pick(_Included(tree, base.node, matches).tree, base.node, b"")
        elif not has_wildcard(before) and not has_wildcard(pattern):
            missing = posixpath.join(base.node.path, pattern)
            raise SourceNotFoundError(options.keyword, missing, context=options.context)


def _root(tree: Tree) -> Pick:
    node = tree.get(b"")
    assert node is not None, "a tree has a root"
    return Pick(tree, node, b"")


class _Included:
    """What is below a directory and matches, all that is in it, and the way to it."""

    def __init__(self, tree: Tree, base: Node, matches: set[bytes]) -> None:
        self._matches = matches
        self._ways = {way for match in matches for way in _above(match)}
        self.tree = FilteredTree(tree, self._hides, self._reaches)
        self._all = base.path in matches

    def _hides(self, path: bytes) -> bool:
        if self._all or path in self._matches:
            return False
        return not any(above in self._matches for above in _above(path))

    def _reaches(self, path: bytes) -> bool:
        return path in self._ways


def _above(path: bytes) -> Iterator[bytes]:
    """Yield the directories above a path, the root last."""
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _leaves_out(pick: Pick, options: Options) -> bool:
    if options.excluded is None or options.parents or pick.node.kind is Kind.DIRECTORY:
        return False
    return options.excluded(pick.name)


def _without(pick: Pick, options: Options) -> Pick:
    """Return the pick without what is left out of it; paths are relative to the source."""
    excluded, reaches = options.excluded, options.reaches
    if excluded is None or pick.node.kind is not Kind.DIRECTORY:
        return pick
    start = len(pick.node.path) + 1 if pick.node.path else 0

    def hides(path: bytes) -> bool:
        return excluded(path[start:])

    def reached(path: bytes) -> bool:
        return reaches is None or reaches(path[start:])

    return Pick(FilteredTree(pick.tree, hides, reached), pick.node, pick.name)
