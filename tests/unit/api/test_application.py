"""Whole requests: version, route, verb, answer."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from wherry.base.errors import ConflictError, NotFoundError, NotModifiedError
from wherry.engine.exec.service import ExecStartError
from wherry.logs.reader import Line

Ask = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]


def message(body: bytes) -> str:
    return str(json.loads(body)["message"])


async def test_ping(ask: Ask) -> None:
    status, headers, body = await ask("GET", "/_ping")
    assert (status, body) == (200, b"OK")
    assert headers["Api-Version"] == "1.51"
    assert headers["Ostype"] == "linux"
    assert headers["Server"].startswith("Docker/")
    status, headers, body = await ask("HEAD", "/v1.24/_ping")
    assert (status, body, headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("target", ["/", "/nothing", "/v1.41/nothing", "/containers/x/y/z"])
async def test_page_not_found(ask: Ask, target: str) -> None:
    status, headers, body = await ask("GET", target)
    assert (status, message(body)) == (404, "page not found")
    assert headers["Content-Type"] == "application/json"


async def test_a_version_that_is_not_spoken(ask: Ask) -> None:
    assert (await ask("GET", "/v1.99/_ping"))[0] == 400
    status, headers, body = await ask("GET", "/v1.10/_ping")
    assert (status, headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert body.startswith(b"client version 1.10 is too old.")


@pytest.mark.parametrize("kind", ["swarm", "services/x", "tasks/x", "nodes/x", "secrets/x"])
async def test_this_is_no_swarm(ask: Ask, kind: str) -> None:
    status, _, body = await ask("GET", f"/{kind}")
    assert status == 503
    assert message(body).startswith("This node is not a swarm manager.")


async def test_there_are_no_plugins(ask: Ask) -> None:
    assert (await ask("GET", "/plugins"))[2] == b"[]\n"
    status, _, body = await ask("GET", "/plugins/x/json")
    assert (status, message(body)) == (404, 'plugin "x" not found')


async def test_create(ask: Ask, services: Any) -> None:
    seen: list[Any] = []

    async def create(*args: Any) -> Any:
        seen.extend(args)
        return SimpleNamespace(id="abc", warnings=None)

    services.containers.create = create
    body = {"Image": "busybox", "Cmd": "true", "HostConfig": {"Memory": 5}}
    status, _, answer = await ask("POST", "/containers/create?name=x", body)
    assert (status, json.loads(answer)) == (201, {"Id": "abc", "Warnings": []})
    name, config, host_config, networking, platform = seen
    assert (name, config.image, config.cmd) == ("x", "busybox", "true")
    assert (host_config.memory, networking, platform) == (5, None, None)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"Image": 5}', b"{} x", b"\xff", b"null", b"{}"])
async def test_a_malformed_create_changes_nothing(ask: Ask, body: bytes) -> None:
    status, headers, answer = await ask("POST", "/containers/create", body)
    assert (status, headers["Content-Type"]) == (400, "application/json")
    assert "\n" not in message(answer)


async def test_a_body_of_another_type(ask: Ask) -> None:
    headers = {"Content-Type": "text/plain"}
    status, _, answer = await ask("POST", "/containers/create", b"{}", **headers)
    assert status == 400
    assert "must be 'application/json'" in message(answer)


async def test_a_body_that_is_too_large(ask: Ask) -> None:
    status, _, answer = await ask("POST", "/containers/create", b" " * ((1 << 20) + 1))
    assert (status, "too large" in message(answer)) == (400, True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("No such container: x"), 404),
        (ConflictError("Container x is not running"), 409),
        (RuntimeError("a bug"), 500),
    ],
)
async def test_errors(ask: Ask, services: Any, error: Exception, status: int) -> None:
    async def kill(ref: str, signal: str) -> None:
        assert (ref, signal) == ("x", "SIGKILL")
        raise error

    services.containers.kill = kill
    got, _, body = await ask("POST", "/containers/x/kill")
    assert (got, message(body)) == (status, str(error))


async def test_not_modified(ask: Ask, services: Any) -> None:
    async def start(ref: str) -> None:
        raise NotModifiedError(ref)

    services.containers.start = start
    status, headers, body = await ask("POST", "/containers/x/start")
    assert (status, body) == (304, b"")
    assert "Content-Type" not in headers


async def test_old_clients_have_no_signal_for_stop(ask: Ask, services: Any) -> None:
    seen: list[Any] = []

    async def stop(*args: Any) -> None:
        seen.append(args)

    services.containers.stop = stop
    await ask("POST", "/v1.41/containers/x/stop?t=3&signal=SIGINT")
    await ask("POST", "/v1.42/containers/x/stop?signal=SIGINT")
    assert seen == [("x", 3, None), ("x", None, "SIGINT")]
    assert (await ask("POST", "/containers/x/stop?t=soon"))[0] == 400


async def test_wait_answers_before_there_is_anything_to_tell(ask: Ask, services: Any) -> None:
    class Waiter:
        async def result(self) -> tuple[int, str | None]:
            return 3, None

    async def wait(ref: str, condition: str) -> Waiter:
        assert condition == "removed"
        return Waiter()

    services.containers.wait = wait
    status, _, body = await ask("POST", "/containers/x/wait?condition=removed")
    assert (status, json.loads(body)) == (200, {"StatusCode": 3, "Error": None})
    assert (await ask("POST", "/containers/x/wait?condition=soon"))[0] == 400


async def test_logs(ask: Ask, services: Any) -> None:
    async def lines() -> AsyncIterator[Line]:
        yield Line(1_500_000_000, "stdout", b"out\n")
        yield Line(2_000_000_000, "stderr", b"err")

    async def logs(ref: str, query: Any) -> AsyncIterator[Line]:
        assert (query.stdout, query.stderr, query.tail) == (True, True, 5)
        return lines()

    async def inspect(ref: str) -> Any:
        return SimpleNamespace(record=SimpleNamespace(config=SimpleNamespace(tty=False)))

    services.containers.logs = logs
    services.containers.inspect = inspect
    target = "/containers/x/logs?stdout=1&stderr=1&tail=5&timestamps=1"
    status, headers, body = await ask("GET", target)
    assert (status, headers["Content-Type"]) == (200, "application/vnd.docker.multiplexed-stream")
    assert body == (
        b"\x01\0\0\0\0\0\0\x231970-01-01T00:00:01.500000000Z out\n"
        b"\x02\0\0\0\0\0\0\x221970-01-01T00:00:02.000000000Z err"
    )
    status, _, body = await ask("GET", "/containers/x/logs")
    assert (status, message(body)) == (
        400,
        "Bad parameters: you must choose at least one stream",
    )


async def test_an_unknown_filter(ask: Ask) -> None:
    status, _, body = await ask("GET", '/containers/json?filters={"foo":["x"]}')
    assert (status, message(body)) == (400, "invalid filter 'foo'")


async def test_pull_tells_an_error_in_the_stream_once_it_has_begun(ask: Ask, services: Any) -> None:
    seen: dict[str, Any] = {}

    async def pull(reference: str, **rest: Any) -> None:
        seen.update(rest, reference=reference)
        step = SimpleNamespace(id="", status="Pulling from library/busybox", current=0, total=0)
        rest["progress"](step)
        await asyncio.sleep(0)
        raise NotFoundError("gone")

    services.images.pull = pull
    token = base64.urlsafe_b64encode(b'{"username":"u","password":"p"}').decode().rstrip("=")
    headers = {"X-Registry-Auth": token}
    status, _, body = await ask("POST", "/images/create?fromImage=busybox&tag=1", **headers)
    assert status == 200
    first, second = body.split(b"\r\n")[:2]
    assert json.loads(first) == {"status": "Pulling from library/busybox"}
    assert json.loads(second) == {"errorDetail": {"message": "gone"}, "error": "gone"}
    assert seen["reference"] == "busybox:1"
    assert seen["credentials"].username == "u"


async def test_pull_of_nothing_is_a_plain_404(ask: Ask, services: Any) -> None:
    async def pull(reference: str, **rest: Any) -> None:
        raise NotFoundError("manifest unknown")

    services.images.pull = pull
    status, _, body = await ask("POST", "/images/create?fromImage=busybox")
    assert (status, message(body)) == (404, "manifest unknown")


async def test_a_program_that_cannot_be_executed_is_told_in_the_stream(
    ask: Ask, services: Any
) -> None:
    async def begin(identifier: str, **rest: Any) -> Any:
        return SimpleNamespace(config=SimpleNamespace(tty=False, attach_stdin=False))

    async def start(identifier: str, **rest: Any) -> None:
        raise ExecStartError("not found")

    services.exec.begin, services.exec.start = begin, start
    status, _, body = await ask("POST", "/exec/x/start", {})
    assert (status, body) == (200, b"\x01\0\0\0\0\0\0\x0bnot found\r\n")
    status, _, body = await ask("POST", "/exec/x/start", {"Detach": True})
    assert (status, message(body)) == (400, "not found")
