"""A hole in a file reads as zeros and changes nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.linux.fallocate import punch_hole


def test_a_hole_reads_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 12288)
    descriptor = os.open(path, os.O_WRONLY)
    try:
        made = punch_hole(descriptor, 4096, 4096)
    finally:
        os.close(descriptor)
    middle = bytes(4096) if made else b"x" * 4096
    assert path.read_bytes() == b"x" * 4096 + middle + b"x" * 4096


def test_a_file_that_may_not_be_written_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="Bad file descriptor"):
            punch_hole(descriptor, 0, 1)
    finally:
        os.close(descriptor)
