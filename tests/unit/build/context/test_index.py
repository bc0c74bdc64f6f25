"""An archive's names as the tree that unpacking would make."""

from __future__ import annotations

import pytest

from wherry.build.context.index import Content, Index, clean, node_of
from wherry.build.context.tree import Kind
from wherry.store.errors import CorruptContentError, HostileArchiveError
from wherry.store.layers import tar


def entry(name: bytes, kind: int = tar.REGULAR, link: bytes = b"", **more: int) -> tar.Entry:
    one = tar.Entry(name, kind, mode=0o644, uid=0, gid=0, size=0, mtime_ns=0, link=link)
    for attribute, value in more.items():
        setattr(one, attribute, value)
    return one


def index_of(*entries: tar.Entry) -> Index:
    index = Index()
    for number, one in enumerate(entries):
        index.add(one, Content(number, 0) if one.is_file else None)
    return index


def paths(index: Index, path: bytes = b"") -> list[bytes]:
    found = []
    for node in index.children(path):
        found.append(node.path + (b"/" if node.kind is Kind.DIRECTORY else b""))
        found += paths(index, node.path)
    return found


D, L, H = tar.DIRECTORY, tar.SYMLINK, tar.HARD_LINK


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([entry(b"a")], [b"a"]),
        ([entry(b"./a"), entry(b"/b"), entry(b"c//d"), entry(b"x/../e")],
         [b"a", b"b", b"c/", b"c/d", b"e"]),
        ([entry(b"./", D), entry(b"d/", D), entry(b"d/./x")], [b"d/", b"d/x"]),
        ([entry(b"b"), entry(b"a"), entry(b"\xff")], [b"a", b"b", b"\xff"]),
        ([entry(b"a"), entry(b"a")], [b"a"]),
        ([entry(b"d/x"), entry(b"d")], [b"d"]),
        ([entry(b"d/x/y/z"), entry(b"d"), entry(b"d", D)], [b"d/"]),
        ([entry(b"d"), entry(b"d", D), entry(b"d/x")], [b"d/", b"d/x"]),
        ([entry(b"d/x"), entry(b"d", D)], [b"d/", b"d/x"]),
        ([entry(b"d", D), entry(b"l", L, b"d"), entry(b"l/x")], [b"d/", b"d/x", b"l"]),
        ([entry(b"l", L, b"../../e"), entry(b"l/x")], [b"e/", b"e/x", b"l"]),
        ([entry(b"s/l", L, b"/d"), entry(b"s/l/x/y")], [b"d/", b"d/x/", b"d/x/y", b"s/", b"s/l"]),
        ([entry(b"s/l", L, b"d/../e"), entry(b"s/l/x")],
         [b"s/", b"s/d/", b"s/e/", b"s/e/x", b"s/l"]),
        ([entry(b"l", L, b"d"), entry(b"l", D), entry(b"l/x")], [b"l/", b"l/x"]),
        ([entry(b".hidden"), entry(b"d/.hidden")], [b".hidden", b"d/", b"d/.hidden"]),
    ],
)  # fmt: skip
def test_names(entries: list[tar.Entry], expected: list[bytes]) -> None:
    index = index_of(*entries)
    assert paths(index) == expected
    assert len(index) == len(expected)


@pytest.mark.parametrize(
    "entries",
    [
        [entry(b"../a")],
        [entry(b"a/../../b")],
        [entry(b"a\0b")],
        [entry(b"f"), entry(b"f/x")],
        [entry(b"f", tar.FIFO), entry(b"f/x")],
        [entry(b"a", L, b"b"), entry(b"b", L, b"a"), entry(b"a/x")],
        [entry(b"h", H, b"nowhere")],
        [entry(b"h", H, b"")],
        [entry(b"d", D), entry(b"h", H, b"d")],
        [entry(b"x" * 256)],
        [entry(b"/".join([b"d"] * 2100))],
        [entry(b"l", L, b"/".join([b"d"] * 1900)), entry(b"l/" + b"/".join([b"e"] * 1000))],
    ],
)
def test_hostile_names(entries: list[tar.Entry]) -> None:
    with pytest.raises(HostileArchiveError):
        index_of(*entries)


