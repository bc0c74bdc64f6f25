"""The directories of volumes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from fixtures.deep import make_deep, removable_folder
from wherry.store.layers.view import LayerView
from wherry.volume import directories as module
from wherry.volume.directories import VolumeDirectories


@pytest.fixture
def volumes(tmp_path: Path) -> VolumeDirectories:
    return VolumeDirectories(str(tmp_path / "volumes"))


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    made = tmp_path / "layer"
    (made / "data" / "sub").mkdir(parents=True)
    for number in range(50):
        (made / "data" / "sub" / str(number)).write_text(str(number))
    (made / "data" / "top").write_text("top")
    (made / "data").chmod(0o751)
    os.utime(made / "data", ns=(5, 1_000_000_007))
    return made


class Slow(LayerView):
    """A view that lets another go on when it is looked through, and may fail."""

    def __init__(self, layer: Path, meanwhile: object = None, fails: str = "") -> None:
        super().__init__([str(layer)])
        self.meanwhile, self.fails = meanwhile, fails.encode()

    def names(self, path: bytes) -> list[bytes]:
        if callable(self.meanwhile):
            self.meanwhile()
            self.meanwhile = None
        if self.fails and path.endswith(self.fails):
            raise OSError("the disk is full")
        return super().names(path)


def test_an_empty_volume_is_filled_once(volumes: VolumeDirectories, layer: Path) -> None:
    content = Path(volumes.make("v"))
    assert volumes.fill("v", LayerView([str(layer)]), "/data")
    assert (content / "sub" / "49").read_text() == "49"
    assert (content.stat().st_mode & 0o777, content.stat().st_mtime_ns) == (0o751, 1_000_000_007)
    (content / "top").write_text("changed")
    assert not volumes.fill("v", LayerView([str(layer)]), "/data")
    assert (content / "top").read_text() == "changed"
    assert os.listdir(content.parent) == ["_data"]


@pytest.mark.parametrize("path", ["/nothing", "/data/top", "/data/top/x", ""])
def test_what_is_no_directory_fills_nothing(
    volumes: VolumeDirectories, layer: Path, path: str
) -> None:
    content = volumes.make("v")
    if path:
        assert not volumes.fill("v", LayerView([str(layer)]), path)
        assert os.listdir(content) == []


def test_two_at_once_fill_it_once(volumes: VolumeDirectories, layer: Path) -> None:
    content = Path(volumes.make("v"))
    second: list[object] = []

    def other() -> None:
        try:
            second.append(volumes.fill("v", LayerView([str(layer)]), "/data"))
        except Exception as error:
            second.append(error)

    thread = threading.Thread(target=other)

    def meanwhile() -> None:
        thread.start()
        thread.join(0.1)

    assert volumes.fill("v", Slow(layer, meanwhile), "/data")
    thread.join(10)
    assert second == [False]
    assert len(list((content / "sub").iterdir())) == 50


def test_what_a_container_writes_meanwhile_is_never_lost(
    volumes: VolumeDirectories, layer: Path
) -> None:
    content = Path(volumes.make("v"))

    def meanwhile() -> None:
        (content / "top").write_text("a container's")
        (content / "own").write_text("a container's, too")

    volumes.fill("v", Slow(layer, meanwhile), "/data")
    assert (content / "top").read_text() == "a container's"
    assert (content / "own").exists()
    assert (content / "sub" / "7").read_text() == "7"


def test_a_copy_that_fails_leaves_what_was_there_and_nothing_else(
    volumes: VolumeDirectories, layer: Path
) -> None:
    content = Path(volumes.make("v"))

    def meanwhile() -> None:
        (content / "own").write_text("a container's")

    with pytest.raises(OSError, match="disk is full"):
        volumes.fill("v", Slow(layer, meanwhile, fails="sub"), "/data")
    assert os.listdir(content) == ["own"]
    assert os.listdir(content.parent) == ["_data"]


def test_a_copy_that_a_crash_cut_short_is_begun_again(
    volumes: VolumeDirectories, layer: Path
) -> None:
    content = Path(volumes.make("v"))
    half = content.parent / "_filling"
    half.mkdir()
    (half / "half").write_text("x")
    assert volumes.fill("v", LayerView([str(layer)]), "/data")
    assert sorted(os.listdir(content)) == ["sub", "top"]


def test_a_whole_copy_that_a_crash_kept_from_its_place_is_moved_there(
    volumes: VolumeDirectories, layer: Path
) -> None:
    for name in ("v", "w"):
        content = Path(volumes.make(name))
        if name == "v":
            (layer / "data").rename(content.parent / "_filled")
        (content / "top").write_text("moved before the crash")
        (content.parent / "_filling").mkdir()
    volumes.recover(["v", "w"])
    content = Path(volumes.path("v"))
    assert sorted(os.listdir(content)) == ["sub", "top"]
    assert (content / "top").read_text() == "moved before the crash"
    assert (content / "sub" / "49").read_text() == "49"
    assert content.stat().st_mode & 0o777 == 0o751
    for name in ("v", "w"):
        assert os.listdir(Path(volumes.path(name)).parent) == ["_data"]


def test_a_copy_is_on_the_disk_before_it_is_called_whole(
    volumes: VolumeDirectories, layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = Path(volumes.make("v"))
    seen: list[list[str]] = []

    def synced(directory: str) -> None:
        seen.append(sorted(os.listdir(directory)))
        seen.append(sorted(os.listdir(content.parent)))

    def directory_synced(directory: str) -> None:
        seen.append(sorted(os.listdir(directory)))

    monkeypatch.setattr(module, "sync_file_system", synced)
    monkeypatch.setattr(module, "sync_directory", directory_synced)
    volumes.fill("v", LayerView([str(layer)]), "/data")
    assert seen == [["sub", "top"], ["_data", "_filling"], ["sub", "top"]]
    volumes.remove("v")
    assert [name.startswith(".removed-") for name in seen.pop()] == [True]


def test_a_removed_volume_is_gone_and_again_is_no_error(volumes: VolumeDirectories) -> None:
    content = Path(volumes.make("v"))
    (content / "file").write_bytes(bytes(1000))
    assert volumes.usage("v") == 1000
    volumes.remove("v")
    volumes.remove("v")
    assert os.listdir(content.parents[1]) == []


def test_a_very_deep_volume_is_measured_and_removed() -> None:
    """Otherwise whoever fills a volume decides whether the engine can start."""
    with removable_folder() as root:
        volumes = VolumeDirectories(str(root))
        make_deep(Path(volumes.make("v")))
        volumes.usage("v")
        volumes.recover([])
        assert Path(volumes.path("v")).exists()
        volumes.remove("v")
        assert os.listdir(root) == []
        left = root / ".removed-1"
        left.mkdir()
        make_deep(left)
        volumes.recover([])
        assert os.listdir(root) == []


def test_orphans_go_and_content_without_a_record_stays(volumes: VolumeDirectories) -> None:
    root = Path(volumes.make("known")).parents[1]
    volumes.make("empty")
    Path(volumes.make("full"), "file").write_text("all that somebody has")
    (root / ".removed-1").mkdir()
    (root / ".removed-1" / "rest").write_text("x")
    volumes.recover(["known"])
    assert sorted(os.listdir(root)) == ["full", "known"]
