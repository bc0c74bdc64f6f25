"""Where paths lead in a stack of layers; whiteouts are tried in the system tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.store.layers.view import LayerView, LinkLoopError, children, visible


@pytest.fixture
def view(tmp_path: Path) -> LayerView:
    low, high = tmp_path / "low", tmp_path / "high"
    (low / "d" / "s").mkdir(parents=True)
    (high / "d" / "t").mkdir(parents=True)
    (low / "f").write_text("low")
    (high / "f").write_text("high")
    (low / "over").mkdir()
    (high / "over").write_text("file")
    links = {"abs": "/d", "rel": "d/s", "up": "../../d", "far": "/no/where", "one": "two",
             "two": "one", "d/s/back": "../..", "file": "f"}  # fmt: skip
    for name, target in links.items():
        (low / name).symlink_to(target)
    return LayerView([str(high), str(low)])


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/", b""),
        (b"/d/s", b"d/s"),
        (b"//d/./s/", b"d/s"),
        (b"/d/../f", b"f"),
        (b"/../../d", b"d"),
        (b"/abs", b"d"),
        (b"/abs/t", b"d/t"),
        (b"/rel/back/rel", b"d/s"),
        (b"/up/s", b"d/s"),
        (b"/new/x", b"new/x"),
        (b"/d/new/x", b"d/new/x"),
        (b"/rel/new", b"d/s/new"),
        (b"/far", b"no/where"),
        (b"/far/x/y", b"no/where/x/y"),
        (b"/far/../x", b"no/x"),
        (b"/file", b"f"),
        (b"/f/x", b"f/x"),
        (b"/over/x", b"over/x"),
    ],
)
def test_resolve(view: LayerView, path: bytes, found: bytes) -> None:
    assert view.resolve(path) == found


@pytest.mark.parametrize("path", [b"/one", b"/two/x"])
def test_links_that_lead_in_circles(view: LayerView, path: bytes) -> None:
    with pytest.raises(LinkLoopError, match="too many levels"):
        view.resolve(path)
    assert view.find(path) is None


@pytest.mark.parametrize(
    ("path", "places"),
    [
        (b"", ["high", "low"]),
        (b"d", ["high/d", "low/d"]),
        (b"d/s", ["low/d/s"]),
        (b"d/t", ["high/d/t"]),
        (b"f", ["high/f"]),
        (b"over", ["high/over"]),
        (b"abs", ["low/abs"]),
        (b"abs/s", []),
        (b"f/x", []),
        (b"absent", []),
    ],
)
def test_merged(view: LayerView, tmp_path: Path, path: bytes, places: list[str]) -> None:
    assert view.merged(path) == [os.fsencode(tmp_path / place) for place in places]


def test_one_more_on_top(view: LayerView, tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "abs").write_text("no link any more")
    assert view.with_top(str(tmp_path / "top")).resolve(b"/abs/x") == b"abs/x"
    assert view.resolve(b"/abs/x") == b"d/x"


def test_what_shows(view: LayerView, tmp_path: Path) -> None:
    assert view.names(b"/abs") == [b"s", b"t"]
    entries = {entry.name: entry.path for entry in visible(view.merged(b""))}
    assert entries[b"over"] == os.fsencode(tmp_path / "high" / "over")
    assert entries[b"rel"] == os.fsencode(tmp_path / "low" / "rel")
    assert children(view.merged(b""), b"over") == [entries[b"over"]]
