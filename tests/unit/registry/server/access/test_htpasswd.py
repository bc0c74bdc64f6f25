"""The file of accounts."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from wherry.registry.server.access.htpasswd import (
    Accounts,
    AccountsFileError,
    AccountsUnreadableError,
    parse_accounts,
)

HASH = "$2y$05$" + "a" * 53
OTHER = "$2b$10$" + "b" * 53


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


def test_lines_comments_and_the_last_of_two() -> None:
    text = f"# people\n\nann:{HASH}\n  bob:{OTHER}  \r\n#bob:x\nann:{OTHER}\nänn:{HASH}"
    accounts = parse_accounts("f", text.encode())
    assert accounts == {"ann": OTHER, "bob": OTHER, "änn": HASH}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"ann", "a line is `name:hash`"),
        (b":" + HASH.encode(), "a line is `name:hash`"),
        (b"ann:plain", "use `htpasswd -B`"),
        (b"ann:$apr1$x$y", "use `htpasswd -B`"),
        (b"ann:{SHA}x", "use `htpasswd -B`"),
        (b"ann:$2x$05$" + b"a" * 53, "use `htpasswd -B`"),
        (b"ann:" + HASH.encode()[:-1], "use `htpasswd -B`"),
        (b"ann:$2y$03$" + b"a" * 53, "from 4 to 17"),
        (b"ann:$2y$31$" + b"a" * 53, "from 4 to 17"),
        (b"anyone:" + HASH.encode(), "a word of the rules"),
        (b"accounts:" + HASH.encode(), "a word of the rules"),
        (b"\xff:" + HASH.encode(), "UTF-8"),
    ],
)
def test_a_line_that_means_nothing_is_named(line: bytes, words: str) -> None:
    with pytest.raises(AccountsFileError) as caught:
        parse_accounts("/etc/accounts", b"# first\n" + line + b"\n")
    assert str(caught.value).startswith("/etc/accounts:2: ")
    assert words in str(caught.value)


def test_no_hash_is_in_a_message() -> None:
    with pytest.raises(AccountsFileError) as caught:
        parse_accounts("f", b"ann:plaintext-password")
    assert "plaintext" not in str(caught.value)


def test_a_file_that_is_not_there_tells_the_way_out(tmp_path: Path) -> None:
    accounts = Accounts(str(tmp_path / "none"))
    with pytest.raises(AccountsUnreadableError, match="wherry registry account add"):
        accounts.load()


async def test_no_file_is_no_accounts() -> None:
    accounts = Accounts("")
    accounts.load()
    assert await accounts.stored("ann") is None


async def test_a_change_is_seen_after_a_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "f", Clock()
    path.write_text(f"ann:{HASH}\n")
    os.utime(path, (1000, 1000))
    accounts = Accounts(str(path), clock)
    accounts.load()
    path.write_text(f"ann:{OTHER}\nbob:{HASH}\n")
    clock.time = 0.9
    assert await accounts.stored("ann") == HASH
    clock.time = 1.0
    assert await accounts.stored("ann") == OTHER
    assert await accounts.stored("bob") == HASH
    assert accounts.costs == (10, 5)


async def test_an_edit_of_the_same_size_in_the_same_moment_is_seen(tmp_path: Path) -> None:
    path, clock = tmp_path / "f", Clock()
    path.write_text(f"ann:{HASH}\n")
    accounts = Accounts(str(path), clock)
    accounts.load()
    before = path.stat()
    path.write_text(f"bob:{HASH}\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.time = 1.0
    assert await accounts.stored("bob") == HASH


async def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    path, clock = tmp_path / "f", Clock()
    path.write_text(f"ann:{HASH}\n")
    os.utime(path, (1000, 1000))
    accounts = Accounts(str(path), clock)
    accounts.load()
    state = accounts._state
    clock.time = 1.0
    await accounts.stored("ann")
    assert accounts._state is state
    await accounts.refresh(at_once=True)
    assert accounts._state is not state


async def test_a_broken_edit_keeps_the_accounts_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock = tmp_path / "f", Clock()
    path.write_text(f"ann:{HASH}\n")
    accounts = Accounts(str(path), clock)
    accounts.load()
    with caplog.at_level(logging.ERROR):
        path.write_text("ann:oops\n")
        for clock.time in (1.0, 2.0, 3.0):
            assert await accounts.stored("ann") == HASH
        assert len(caplog.records) == 1
        path.unlink()
        for clock.time in (4.0, 5.0):
            assert await accounts.stored("ann") == HASH
        assert len(caplog.records) == 2
    path.write_text(f"bob:{HASH}\n")
    clock.time = 6.0
    assert await accounts.stored("ann") is None
