"""What every blob driver does: the suite that files, and two object stores, join."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.object_stores import ObjectStore, running_moto, running_seaweedfs
from wherry.base.errors import CancelledError
from wherry.registry.blobdrivers.driver import (
    BlobDriver,
    Key,
    LocalFile,
    ObjectNotFoundError,
    Redirect,
    Source,
    StorageUnavailableError,
    Streamed,
    new_key,
)
from wherry.registry.blobdrivers.files import FileDriver
from wherry.registry.blobdrivers.layout import InvalidKeyError, relative
from wherry.registry.blobdrivers.objects import ObjectDriver
from wherry.registry.blobdrivers.unfinished import UnfinishedUploads
from wherry.registry.server.settings import ObjectStorage

MIB = 1 << 20
KILLED, WORKING = Key("ab" * 16), Key("cd" * 16)


@pytest.fixture(scope="session")
def moto() -> Iterator[ObjectStore]:
    with running_moto() as store:
        yield store


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with running_seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as store:
        yield store


def storage_of(store: ObjectStore) -> ObjectStorage:
    """Return the settings of a registry of this test's own."""
    return ObjectStorage(
        bucket=store.bucket,
        endpoint=store.endpoint,
        access_key=store.access_key,
        secret_key=store.secret_key,
        prefix=new_key(),
    )


@pytest.fixture(params=["moto", "seaweedfs"])
def storage(request: pytest.FixtureRequest) -> ObjectStorage:
    return storage_of(request.getfixturevalue(request.param))


