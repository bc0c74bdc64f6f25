"""Pipes that outlast their readers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wherry.keeper import stdio
from wherry.keeper.protocol import Custody


@pytest.fixture
def root(tmp_path: Path) -> str:
    Path(stdio.directory_of(str(tmp_path))).mkdir()
    return str(tmp_path)


def test_output_waits_for_the_next_reader(root: str) -> None:
    custody = Custody("c", os.getpid(), 0)
    theirs = stdio.open_stdio(root, custody, open_stdin=False)
    custody.close()
    os.write(theirs.triple[1], b"nobody reads")
    os.write(theirs.triple[2], b"nor this")
    stdio.reopen_outputs(root, custody)
    assert custody.stdout is not None
    assert custody.stderr is not None
    assert os.read(custody.stdout, 99) == b"nobody reads"
    assert os.read(custody.stderr, 99) == b"nor this"
    theirs.close()
    assert os.read(custody.stdout, 99) == b""
    custody.close()
    stdio.remove_stdio(root, "c")
    assert os.listdir(stdio.directory_of(root)) == []


def test_every_user_may_write_to_the_outputs(root: str) -> None:
    custody = Custody("c", 0, 0)
    theirs = stdio.open_stdio(root, custody, open_stdin=True)
    assert stat.S_IMODE(os.fstat(theirs.triple[1]).st_mode) == 0o622
    assert custody.stdin is not None
    assert not os.get_blocking(custody.stdin)
    assert os.get_blocking(theirs.triple[0])
    theirs.close()
    custody.close()


def test_what_is_gone_stays_closed(root: str) -> None:
    custody = Custody("c", os.getpid(), 0)
    stdio.reopen_outputs(root, custody)
    stdio.open_stdio(root, custody, open_stdin=False).close()
    custody.close()
    stdio.reopen_outputs(root, custody)
    assert custody.descriptors() == {}
