"""Importing archives and committing containers: whole, or nothing of it."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from fixtures.images import add_image, archive, leases
from wherry.base.errors import InvalidError, WherryError
from wherry.base.ids import ContainerId, new_id
from wherry.engine.containers.record import Container, State, Status
from wherry.engine.containers.stop import StopContainer
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.images.commit import (
    CommitContainer,
    CommitRequest,
    ImportImage,
    ImportRequest,
)
from wherry.store.errors import CorruptContentError
from wherry.store.images import ImageNotFoundError
from wherry.store.store import Store
from wherry.wire.container_config import Config, HostConfig

DATA = archive({"f": b"x" * 5000})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(str(tmp_path / "store"), sync=False)
    yield opened
    opened.close()


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


def request(repository: str = "made", *changes: str) -> ImportRequest:
    return ImportRequest(repository, "", "", changes, None)


def state(store: Store) -> tuple[int, int, list[str], list[str]]:
    """Return how much there is: blobs, layers, leases, partial files."""
    blobs, layers = list(store.content.walk()), store.layers.all()
    return len(blobs), len(layers), leases(store), os.listdir(store.layout.partials)


@pytest.mark.parametrize("data", [DATA, gzip.compress(DATA, mtime=0)])
async def test_an_archive_becomes_an_image(store: Store, data: bytes) -> None:
    events = Events()
    made = await ImportImage(store, events)(pieces(data), request("made:1", "CMD x", "ENV A=1"))
    image = store.images.resolve("made:1")
    assert (image.id, image.size) == (made, 5000)
    assert image.config.config
    assert image.config.config.cmd == ["/bin/sh", "-c", "x"]
    assert leases(store) == []
    assert events._past[0].attributes == {"name": "made:1"}
    store.collect()
    assert state(store)[:2] == (2, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"no archive at all" * 100, DATA[:3000], gzip.compress(DATA, mtime=0)[:-20],
        b"\x1f\x8b" + bytes(500),
    ],
)  # fmt: skip
async def test_a_bad_archive_leaves_nothing(store: Store, data: bytes) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(WherryError):
        await ImportImage(store, Events())(pieces(data), request())
    assert state(store) == (0, 0, [], [])
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_client_that_breaks_off_leaves_nothing(store: Store) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DATA[:2000]
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await ImportImage(store, Events())(broken(), request())
    assert state(store) == (0, 0, [], [])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (request("UPPER"), "must be lowercase"),
        (request("made@sha256:" + "0" * 64), "digest reference"),
        (request("made", "RUN x"), "not a valid change command"),
        (ImportRequest("made", "", "", (), "linux/mips"), "not supported"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_read(
    store: Store, wanted: ImportRequest, words: str
) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("nobody should read this")
        yield b""

    with pytest.raises(InvalidError, match=words):
        await ImportImage(store, Events())(never(), wanted)


async def test_a_cancelled_import_is_over_before_its_file_is_closed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, go = threading.Event(), threading.Event()
    unpack = store.layers.unpack

    def slow(*args: Any) -> Any:
        going.set()
        go.wait(10)
        return unpack(*args)

    monkeypatch.setattr(store.layers, "unpack", slow)
    importing = asyncio.ensure_future(ImportImage(store, Events())(pieces(DATA), request()))
    await asyncio.to_thread(going.wait, 10)
    importing.cancel()
    await asyncio.sleep(0.02)
    assert not importing.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await importing
    assert leases(store) == []
    # It was whole when the cancellation came through.
    assert store.images.resolve("made")


class Stop:
    """Pauses and unpauses a record, and remembers it."""

    def __init__(self, record: Container) -> None:
        self.record = record
        self.steps: list[str] = []

    async def pause(self, _: str) -> None:
        self.steps.append("pause")
        self.record.state.status = Status.PAUSED

    async def unpause(self, _: str) -> None:
        self.steps.append("unpause")
        self.record.state.status = Status.RUNNING


class Committing:
    """A container that has written something."""

    def __init__(self, store: Store) -> None:
        base = add_image(store, "base", archive({"below": b"x"}))
        identifier = ContainerId(new_id())
        self.record = Container(
            identifier, "c", 1, Config(cmd=["sh"], env=["A=1"]), HostConfig(), base.id, "base",
            "sh", [], State(Status.RUNNING), layers=base.diff_ids,
        )  # fmt: skip
        self.table = ContainerTable(store.metadata.records("containers"))
        self.table.insert(self.record)
        store.snapshots.prepare(identifier, base.diff_ids)
        Path(store.snapshots.upper(identifier), "new").write_text("written")
        self.stop = Stop(self.record)
        self.commit = CommitContainer(store, self.table, Events(), cast(StopContainer, self.stop))

    def wanted(self, *changes: str) -> CommitRequest:
        return CommitRequest("c", "made", "1", "said", "me", True, changes, Config())


async def test_a_commit_keeps_what_was_written_and_pauses_meanwhile(store: Store) -> None:
    bench = Committing(store)
    made = await bench.commit(bench.wanted("ENV B=2"))
    image = store.images.resolve("made:1")
    assert (image.id, len(image.layers), image.parent) == (made, 2, bench.record.image_id)
    assert image.config.config
    assert (image.config.config.env, image.config.config.cmd) == (["A=1", "B=2"], ["sh"])
    assert store.snapshots.read_file(image.diff_ids, "new") == b"written"
    assert bench.stop.steps == ["pause", "unpause"]
    assert leases(store) == []


async def test_a_cancelled_commit_unpauses_when_the_copy_is_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Committing(store)
    going, go = threading.Event(), threading.Event()
    diff = store.layers.diff

    def slow(upper: str) -> Any:
        going.set()
        go.wait(10)
        return diff(upper)

    monkeypatch.setattr(store.layers, "diff", slow)
    committing = asyncio.ensure_future(bench.commit(bench.wanted()))
    await asyncio.to_thread(going.wait, 10)
    committing.cancel()
    await asyncio.sleep(0.02)
    assert bench.stop.steps == ["pause"]
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await committing
    assert bench.stop.steps == ["pause", "unpause"]
    assert leases(store) == []


async def test_a_commit_that_fails_leaves_nothing_and_unpauses(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Committing(store)
    before = state(store)

    def fail(*_: object) -> None:
        raise CorruptContentError("damaged")

    monkeypatch.setattr(store.layers, "unpack", fail)
    with pytest.raises(CorruptContentError):
        await bench.commit(bench.wanted())
    assert state(store) == before
    assert bench.record.state.status is Status.RUNNING


async def test_a_container_whose_image_has_gone_says_so(store: Store) -> None:
    bench = Committing(store)
    store.images.delete(bench.record.image_id)
    with pytest.raises(ImageNotFoundError, match="which container c was made from"):
        await bench.commit(bench.wanted())