@pytest.fixture(params=["files", "moto", "seaweedfs"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> BlobDriver:
    if request.param == "files":
        return FileDriver(str(tmp_path / "registry"))
    return ObjectDriver(storage_of(request.getfixturevalue(request.param)))


def pattern(size: int) -> bytes:
    """Bytes that differ wherever a piece could be cut or exchanged."""
    block = hashlib.shake_128(b"wherry").digest(MIB + 17)
    return (block * (size // len(block) + 1))[:size]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def stored(driver: BlobDriver, data: bytes) -> Key:
    key = new_key()
    assert driver.write(key, [data]) == len(data)
    return key


def whole(driver: BlobDriver, key: Key) -> bytes:
    return b"".join(driver.read(key))


def keys_of(driver: BlobDriver) -> set[Key]:
    return {found.key for found in driver.walk()}


@pytest.mark.parametrize("size", [0, 1, 1000, 8 * MIB, 33 * MIB + 5])
def test_what_is_written_is_read(driver: BlobDriver, size: int) -> None:
    key, data = new_key(), pattern(size)
    assert driver.write(key, pieces(data, 300_000)) == size
    assert driver.size(key) == size
    assert whole(driver, key) == data


def test_pieces_of_every_size(driver: BlobDriver) -> None:
    key = new_key()
    parts = [b"", b"a", b"", b"bc" * 700, b"", pattern(3 * MIB), b"d", b""]
    assert driver.write(key, parts) == len(b"".join(parts))
    assert whole(driver, key) == b"".join(parts)


def test_very_many_small_pieces(driver: BlobDriver) -> None:
    key = new_key()
    assert driver.write(key, (b"%d," % number for number in range(20_000))) == 108_890
    assert whole(driver, key).endswith(b",19998,19999,")


@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, 0),
        (0, 1),
        (0, None),
        (1, None),
        (999, 1),
        (999, 100),
        (1000, None),
        (1000, 1),
        (5000, 10),
        (10, 980),
        (0, 5000),
    ],
)
def test_ranges(driver: BlobDriver, start: int, length: int | None) -> None:
    data = pattern(1000)
    key = stored(driver, data)
    end = None if length is None else start + length
    assert b"".join(driver.read(key, start, length)) == data[start:end]


def test_ranges_of_large_objects_come_in_bounded_pieces(driver: BlobDriver) -> None:
    data = pattern(9 * MIB)
    key = stored(driver, data)
    got = list(driver.read(key, MIB - 3, 7 * MIB))
    assert b"".join(got) == data[MIB - 3 : 8 * MIB - 3]
    assert max(map(len, got)) <= 4 * MIB


def test_an_empty_object_has_no_pieces(driver: BlobDriver) -> None:
    key = stored(driver, b"")
    assert list(driver.read(key)) == []
    assert list(driver.read(key, 0, 10)) == []


@pytest.mark.parametrize("size", [0, 100, 40 * MIB])
@pytest.mark.parametrize(
    "failure", [ConnectionResetError("gone"), FileNotFoundError(2, "mine"), CancelledError("left")]
)
def test_a_source_that_fails_leaves_nothing(
    driver: BlobDriver, size: int, failure: Exception
) -> None:
    key = new_key()

    def failing() -> Iterator[bytes]:
        yield from pieces(bytes(size), MIB)
        raise failure

    with pytest.raises(type(failure)) as caught:
        driver.write(key, failing())
    assert caught.value is failure
    assert keys_of(driver) == set()
    with pytest.raises(ObjectNotFoundError):
        driver.size(key)


@pytest.mark.parametrize("sizes", [[5], [0], [3, 0, 4], [MIB, 9 * MIB, 1], []])
def test_composing(driver: BlobDriver, sizes: list[int]) -> None:
    data = [pattern(size) for size in sizes]
    parts = [stored(driver, part) for part in data]
    key = new_key()
    assert driver.compose(key, parts) == sum(sizes)
    assert whole(driver, key) == b"".join(data)
    assert keys_of(driver) == {*parts, key}


def test_composing_with_a_part_twice(driver: BlobDriver) -> None:
    part, key = stored(driver, b"ab"), new_key()
    assert driver.compose(key, [part, part]) == 4
    assert whole(driver, key) == b"abab"


@pytest.mark.parametrize("known", [0, 1])
def test_composing_what_is_not_there(driver: BlobDriver, known: int) -> None:
    parts = [stored(driver, b"x") for _ in range(known)]
    key, missing = new_key(), new_key()
    with pytest.raises(ObjectNotFoundError) as caught:
        driver.compose(key, [*parts, missing])
    assert caught.value.key == missing
    assert keys_of(driver) == set(parts)


def test_missing_keys(driver: BlobDriver) -> None:
    key = new_key()
    uses: list[Callable[[], object]] = [
        lambda: driver.size(key),
        lambda: whole(driver, key),
        lambda: list(driver.read(key, 3, 5)),
    ]
    for use in uses:
        with pytest.raises(ObjectNotFoundError, match=key):
            use()
    driver.source(key)  # which does not look


@pytest.mark.parametrize("key", ["", "x", "../" * 10 + "ab", "A" * 32, "a" * 33, "é" * 32, "a/b"])
def test_what_is_not_a_key_is_refused(driver: BlobDriver, key: str) -> None:
    uses: list[Callable[[], object]] = [
        lambda: driver.write(Key(key), [b"x"]),
        lambda: driver.compose(Key(key), []),
        lambda: driver.size(Key(key)),
        lambda: whole(driver, Key(key)),
        lambda: driver.delete([Key(key)]),
    ]
    for use in uses:
        with pytest.raises(InvalidKeyError):
            use()
    assert keys_of(driver) == set()


def test_deleting(driver: BlobDriver) -> None:
    gone, kept = stored(driver, b"gone"), stored(driver, b"kept")
    driver.delete([gone, new_key()])
    driver.delete([gone])
    driver.delete([])
    assert keys_of(driver) == {kept}
    with pytest.raises(ObjectNotFoundError):
        driver.size(gone)
    assert whole(driver, kept) == b"kept"


def test_walking_and_deleting_very_many(driver: BlobDriver, request: pytest.FixtureRequest) -> None:
    # More than a page of a store; moto needs 10 ms for each, so it is asked for less.
    slow = "moto" in request.node.callspec.id
    keys = [new_key() for _ in range(150 if slow else 1500)]
    with ThreadPoolExecutor(8) as threads:
        sizes = list(threads.map(lambda key: driver.write(key, [key[:5].encode()]), keys))
    assert set(sizes) == {5}
    found = list(driver.walk())
    assert {each.key for each in found} == set(keys)
    assert {each.size for each in found} == {5}
    newest = max(each.modified for each in found)
    assert all(newest - 120 < each.modified <= newest for each in found)
    driver.delete(keys)
    assert keys_of(driver) == set()


def test_writers_at_once(driver: BlobDriver) -> None:
    start = threading.Barrier(4)

    def write(number: int) -> tuple[Key, bytes]:
        key, data = new_key(), bytes([number]) * (12 * MIB)
        start.wait(30)
        assert driver.write(key, pieces(data, 500_000)) == len(data)
        return key, data

    with ThreadPoolExecutor(4) as threads:
        for key, data in list(threads.map(write, range(4))):
            assert whole(driver, key) == data


def sent(source: Source, size: int) -> bytes:
    """Do with a source what the HTTP side does with it."""
    match source:
        case LocalFile():
            with source.open() as file:
                return file.read()
        case Redirect():
            with urllib.request.urlopen(source.url, timeout=10) as response:
                assert response.headers["Content-Type"] in (
                    "application/octet-stream",
                    "binary/octet-stream",
                )
                body: bytes = response.read()
                return body
        case Streamed():
            return b"".join(source.read(0, size))
    raise AssertionError(source)


@pytest.mark.parametrize("redirect", [True, False])
@pytest.mark.parametrize("size", [0, 5 * MIB])
def test_sources(driver: BlobDriver, redirect: bool, size: int) -> None:
    data = pattern(size)
    key = stored(driver, data)
    source = driver.source(key, redirect=redirect)
    assert isinstance(source, LocalFile | Redirect if redirect else LocalFile | Streamed)
    assert sent(source, size) == data


def test_a_source_of_what_is_gone(driver: BlobDriver) -> None:
    source = driver.source(new_key(), redirect=False)
    with pytest.raises(ObjectNotFoundError):
        sent(source, 5)


def test_checking_leaves_no_object(driver: BlobDriver) -> None:
    driver.check()
    driver.check()
    assert keys_of(driver) == set()


def uploads_of(storage: ObjectStorage) -> UnfinishedUploads:
    return UnfinishedUploads(storage, f"{storage.prefix}/objects/", 10)


def test_what_a_store_has_of_a_killed_writer_is_deleted(storage: ObjectStorage) -> None:
    driver, uploads = ObjectDriver(storage), uploads_of(storage)
    killed, working = (f"{storage.prefix}/{relative(key)}" for key in (KILLED, WORKING))
    for name in (killed, working):
        uploads.request("POST", name, {"uploads": ""})
    driver.delete([KILLED, new_key()])
    assert [name for name, _ in uploads.listed()] == [working]
    driver.delete([WORKING])
    assert list(uploads.listed()) == []


WRITER = """
import sys
from wherry.registry.blobdrivers.objects import ObjectDriver
from wherry.registry.server.settings import ObjectStorage
bucket, endpoint, access_key, secret_key, prefix, key = sys.argv[1:]
storage = ObjectStorage(
    bucket, endpoint, access_key=access_key, secret_key=secret_key, prefix=prefix
)
def pieces():
    for _ in range(48):
        yield bytes(1 << 20)
    print("written", flush=True)
    sys.stdin.read()
ObjectDriver(storage).write(key, pieces())
"""


def test_a_writer_that_is_killed(seaweedfs: ObjectStore) -> None:
    storage = storage_of(seaweedfs)
    words = (storage.bucket, storage.endpoint, storage.access_key, storage.secret_key)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *words, storage.prefix, KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.kill()
    driver = ObjectDriver(storage)
    assert keys_of(driver) == set()
    assert len(list(uploads_of(storage).listed())) == 1
    driver.delete([KILLED])
    assert list(uploads_of(storage).listed()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch; check access_key and secret_key"),
        ({"access_key": "NOBODY"}, "InvalidAccessKeyId; check access_key and secret_key"),
    ],
)
def test_wrong_credentials(seaweedfs: ObjectStore, changes: dict[str, str], words: str) -> None:
    storage = storage_of(seaweedfs)
    driver = ObjectDriver(replace(storage, **changes))
    uses: list[Callable[[], object]] = [
        driver.check,
        lambda: driver.write(new_key(), [b"x"]),
        lambda: driver.write(new_key(), [bytes(MIB)] * 20),
        lambda: driver.delete([new_key()]),
        lambda: list(driver.walk()),
    ]
    for use in uses:
        with pytest.raises(StorageUnavailableError, match=f"^bucket blobs at .*: {words}") as told:
            use()
        assert storage.secret_key not in str(told.value)


def test_a_bucket_that_is_not_there(moto: ObjectStore) -> None:
    driver = ObjectDriver(replace(storage_of(moto), bucket="absent"))
    uses: list[Callable[[], object]] = [
        driver.check,
        lambda: driver.write(new_key(), [b"x"]),
        lambda: driver.write(new_key(), [bytes(MIB)] * 20),
        lambda: list(driver.read(new_key(), 0, 5)),
        lambda: driver.delete([new_key()]),
        lambda: list(driver.walk()),
    ]
    for use in uses:
        with pytest.raises(
            StorageUnavailableError, match=r"bucket absent at .*NoSuchBucket; create"
        ):
            use()
