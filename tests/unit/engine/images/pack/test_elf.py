"""What the headers of ELF files say, and files that are none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.elf import AARCH64, OBJECT, elf
from wherry.engine.images.pack.elf import Elf, Machine, read_elf
from wherry.engine.images.pack.errors import NotPackableError


def read(tmp_path: Path, content: bytes) -> Elf | None:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_elf(str(path), "/file")


def test_a_program_says_what_it_needs(tmp_path: Path) -> None:
    content = elf(
        needed=["liba.so.1", "libb.so.2"],
        interpreter="/lib64/ld.so",
        rpath="/opt/lib:$ORIGIN",
        soname="me.so",
    )
    assert read(tmp_path, content) == Elf(
        machine=Machine("x64", 64, little_endian=True),
        runs=True,
        interpreter="/lib64/ld.so",
        needed=("liba.so.1", "libb.so.2"),
        soname="me.so",
        rpath=("/opt/lib", "$ORIGIN"),
    )


def test_an_object_file_does_not_run(tmp_path: Path) -> None:
    found = read(tmp_path, elf(machine=AARCH64, kind=OBJECT))
    assert found is not None
    assert (found.runs, found.machine.architecture) == (False, "AArch64")


def test_other_files_are_no_elf(tmp_path: Path) -> None:
    assert read(tmp_path, b"") is None
    assert read(tmp_path, b"#!/bin/sh\n") is None


@pytest.mark.parametrize("length", [4, 5, 20, 63, 100, 200])
def test_a_cut_file_is_an_error_that_names_it(tmp_path: Path, length: int) -> None:
    with pytest.raises(NotPackableError, match=r"^/file is a damaged ELF file"):
        read(tmp_path, elf(needed=["liba.so"], interpreter="/ld.so")[:length])


@given(st.binary(min_size=1, max_size=16), st.integers(4, 250))
def test_damage_is_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    content = bytearray(elf(needed=["liba.so"], interpreter="/ld.so", rpath="/x"))
    content[at : at + len(noise)] = noise
    with contextlib.suppress(NotPackableError):
        read(tmp_path_factory.getbasetemp(), bytes(content))
