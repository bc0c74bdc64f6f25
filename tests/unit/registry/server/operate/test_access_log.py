"""Lines of the access log, and how they get to their file."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from fixtures.exchanges import exchange
from wherry.registry.server.operate.access_log import AccessLog
from wherry.registry.server.operate.line_sink import FLUSH_SECONDS, LineSink, LogFileError, pieces


async def test_a_line_has_what_happened_and_no_secrets(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    sink = LineSink(str(path))
    log = AccessLog(sink, lambda: 1_700_000_000.25)
    log.finished(
        exchange(
            "PUT",
            "/v2/team/app/manifests/1?token=hush",
            {"authorization": "Basic hush", "user-agent": 'docker/1 "\n\udcff', "cookie": "hush"},
            caller="ann",
            route="manifest",
            action="push",
            repository="team/app",
            reference="1",
            digest="sha256:abc",
            status=201,
            sent=1,
            received=2,
            seconds=0.1234567,
        )
    )
    log.finished(exchange(status=404, error="NAME_UNKNOWN", detail="no\nsuch"))
    await sink.close()
    text = path.read_text()
    assert "hush" not in text
    first, second = map(json.loads, text.splitlines())
    assert first == {
        "time": "2023-11-14T22:13:20.250Z", "request": "id-1", "address": "192.0.2.1",
        "caller": "ann", "method": "PUT", "path": "/v2/team/app/manifests/1", "status": 201,
        "route": "manifest", "sent": 1, "received": 2, "seconds": 0.123457, "action": "push",
        "repository": "team/app", "reference": "1", "digest": "sha256:abc",
        "agent": 'docker/1 "\n\udcff',
    }  # fmt: skip
    assert second["error"] == "NAME_UNKNOWN"
    assert second["detail"] == "no\nsuch"


async def test_what_a_client_chose_is_cut(tmp_path: Path) -> None:
    sink = LineSink(str(tmp_path / "log"))
    AccessLog(sink).finished(exchange("G" * 5000, "/" + "x" * 5000, {"user-agent": "u" * 5000}))
    await sink.close()
    assert len((tmp_path / "log").read_text()) < 5000


async def test_lines_are_written_soon_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = LineSink(str(path))
    for number in range(1000):
        sink.write(b"%d\n" % number)
    async with asyncio.timeout(20 * FLUSH_SECONDS + 5):
        while path.read_bytes().count(b"\n") < 1000:
            await asyncio.sleep(FLUSH_SECONDS / 10)
    assert path.read_text().split() == [str(number) for number in range(1000)]
    await sink.close()


async def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = LineSink(str(path))
    sink.write(b"old\n")
    os.rename(path, tmp_path / "log.1")
    await sink.reopen()
    sink.write(b"new\n")
    await sink.close()
    assert (tmp_path / "log.1").read_bytes() == b"old\n"
    assert path.read_bytes() == b"new\n"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(LogFileError, match="cannot be opened: Is a directory"):
        LineSink(str(tmp_path))


async def test_a_reader_that_does_not_read_stops_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = LineSink(path)
    line = b"x" * 99_999 + b"\n"
    for _ in range(400):
        sink.write(line)
        await asyncio.sleep(0)
    assert sink.dropped > 100
    # When somebody reads after all, what was kept comes whole.
    os.set_blocking(reader, True)
    reading = asyncio.create_task(asyncio.to_thread(read_all, reader))
    await sink.flushed()
    await sink.close()
    data = await reading
    assert data == line * (400 - sink.dropped)


def read_all(reader: int) -> bytes:
    with os.fdopen(reader, "rb") as source:
        return source.read()


def test_lines_stay_whole_in_pieces() -> None:
    lines = [b"a" * 30, b"b" * 30, b"c" * 60, b"d" * 500, b"e"]
    assert list(pieces(lines, 100)) == [lines[0] + lines[1], lines[2], lines[3], lines[4]]
    assert list(pieces(lines, 1000)) == [b"".join(lines)]
    assert list(pieces([], 100)) == []


async def test_a_full_disk_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = LineSink("/dev/full")
    for _ in range(3):
        sink.write(b"x\n")
        await sink.flushed()
    await sink.close()
    assert [record.getMessage() for record in caplog.records] == [
        "the log /dev/full cannot be written: [Errno 28] No space left on device"
    ]