@pytest.mark.parametrize(
    "one",
    [
        entry(b"a", ord("Z")),
        entry(b"a", uid=1 << 32),
        entry(b"a", gid=-1),
        entry(b"a", tar.CHARACTER, major=1 << 12),
        entry(b"a", tar.BLOCK_DEVICE, minor=-5),
    ],
)
def test_what_cannot_be(one: tar.Entry) -> None:
    with pytest.raises(CorruptContentError):
        node_of(one, b"a")


def test_what_an_entry_says() -> None:
    one = entry(b"a", mode=0o4711, uid=3, gid=4, real_size=9, mtime_ns=1 << 80)
    node = node_of(one, b"d/a")
    assert (node.mode, node.uid, node.gid, node.size, node.name) == (0o4711, 3, 4, 9, b"a")
    assert node.mtime_ns == 1 << 62


def test_directories_that_nobody_describes() -> None:
    index = index_of(entry(b"d/x"), entry(b"d/e/x"))
    node = index.get(b"d/e")
    assert node is not None
    assert node.kind is Kind.DIRECTORY
    assert (node.mode, node.uid, node.gid, node.mtime_ns) == (0o755, 0, 0, 0)


def test_the_root_can_be_described() -> None:
    node = index_of(entry(b"./", D, mode=0o700)).get(b"")
    assert node is not None
    assert node.mode == 0o700


def test_hard_links_are_one_file() -> None:
    index = index_of(
        entry(b"a", mode=0o600), entry(b"d/b", H, b"a"), entry(b"c", H, b"./d/b"), entry(b"other")
    )
    nodes = [index.get(path) for path in (b"a", b"d/b", b"c")]
    assert all(node is not None and node.mode == 0o600 for node in nodes)
    assert len({node.hard for node in nodes if node}) == 1
    assert index.content(b"c") is index.content(b"a")
    other = index.get(b"other")
    assert other is not None
    assert other.hard is None


def test_a_hard_link_keeps_what_its_target_was() -> None:
    index = index_of(entry(b"a", mode=0o600), entry(b"b", H, b"a"), entry(b"a", mode=0o644))
    first, second = index.get(b"a"), index.get(b"b")
    assert first is not None
    assert second is not None
    assert (first.mode, second.mode) == (0o644, 0o600)
    assert index.content(b"a") is not index.content(b"b")


def test_hard_links_through_links_and_of_links() -> None:
    index = index_of(
        entry(b"d/a"), entry(b"l", L, b"d"), entry(b"h", H, b"l/a"), entry(b"k", H, b"l")
    )
    assert index.content(b"h") is index.content(b"d/a")
    node = index.get(b"k")
    assert node is not None
    assert (node.kind, node.target) == (Kind.LINK, b"d")


def test_a_hard_link_to_itself_changes_nothing() -> None:
    index = index_of(entry(b"a"), entry(b"a", H, b"a"))
    assert paths(index) == [b"a"]


def test_many_names_that_replace_each_other() -> None:
    index = Index()
    for _ in range(2000):
        index.add(entry(b"a/b/c"), Content(0, 0))
        index.add(entry(b"a", L, b"x"))
        index.add(entry(b"a", D))
    assert paths(index) == [b"a/"]


@pytest.mark.parametrize(
    ("name", "path"),
    [(b"a", b"a"), (b"a/", b"a"), (b"./", b""), (b"/", b""), (b"", b""), (b"a/..", b""),
     (b".a", b".a"), (b"..a/b", b"..a/b"), (b"a/.b", b"a/.b"), (b"a/b/../c", b"a/c")],
)  # fmt: skip
def test_clean(name: bytes, path: bytes) -> None:
    assert clean(name) == path
