"""What is particular to files: the tree, strangers in it, refusals of the disk."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.registry.blobdrivers.driver import (
    Key,
    ObjectNotFoundError,
    StorageUnavailableError,
    new_key,
)
from wherry.registry.blobdrivers.files import FileDriver, KeyUsedError
from wherry.registry.blobdrivers.layout import relative


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "registry"


@pytest.fixture
def driver(root: Path) -> FileDriver:
    return FileDriver(str(root))


def test_a_file_for_its_owner_alone(driver: FileDriver, root: Path) -> None:
    key = new_key()
    driver.write(key, [b"abc"])
    file = root / relative(key)
    assert file.read_bytes() == b"abc"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.parent.parent == root / "objects"


def test_a_key_is_used_once(driver: FileDriver) -> None:
    key = new_key()
    driver.write(key, [b"first"])
    with pytest.raises(KeyUsedError):
        driver.write(key, [b"second"])
    with pytest.raises(KeyUsedError):
        driver.compose(key, [key])
    assert b"".join(driver.read(key)) == b"first"


def test_two_drivers_on_one_root(driver: FileDriver, root: Path) -> None:
    other, key = FileDriver(str(root)), new_key()
    other.write(key, [b"abc"])
    assert driver.size(key) == 3
    driver.delete([key])
    with pytest.raises(ObjectNotFoundError):
        other.size(key)


def test_strangers_are_left_alone(driver: FileDriver, root: Path, tmp_path: Path) -> None:
    key, linked = new_key(), Key("ab" * 16)
    driver.write(key, [b"abc"])
    folder = (root / relative(key)).parent
    (folder / "notes").write_text("mine")
    (folder / new_key()).mkdir()
    elsewhere = root / "objects" / "lost+found"
    elsewhere.mkdir()
    (elsewhere / new_key()).write_text("mine")
    (tmp_path / "secret").write_text("secret")
    (root / "objects" / "ab").mkdir(exist_ok=True)
    (root / relative(linked)).symlink_to(tmp_path / "secret")
    assert [found.key for found in driver.walk()] == [key]
    with pytest.raises(StorageUnavailableError):  # ELOOP
        list(driver.read(linked))
    driver.delete([linked])
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_key_in_the_wrong_folder_is_not_an_object(driver: FileDriver, root: Path) -> None:
    (root / "objects" / "00").mkdir(exist_ok=True)
    (root / "objects" / "00" / ("ff" * 16)).write_bytes(b"x")
    assert list(driver.walk()) == []


def test_errors_of_the_source_are_not_the_disks(driver: FileDriver) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield b"x"
        raise OSError(errno.ENOSPC, "the source's own")

    with pytest.raises(OSError, match="own"):
        driver.write(new_key(), broken())


WORDS = [
    (errno.ENOSPC, "no space left on device; free some space there"),
    (errno.EDQUOT, "disk quota exceeded; free some space there, or raise the quota"),
    (errno.EACCES, "permission denied; let the registry's user read and write there"),
    (errno.EROFS, "read-only file system; mount the file system for writing"),
    (errno.EIO, "input/output error; the disk fails"),
    (errno.ELOOP, "too many levels of symbolic links$"),
]


@pytest.mark.parametrize(("number", "words"), WORDS)
@pytest.mark.parametrize("call", ["open", "writev", "fsync"])
def test_a_disk_that_refuses(
    driver: FileDriver,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    words: str,
    call: str,
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(StorageUnavailableError, match=f"^{root}/objects: {words}"):
            driver.write(new_key(), [b"abc"])
    assert list(driver.walk()) == []


def test_a_root_that_has_gone(driver: FileDriver, root: Path) -> None:
    key = new_key()
    driver.write(key, [b"abc"])
    shutil.rmtree(root)
    uses: list[Callable[[], object]] = [
        lambda: driver.write(new_key(), [b"abc"]),
        lambda: driver.size(key),
        lambda: list(driver.read(key)),
        lambda: list(driver.walk()),
        driver.check,
    ]
    for use in uses:
        with pytest.raises(StorageUnavailableError, match="is its file system mounted"):
            use()
    assert not root.exists()


def test_a_root_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailableError, match="not a directory"):
        FileDriver(str(tmp_path / "file" / "registry"))


def test_checking_without_nameless_files(
    driver: FileDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    driver.check()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageUnavailableError, match="permission denied"):
        driver.check()
