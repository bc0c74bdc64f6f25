"""One sync of the log for all who wait."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.store.metadata import walflush
from wherry.store.metadata.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "wherry.db"))
    yield opened
    opened.close()


def commit(database: Database, key: str) -> None:
    with database.transaction(durable=False) as writer:
        writer.execute("INSERT INTO settings VALUES (?, 'x')", (key,))


def test_what_was_committed_is_synced(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def fdatasync(descriptor: int) -> None:
        assert os.readlink(f"/proc/self/fd/{descriptor}").endswith("wherry.db-wal")
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(walflush.os, "fdatasync", fdatasync)
    commit(database, "one")
    assert synced == []
    database.flush()
    database.flush()
    assert len(synced) == 2
    assert synced[0] > 0


def test_all_who_come_while_one_syncs_share_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    count = 0

    def fdatasync(_: int) -> None:
        nonlocal count
        count += 1
        begun.set()
        assert may_end.wait(30)

    monkeypatch.setattr(walflush.os, "fdatasync", fdatasync)
    threads = [threading.Thread(target=database.flush) for _ in range(5)]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
    while database.flush._asked < len(threads):
        pass  # each has asked: none of them may be served by the sync that runs already
    may_end.set()
    for thread in threads:
        thread.join(30)
    assert count == 2


def test_after_a_failure_nothing_is_called_durable(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fdatasync(_: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(walflush.os, "fdatasync", fdatasync)
    commit(database, "one")
    with pytest.raises(OSError, match="I/O error"):
        database.flush()
    monkeypatch.undo()
    with pytest.raises(OSError, match="start the engine anew"):
        database.flush()
