"""The verbs of volumes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.base.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    UnsupportedError,
    WherryError,
)
from wherry.engine.events import Events
from wherry.engine.volumes.service import Volumes
from wherry.store.store import Store
from wherry.wire.requests import VolumeCreate


class Bench:
    """Volumes on a store; `users` are who uses which."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.users: dict[str, list[str]] = {}
        self.events = Events()
        self.store = Store.open(str(root / "store"), sync=False)
        self.volumes = self.again()

    def again(self) -> Volumes:
        """Return what a new engine makes of what is there."""
        return Volumes(
            self.store.metadata.records("volumes"),
            self.store.layers,
            str(self.root / "volumes"),
            self.events,
            lambda name: self.users.get(name, []),
        )

    def told(self) -> list[tuple[str, str]]:
        return [(event.action, event.actor_id) for event in self.events._past]

    async def names(self, **filters: list[str]) -> list[str]:
        return [shown["Name"] for shown in await self.volumes.list(filters)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


async def test_a_volume_is_made_shown_and_removed(bench: Bench) -> None:
    shown = await bench.volumes.create(VolumeCreate("data", labels={"a": "b"}))
    assert shown == await bench.volumes.inspect("data")
    assert set(shown) == {
        "CreatedAt", "Driver", "Labels", "Mountpoint", "Name", "Options", "Scope",
    }  # fmt: skip
    assert Path(str(shown["Mountpoint"])).is_dir()
    assert (await bench.again().inspect("data"))["Labels"] == {"a": "b"}
    await bench.volumes.remove("data", False)
    with pytest.raises(NotFoundError, match="get data: no such volume"):
        await bench.volumes.inspect("data")
    assert bench.told() == [("create", "data"), ("destroy", "data")]
    await bench.volumes.remove("data", True)
    with pytest.raises(NotFoundError):
        await bench.volumes.remove("data", False)


@pytest.mark.parametrize("name", ["../x", "a", "-a", "a/b", "a b", "ä" * 3, ".x", "a\nb", "/etc"])
async def test_a_name_that_could_be_a_path_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(InvalidError, match="invalid characters"):
        await bench.volumes.create(VolumeCreate(name))
    assert os.listdir(bench.root / "volumes") == []


async def test_made_twice_it_is_one_unless_options_differ(bench: Bench) -> None:
    first = await bench.volumes.create(VolumeCreate("data", labels={"a": "b"}))
    assert await bench.volumes.create(VolumeCreate("data", labels={"c": "d"})) == first
    made = await asyncio.gather(
        *(bench.volumes.create(VolumeCreate("many")) for _ in range(10)),
        *(bench.volumes.ensure("many") for _ in range(10)),
    )
    assert all(one == made[0] for one in made[:10])
    assert bench.told().count(("create", "many")) == 1
    options = {"type": "none", "o": "bind", "device": "/srv"}
    with pytest.raises(ConflictError):
        await bench.volumes.create(VolumeCreate("data", driver_opts=options))


@pytest.mark.parametrize(
    "options",
    [
        {"type": "tmpfs", "o": "size=1m", "device": "tmpfs"}, {"type": "nfs", "o": "addr=1.1.1.1"},
        {"type": "none", "o": "bind", "device": "relative"}, {"type": "none", "device": "/srv"},
        {"type": "none", "o": "bind,ro", "device": "/srv"},
    ],
)  # fmt: skip
async def test_options_that_would_not_be_kept_are_refused(
    bench: Bench, options: dict[str, str]
) -> None:
    with pytest.raises(UnsupportedError):
        await bench.volumes.create(VolumeCreate("data", driver_opts=options))
    assert await bench.names() == []


async def test_unknown_drivers_and_options_are_named(bench: Bench) -> None:
    with pytest.raises(NotFoundError, match='plugin "nfs" not found'):
        await bench.volumes.create(VolumeCreate("data", driver="nfs"))
    with pytest.raises(InvalidError, match='invalid option: "size"'):
        await bench.volumes.create(VolumeCreate("data", driver_opts={"size": "1"}))


async def test_a_bound_volume_is_the_hosts_directory_and_never_removed(bench: Bench) -> None:
    device = bench.root / "device"
    device.mkdir()
    (device / "file").write_text("x")
    options = {"type": "none", "o": "bind", "device": f"{device}/./"}
    await bench.volumes.create(VolumeCreate("data", driver_opts=options))
    assert await bench.volumes.path_of("data") == str(device)
    await bench.volumes.copy_up("data", [], "/")
    bench.volumes = bench.again()
    await bench.volumes.remove("data", False)
    assert (device / "file").exists()


async def test_a_volume_in_use_stays(bench: Bench) -> None:
    await bench.volumes.create(VolumeCreate("data"))
    bench.users["data"] = ["c" * 64]
    for force in (False, True):
        with pytest.raises(ConflictError, match=r"volume is in use - \[c{64}\]"):
            await bench.volumes.remove("data", force)
    await bench.volumes.remove_anonymous("data")
    assert (await bench.volumes.prune({"all": ["1"]}))[0] == []
    assert await bench.names() == ["data"]


async def test_a_volume_that_is_being_filled_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container that it is for has no record yet."""
    going, go = threading.Event(), threading.Event()

    def fill(*_: object) -> bool:
        going.set()
        return go.wait(10)

    monkeypatch.setattr(bench.volumes._directories, "fill", fill)
    await bench.volumes.ensure("data", anonymous=True)
    filling = asyncio.ensure_future(bench.volumes.copy_up("data", [], "/"))
    await asyncio.to_thread(going.wait, 10)
    assert (await bench.volumes.prune({}))[0] == []
    with pytest.raises(ConflictError, match="in use"):
        await bench.volumes.remove("data", True)
    go.set()
    await filling
    assert (await bench.volumes.prune({}))[0] == ["data"]


async def test_prune_takes_anonymous_ones_or_all(bench: Bench) -> None:
    await bench.volumes.create(VolumeCreate("named", labels={"keep": "1"}))
    await bench.volumes.create(VolumeCreate())
    (anonymous,) = set(await bench.names()) - {"named"}
    Path(await bench.volumes.path_of(anonymous), "file").write_bytes(bytes(77))
    assert await bench.names(dangling=["true"]) == sorted([anonymous, "named"])
    assert await bench.volumes.prune({}) == ([anonymous], 77)
    assert (await bench.volumes.prune({"all": ["true"], "label!": ["keep"]}))[0] == []
    assert (await bench.volumes.prune({"all": ["true"]}))[0] == ["named"]


async def test_a_volume_made_while_one_of_its_name_goes_is_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.volumes.create(VolumeCreate("data"))
    going, go = threading.Event(), threading.Event()
    remove = bench.volumes._directories.remove

    def slow(name: str) -> None:
        going.set()
        go.wait(10)
        remove(name)

    monkeypatch.setattr(bench.volumes._directories, "remove", slow)
    removing = asyncio.ensure_future(bench.volumes.remove("data", False))
    await asyncio.to_thread(going.wait, 10)
    making = asyncio.ensure_future(bench.volumes.ensure("data"))
    await asyncio.sleep(0.01)
    go.set()
    await removing
    path = await making
    assert Path(path).is_dir()
    assert await bench.names() == ["data"]


async def test_a_failed_removal_leaves_the_volume(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.volumes.create(VolumeCreate("data"))

    def refuse(_: str) -> None:
        raise WherryError("mounted")

    with monkeypatch.context() as patched:
        patched.setattr(bench.volumes._directories, "remove", refuse)
        with pytest.raises(WherryError, match="mounted"):
            await bench.volumes.remove("data", False)
    assert await bench.names() == ["data"]
    await bench.volumes.remove("data", False)
    assert (await bench.again().list({})) == []


async def test_a_failed_or_cancelled_creation_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> str:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(bench.volumes._directories, "make", refuse)
        with pytest.raises(OSError, match="disk"):
            await bench.volumes.create(VolumeCreate("data"))
    creating = asyncio.ensure_future(bench.volumes.create(VolumeCreate("data")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    assert await bench.names() == []
    await bench.volumes.create(VolumeCreate("data"))
    assert await bench.names() == ["data"]


async def test_a_directory_removed_by_hand_is_made_again(bench: Bench) -> None:
    path = await bench.volumes.ensure("data")
    Path(path).rmdir()
    assert Path(await bench.volumes.path_of("data")).is_dir()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": ["on"]}, ["one"]), ({"driver": ["local"]}, ["one", "two"]),
        ({"driver": ["x"]}, []), ({"label": ["a=b"]}, ["one"]), ({"dangling": ["0"]}, ["two"]),
        ({"name": ["one", "two"]}, ["one", "two"]), ({"label": ["a=c"]}, []),
    ],
)  # fmt: skip
async def test_filters(bench: Bench, filters: dict[str, list[str]], expected: list[str]) -> None:
    await bench.volumes.create(VolumeCreate("one", labels={"a": "b"}))
    await bench.volumes.create(VolumeCreate("two"))
    bench.users["two"] = ["c"]
    assert await bench.names(**filters) == expected
