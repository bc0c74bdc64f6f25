"""A registry's directory on a disk that fills up: nothing half written stays, and it goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.registry.blobdrivers.driver import StorageUnavailableError, new_key
from wherry.registry.blobdrivers.files import FileDriver

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 8 MiB, unmounted before it is removed."""
    target = tmp_path / "disk"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(target)], check=True)
    try:
        yield target
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    driver = FileDriver(str(small_disk))
    kept, part = new_key(), new_key()
    driver.write(kept, [bytes(MIB)] * 5)
    driver.write(part, [bytes(MIB)])
    for _ in range(2):
        with pytest.raises(StorageUnavailableError, match=r"no space left .*; free some space"):
            driver.write(new_key(), [bytes(MIB)] * 5)
        with pytest.raises(StorageUnavailableError, match=r"no space left .*; free some space"):
            driver.compose(new_key(), [part, kept])
    assert {found.key for found in driver.walk()} == {kept, part}
    assert driver.size(kept) == 5 * MIB
    driver.delete([kept])
    assert driver.write(new_key(), [bytes(MIB)] * 5) == 5 * MIB


def test_checking_a_full_disk(small_disk: Path) -> None:
    driver = FileDriver(str(small_disk))
    driver.check()
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space left"):
        filling.write_bytes(bytes(9 * MIB))
    with pytest.raises(StorageUnavailableError, match="free some space"):
        driver.check()
    filling.unlink()
    driver.check()


def test_a_disk_that_can_only_be_read(small_disk: Path) -> None:
    driver, key = FileDriver(str(small_disk)), new_key()
    driver.write(key, [b"abc"])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for use in (
        driver.check,
        lambda: driver.write(new_key(), [b"x"]),
        lambda: driver.delete([key]),
    ):
        with pytest.raises(StorageUnavailableError, match="mount the file system for writing"):
            use()
    assert b"".join(driver.read(key)) == b"abc"
