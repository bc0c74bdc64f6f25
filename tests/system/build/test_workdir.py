"""WORKDIR in layers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.archives import on_disk
from fixtures.stage import Stage
from wherry.build.ops.workdir import WorkingDirectoryError, make_directory
from wherry.store.layers.view import LinkLoopError


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.layer("""
        mkdir -p -m 700 w/x; chown 3:4 w; echo f >f; ln -s /w to-w; ln -s /gone/away dangling
        ln -s to-file to-file; ln -s f ff
    """)
    return stage


def make(stage: Stage, path: str, owner: tuple[int, int] = (0, 0)) -> bool:
    return make_directory(str(stage.upper), stage.below, path.encode(), owner)


@pytest.mark.parametrize("path", ["/", "/w", "/w/", "/w/x", "/to-w", "/to-w/x", "/w/../w"])
def test_nothing_is_written_where_it_is(stage: Stage, path: str) -> None:
    assert not make(stage, path)
    assert os.listdir(stage.upper) == []


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("/new", {"new": "/"}),
        ("/a/b/c", {"a": "/", "a/b": "/", "a/b/c": "/"}),
        ("/w/n", {"w": "/", "w/n": "/"}),
        ("/to-w/x/n", {"w": "/", "w/x": "/", "w/x/n": "/"}),
        ("/dangling", {"gone": "/", "gone/away": "/"}),
        ("/dangling/n", {"gone": "/", "gone/away": "/", "gone/away/n": "/"}),
    ],
)
def test_what_is_missing_is_made(stage: Stage, path: str, made: dict[str, str]) -> None:
    assert make(stage, path)
    assert on_disk(stage.upper) == made
    assert not make(stage, path)
    assert stage.shown()


def test_attributes(stage: Stage) -> None:
    make(stage, "/w/n/m", (5, 6))
    assert [stage.told(path) for path in ("w", "w/n", "w/n/m")] == ["755 3:4", "755 5:6", "755 5:6"]


@pytest.mark.parametrize("path", ["/f", "/ff", "/f/x", "/ff/x/y"])
def test_files_in_the_way(stage: Stage, path: str) -> None:
    with pytest.raises(WorkingDirectoryError, match="cannot mkdir: /f: not a directory"):
        make(stage, path)


def test_names_that_cannot_be(stage: Stage) -> None:
    with pytest.raises(WorkingDirectoryError, match=r"cannot mkdir: /nn.*: File name too long"):
        make(stage, "/" + "n" * 300)


def test_links_that_lead_in_circles(stage: Stage) -> None:
    with pytest.raises(LinkLoopError):
        make(stage, "/to-file")
