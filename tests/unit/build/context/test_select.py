"""What sources of COPY mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fixtures.archives import Entry, file, folder, link, shown, tree_of
from wherry.build.context.digests import walk
from wherry.build.context.filtered import FilteredTree
from wherry.build.context.patterns import SourcePatternError
from wherry.build.context.select import (
    NoSourceError,
    Options,
    Pick,
    SourceLoopError,
    SourceNotFoundError,
    cleaned,
    resolve,
    select,
)
from wherry.build.context.tree import Kind, Tree
from wherry.build.dockerfile.ignore import Matcher

ENTRIES = (
    file("a.txt", b"a"), file("b.txt", b"b"), file("c.md", b"c"), file(".txt", b"dot"),
    file("d/one.txt", b"1"), file("d/two.md", b"2"), file("d/s/three.txt", b"3"),
    file("d/s/t/four.txt", b"4"), folder("empty"), link("to-file", "a.txt"), link("to-dir", "/d"),
    link("up", "../../d/s"), link("dangling", "nowhere"), link("loop", "loop2"),
    link("loop2", "loop"), link("d/back", ".."), file("[x]", b"x"), file("back\\slash*", b"y"),
)  # fmt: skip
NOT_FOUND = "COPY failed: file not found in build context or excluded by .dockerignore: "


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return tree_of(tmp_path, *ENTRIES)


def texts(picks: Sequence[Pick]) -> list[str]:
    return [
        f"{pick.node.path.decode()}/" if pick.node.kind is Kind.DIRECTORY else
        f"{pick.node.path.decode()} as {pick.name.decode()}"
        for pick in picks
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (b"a.txt", ["a.txt as a.txt"]),
        (b"./a.txt", ["a.txt as a.txt"]),
        (b"/d/one.txt", ["d/one.txt as one.txt"]),
        (b"../../d//one.txt", ["d/one.txt as one.txt"]),
        (b"d/nowhere/../one.txt", ["d/one.txt as one.txt"]),
        (b"a.txt/", ["a.txt as a.txt"]),
        (b"d", ["d/"]),
        (b"d/", ["d/"]),
        (b"d/.", ["d/"]),
        (b".", ["/"]),
        (b"/", ["/"]),
        (b"", ["/"]),
        (b"..", ["/"]),
        (b"to-file", ["a.txt as to-file"]),
        (b"to-dir", ["d/"]),
        (b"to-dir/one.txt", ["d/one.txt as one.txt"]),
        (b"up/three.txt", ["d/s/three.txt as three.txt"]),
        (b"d/back/a.txt", ["a.txt as a.txt"]),
        (b"*.txt", [".txt as .txt", "a.txt as a.txt", "b.txt as b.txt"]),
        (b"?.txt", ["a.txt as a.txt", "b.txt as b.txt"]),
        (b"[^a].txt", ["b.txt as b.txt"]),
        (b"*/*.txt", ["d/one.txt as one.txt"]),
        (b"d/*", ["/", "d/one.txt as one.txt", "d/s/", "d/two.md as two.md"]),
        (b"e*", ["empty/"]),
        (b"*/s/*.txt", ["d/s/three.txt as three.txt"]),
        (b"to-f*", ["a.txt as to-file"]),
        (b"to-dir/*.txt", ["d/one.txt as one.txt"]),
        (b"**/*.txt", ["d/one.txt as one.txt"]),
        (b"[[]x]", ["[x] as [x]"]),
        (b"back\\\\slas?\\*", ["back\\slash* as back\\slash*"]),
    ],
)
def test_sources(tree: Tree, source: bytes, found: list[str]) -> None:
    assert texts(select(tree, [source])) == found


def test_several_keep_their_order(tree: Tree) -> None:
    assert texts(select(tree, [b"c.md", b"a.txt", b"d", b"none*"])) == [
        "c.md as c.md", "a.txt as a.txt", "d/",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"absent", NOT_FOUND + "stat absent: file does not exist"),
        (b"/d/absent", "stat d/absent: file does not exist"),
        (b"dangling", "stat dangling: file does not exist"),
        (b"dang*", "stat dangling: file does not exist"),
        (b"a.txt/x", "stat a.txt/x: file does not exist"),
    ],
)  # fmt: skip
def test_sources_that_are_not_there(tree: Tree, source: bytes, words: str) -> None:
    with pytest.raises(SourceNotFoundError) as caught:
        select(tree, [source])
    assert words in str(caught.value)


def test_words_for_other_trees_and_keywords(tree: Tree) -> None:
    with pytest.raises(SourceNotFoundError) as caught:
        select(tree, [b"/absent"], Options(keyword="ADD", context=False))
    assert str(caught.value) == "ADD failed: stat absent: file does not exist"


@pytest.mark.parametrize("source", [b"*.none", b"absent/*", b"a.txt/*"])
def test_patterns_without_a_match(tree: Tree, source: bytes) -> None:
    with pytest.raises(NoSourceError, match="COPY failed: no source files were specified"):
        select(tree, [source])


def test_other_mistakes(tree: Tree) -> None:
    with pytest.raises(SourceLoopError, match="too many levels"):
        select(tree, [b"loop"])
    with pytest.raises(SourcePatternError):
        select(tree, [b"[a"])


@pytest.mark.parametrize(
    ("path", "follow_last", "found"),
    [
        (b"to-dir", True, b"d"),
        (b"to-dir", False, b"to-dir"),
        (b"to-dir/s", False, b"d/s"),
        (b"up/../one.txt", True, None),
        (b"d/back/d/back/d", True, b"d"),
        (b"dangling", True, None),
        (b"dangling", False, b"dangling"),
        (b"", True, b""),
    ],
)
def test_resolve(tree: Tree, path: bytes, follow_last: bool, found: bytes | None) -> None:
    node = resolve(tree, path, follow_last=follow_last)
    assert (node.path if node else None) == found


@pytest.mark.parametrize(
    ("path", "result"),
    [(b"//a//b/", b"a/b"), (b"./a/../../b", b"b"), (b"///", b""), (b"a/./b", b"a/b"),
     (b"..a", b"..a")],
)  # fmt: skip
def test_cleaned(path: bytes, result: bytes) -> None:
    assert cleaned(path) == result


PARENTS = (
    file("x/a.txt"), file("x/y/b.txt"), file("x/y/c.md"), file("x/y/z/d.txt"), file("top.txt"),
    file("w/y/e.txt"), folder("w/empty"), link("l", "x"), link("x/dangling", "nowhere"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (b"x/a.txt", ["x/", "x/a.txt"]),
        (b"/x/y", ["x/", "x/y/", "x/y/b.txt", "x/y/c.md", "x/y/z/", "x/y/z/d.txt"]),
        (b"./x/./y/*.txt", ["x/y/", "x/y/b.txt"]),
        (b"x/./a.txt", ["x/a.txt"]),
        (b"[wx]/./y/*.txt", ["w/y/", "w/y/e.txt", "x/y/", "x/y/b.txt"]),
        (b"**/*.txt", ["top.txt", "w/", "w/y/", "w/y/e.txt", "x/", "x/a.txt", "x/y/", "x/y/b.txt",
                       "x/y/z/", "x/y/z/d.txt"]),
        (b"x/**/z", ["x/", "x/y/", "x/y/z/", "x/y/z/d.txt"]),
        (b"**/**/z/**", ["x/", "x/y/", "x/y/z/", "x/y/z/d.txt"]),
        (b"w/empty", ["w/", "w/empty/"]),
        (b"x/dangling", ["x/", "x/dangling"]),
        (b"l/./a.txt", ["x/a.txt"]),
        (b"w/././.", ["w/empty/", "w/y/", "w/y/e.txt"]),
    ],
)  # fmt: skip
def test_with_parents(tmp_path: Path, source: bytes, found: list[str]) -> None:
    picks = select(tree_of(tmp_path, *PARENTS), [source], Options(parents=True))
    paths = [
        node.path.decode() + "/" * (node.kind is Kind.DIRECTORY)
        for pick in picks
        for node in walk(pick.tree, pick.node)
    ]
    assert paths == found


@pytest.mark.parametrize("source", [b"absent", b"x/./absent", b"absent/./x", b"x/a.txt/y"])
def test_parents_of_what_is_not_there(tmp_path: Path, source: bytes) -> None:
    with pytest.raises(SourceNotFoundError):
        select(tree_of(tmp_path, *PARENTS), [source], Options(parents=True))


def test_parents_of_patterns_without_a_match(tmp_path: Path) -> None:
    with pytest.raises(NoSourceError):
        select(tree_of(tmp_path, *PARENTS), [b"**/*.none"], Options(parents=True))


def left(tree: Tree, sources: list[bytes], *patterns: str, parents: bool = False) -> list[str]:
    matcher = Matcher(patterns)
    options = Options(parents=parents, excluded=matcher.ignored, reaches=matcher.may_contain)
    found = []
    for pick in select(tree, sources, options):
        if pick.node.kind is Kind.DIRECTORY:
            found += [node.path.decode() for node in walk(pick.tree, pick.node)]
        else:
            found.append(pick.node.path.decode())
    return found


EXCLUDED: list[Entry] = [
    file("a.txt"), file("a.md"), file("s/b.tmp"), file("s/b.md"), file("s/t/c.md"), file("s/t/d"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "patterns", "expected"),
    [
        ([b"."], ["*.md", "**/*.tmp"], ["a.txt", "s", "s/b.md", "s/t", "s/t/c.md", "s/t/d"]),
        ([b"s"], ["*.md"], ["s/b.tmp", "s/t", "s/t/c.md", "s/t/d"]),
        ([b"s"], ["t", "!t/d"], ["s/b.md", "s/b.tmp", "s/t", "s/t/d"]),
        ([b"a.*"], ["*.md"], ["a.txt"]),
        ([b"a.md", b"a.txt"], ["*.txt"], ["a.md"]),
        ([b"*.md"], ["*"], []),
        ([b"s"], ["s"], ["s/b.md", "s/b.tmp", "s/t", "s/t/c.md", "s/t/d"]),
    ],
)
def test_excluded(
    tmp_path: Path, sources: list[bytes], patterns: list[str], expected: list[str]
) -> None:
    assert left(tree_of(tmp_path, *EXCLUDED), sources, *patterns) == expected


def test_excluded_with_parents(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, *EXCLUDED)
    assert left(tree, [b"s"], "s/*.md", "**/d", parents=True) == [
        "s", "s/b.tmp", "s/t", "s/t/c.md",
    ]  # fmt: skip


def test_ignored_files_are_not_there(tmp_path: Path) -> None:
    tree = FilteredTree(tree_of(tmp_path, *EXCLUDED), Matcher(["a.*", "s/t"]).ignored)
    assert set(shown(tree)) == {"s", "s/b.tmp", "s/b.md"}
    with pytest.raises(SourceNotFoundError):
        select(tree, [b"a.txt"])
    with pytest.raises(NoSourceError):
        select(tree, [b"*.txt"])
