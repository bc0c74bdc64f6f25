"""The audit log."""

from __future__ import annotations

import base64
import errno
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from wherry.registry.server.access.audit import AuditLog, AuditLogError
from wherry.registry.server.access.guard import Caller, Peer
from wherry.registry.server.http.exchange import Exchange

SECRET = "hush-hush"
BASIC = "Basic " + base64.b64encode(f"eve:{SECRET}".encode()).decode()


def exchange(authorization: str = "", **fields: Any) -> Exchange:
    headers = {"authorization": authorization} if authorization else {}
    peer = Peer("192.0.2.1", headers, "https://registry.test")
    made = Exchange(cast(web.BaseRequest, None), peer, "id-1", status=200)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


PUSH = {"action": "push", "caller": Caller("ann"), "repository": "team/a", "reference": "v1",
        "digest": "sha256:x", "status": 201}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(path: Path, clock: Callable[[], float]):
    log = AuditLog(str(path), clock)
    yield log
    log.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_push(log: AuditLog, path: Path) -> None:
    log.finished(exchange(**PUSH))
    assert lines(path) == [
        {
            "time": "2027-01-15T08:00:00.000+00:00",
            "request": "id-1",
            "action": "push",
            "caller": "ann",
            "address": "192.0.2.1",
            "repository": "team/a",
            "reference": "v1",
            "digest": "sha256:x",
            "status": 201,
        }
    ]
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("authorization", "fields", "action"),
    [
        ("", {"action": "pull"}, None),
        ("", {"action": ""}, None),
        ("x", {"action": "delete", "status": 202}, "delete"),
        ("x", {"action": "mount", "status": 201}, "mount"),
        (BASIC, {"action": "login", "caller": Caller("eve")}, "login"),
        ("x", {"action": "push", "status": 500}, "push"),
        # every client is refused once, before it knows where to log in
        ("", {"action": "", "status": 401}, None),
        (BASIC, {"action": "", "status": 401}, "refused"),
        ("Bearer x", {"action": "", "status": 403}, "refused"),
        ("", {"action": "pull", "status": 429}, "refused"),
    ],
)
def test_what_is_written_down(
    log: AuditLog, path: Path, authorization: str, fields: dict[str, Any], action: str | None
) -> None:
    log.finished(exchange(authorization, **fields))
    assert [line["action"] for line in lines(path)] == ([action] if action else [])


def test_pulls_where_they_are_asked_for(path: Path, clock) -> None:
    log = AuditLog(str(path), clock, pulls=True)
    log.finished(exchange(action="pull"))
    log.close()
    assert [line["action"] for line in lines(path)] == ["pull"]


def test_a_login_that_failed_names_who_was_tried_and_no_secret(log: AuditLog, path: Path) -> None:
    log.finished(exchange(BASIC, status=401, error="UNAUTHORIZED"))
    [line] = lines(path)
    assert (line["action"], line["caller"], line["tried"]) == ("refused", "", "eve")
    log.finished(exchange("Bearer abc.def", status=401))
    assert "tried" not in lines(path)[1]
    for secret in (SECRET, BASIC.split()[1], "abc.def"):
        assert secret not in path.read_text()


def test_what_was_refused_says_what_was_wanted(log: AuditLog, path: Path) -> None:
    log.finished(exchange("x", **PUSH | {"status": 403, "error": "DENIED"}))
    [line] = lines(path)
    assert (line["action"], line["wanted"], line["error"]) == ("refused", "push", "DENIED")


def test_a_line_is_one_line_whatever_a_client_chose(log: AuditLog, path: Path) -> None:
    nasty = 'a\n{"action":"push"}\r\x1b[2J\x00\u2028\ud800"' + "x" * 5000
    log.finished(exchange(**PUSH | {"reference": nasty}))
    data = path.read_bytes()
    assert data.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in data[:-1])
    assert lines(path)[0]["reference"] == nasty[:1024]


def test_moved_away_and_reopened(log: AuditLog, path: Path) -> None:
    log.finished(exchange(**PUSH))
    old = path.rename(path.with_suffix(".1"))
    log.finished(exchange(**PUSH))
    log.reopen()
    log.finished(exchange(**PUSH))
    assert len(lines(old)) == 2
    assert len(lines(path)) == 1


def test_two_processes_share_a_file(log: AuditLog, path: Path, clock) -> None:
    other = AuditLog(str(path), clock)
    for _ in range(3):
        log.finished(exchange(**PUSH))
        other.finished(exchange(**PUSH))
    other.close()
    assert len(lines(path)) == 6


def test_a_disk_that_fails_is_logged_once_each_time(
    log: AuditLog, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for times in (1, 2):
        with caplog.at_level(logging.ERROR), monkeypatch.context() as broken:
            broken.setattr("wherry.registry.server.access.audit.os.write", full)
            for _ in range(3):
                log.finished(exchange(**PUSH))
        assert len(caplog.records) == times
        log.finished(exchange(**PUSH))
        assert len(lines(path)) == times
    assert os.write is write


def test_half_a_line_does_not_spoil_the_next(
    log: AuditLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    with monkeypatch.context() as broken:
        name = "wherry.registry.server.access.audit.os.write"
        broken.setattr(name, lambda descriptor, data: write(descriptor, data[:20]))
        log.finished(exchange(**PUSH))
    log.finished(exchange(**PUSH))
    log.finished(exchange(**PUSH))
    half, *whole = path.read_bytes().splitlines()
    assert len(half) == 20
    assert [json.loads(line)["action"] for line in whole] == ["push", "push"]


def test_a_place_that_cannot_be_written(tmp_path: Path, clock) -> None:
    with pytest.raises(AuditLogError, match=str(tmp_path)):
        AuditLog(str(tmp_path), clock)


def test_standard_output(clock, capfd: pytest.CaptureFixture[str]) -> None:
    log = AuditLog("-", clock)
    log.finished(exchange(**PUSH))
    log.reopen()
    log.close()
    assert json.loads(capfd.readouterr().out)["action"] == "push"
