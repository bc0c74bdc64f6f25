"""Groups, and what is said of ports without TLS; the sockets themselves are in tests/system."""

from __future__ import annotations

import grp
import socket
from typing import Any, cast

import pytest

from wherry.base.errors import InvalidError
from wherry.daemon.listeners import group_number, listen
from wherry.daemon.systemd.passed import Passed


class Recorder:
    """A server that notes what it is to serve."""

    def __init__(self) -> None:
        self.served: list[tuple[Any, ...]] = []

    async def serve_unix(self, path: str, mode: int, group: int) -> None:
        self.served.append(("unix", path, mode, group))

    async def serve_tcp(self, host: str, port: int, context: object = None) -> None:
        self.served.append(("tcp", host, port, context))

    async def serve_socket(self, listener: socket.socket, context: object = None) -> None:
        self.served.append(("socket", listener, context))


async def served(*hosts: str, passed: tuple[Passed, ...] = (), context: object = None) -> list[Any]:
    server = Recorder()
    await listen(cast(Any, server), hosts, "", passed, cast(Any, context))
    return server.served


def test_a_group_is_a_name_or_a_number() -> None:
    first = grp.getgrall()[0]
    assert group_number(first.gr_name) == first.gr_gid
    assert group_number("4711") == 4711
    with pytest.raises(InvalidError, match="no group nobody-has-it: make it with `groupadd"):
        group_number("nobody-has-it")


def test_the_usual_group_need_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", missing)
    assert group_number("") == -1


async def test_every_host_is_served(caplog: pytest.LogCaptureFixture, tmp_path: Any) -> None:
    group = group_number("")
    path = f"{tmp_path}/new/s"
    assert await served(f"unix://{path}", "tcp://[::1]:2376", context="tls") == [
        ("unix", path, 0o660, group),
        ("tcp", "::1", 2376, "tls"),
    ]
    assert not caplog.records


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("tcp://127.0.0.1:2375", "every web page opened on this machine can be root"),
        ("tcp://0.0.0.0:2375", "WHOEVER REACHES THIS ADDRESS IS ROOT"),
    ],
)
async def test_a_port_without_tls_is_warned_of(
    caplog: pytest.LogCaptureFixture, host: str, words: str
) -> None:
    await served(host)
    assert words in caplog.text


async def test_a_passed_socket_is_used_once_and_in_place_of_its_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        host = f"tcp://127.0.0.1:{one.getsockname()[1]}"
        passed = (Passed(one, "api", 3),)
        for hosts in ((host,), (host, "fd://"), ("fd://",), ("fd://api", host)):
            found = await served(*hosts, passed=passed, context="tls")
            assert found[0] == ("socket", one, "tls")
            assert len(found) == 1
