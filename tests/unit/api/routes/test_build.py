"""POST /build: what its query asks for, and what is answered."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from wherry.build.dockerfile.instructions import Place
from wherry.build.export.outputs import Built
from wherry.build.graph.actions import Execute
from wherry.build.ops.execute import StepFailedError
from wherry.build.options import BuildOptions
from wherry.build.progress import Finished, Planned, PlannedStep
from wherry.wire.requests import AuthConfig

Ask = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]
ID = "sha256:" + "ab" * 32


class Builds:
    """Notes what is asked for, and does what it is told."""

    def __init__(self) -> None:
        self.asked: BuildOptions | None = None
        self.error: Exception | None = None
        self.cancelled: list[str] = []
        self.spool_directory = "/nowhere"

    async def build(self, options: BuildOptions, session: object, report: Any) -> Built:
        self.asked = options
        report(Planned([PlannedStep(0, "stage-0", "FROM scratch")]))
        if self.error:
            raise self.error
        report(Finished(ID, ["a:b"]))
        return Built(ID)

    @contextlib.contextmanager
    def cancellable(self, identity: str) -> Any:
        yield

    def cancel(self, identity: str) -> None:
        self.cancelled.append(identity)


@pytest.fixture
def builds(services: SimpleNamespace) -> Builds:
    services.builds = Builds()
    return services.builds


def lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.splitlines()]


async def test_everything_that_can_be_asked_for(ask: Ask, builds: Builds) -> None:
    query = [
        ("t", "a"), ("t", "b:1"), ("dockerfile", "d/f"), ("buildargs", '{"A":"1","B":null}'),
        ("labels", '{"l":"x"}'), ("target", "t"), ("nocache", "1"), ("pull", "true"),
        ("networkmode", "none"), ("extrahosts", "h:1.2.3.4"), ("memory", "5"), ("memswap", "-1"),
        ("cpuquota", "7"), ("cpusetcpus", "0-1"), ("shmsize", "9"), ("platform", "linux/amd64"),
        ("ulimits", '[{"Name":"nofile","Soft":1,"Hard":2}]'), ("cachefrom", '["c"]'),
        ("remote", "https://h/x.git"), ("rm", "1"), ("forcerm", "1"),
    ]  # fmt: skip
    held = base64.urlsafe_b64encode(b'{"reg:5":{"username":"u","password":"p"}}').decode()
    status, _, _ = await ask(
        "POST", f"/v1.41/build?{urlencode(query)}", **{"X-Registry-Config": held}
    )
    told = builds.asked
    assert status == 200
    assert told is not None
    assert told.tags == ("a", "b:1")
    assert (told.dockerfile, told.target, told.platform) == ("d/f", "t", "linux/amd64")
    assert told.arguments == {"A": "1", "B": None}
    assert told.labels == {"l": "x"}
    assert (told.no_cache, told.pull, told.network) == (True, True, "none")
    assert told.extra_hosts == ("h:1.2.3.4",)
    assert (told.limits.memory, told.limits.memory_swap, told.limits.shm_size) == (5, -1, 9)
    assert told.limits.ulimits == [("nofile", 1, 2)]
    assert told.remote == "https://h/x.git"
    assert told.credentials == {"reg:5": AuthConfig(username="u", password="p")}


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("buildargs=%7B", 400, "buildargs: invalid JSON"),
        ("buildargs=%7B%22A%22:1%7D", 400, "values are strings or null"),
        ("labels=%5B%5D", 400, "a dict is wanted"),
        ("memory=much", 400, "not a number"),
        ("ulimits=5", 400, ""),
        ("squash=1", 400, "experimental"),
        ("isolation=hyperv", 400, "Unsupported isolation"),
        ("version=2", 501, "DOCKER_BUILDKIT=0"),
        ("remote=client-session", 501, "session"),
        ("outputs=%5B5%5D", 400, "Type"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    ask: Ask, builds: Builds, query: str, status: int, words: str
) -> None:
    got, _, body = await ask("POST", f"/build?{query}")
    assert got == status, body
    assert words in json.loads(body)["message"]
    assert builds.asked is None


async def test_the_stream_ends_with_the_image(ask: Ask, builds: Builds) -> None:
    _, headers, body = await ask("POST", "/build")
    assert headers["Content-Type"] == "application/json"
    assert body.count(b"\r\n") == len(lines(body))
    assert lines(body) == [
        {"stream": "Step 1/1 : FROM scratch\n"},
        {"aux": {"ID": ID}},
        {"stream": "Successfully built abababababab\n"},
        {"stream": "Successfully tagged a:b\n"},
    ]


async def test_a_failing_step_gives_its_code(ask: Ask, builds: Builds) -> None:
    action = Execute(
        number=1, place=Place(1, 1), text="RUN x", created_by="", arguments=("x",), environment=(),
        user="", working_directory="/",
    )  # fmt: skip
    builds.error = StepFailedError(action, 7, b"")
    _, _, body = await ask("POST", "/build")
    words = "The command 'x' returned a non-zero code: 7"
    assert lines(body)[-1] == {"errorDetail": {"message": words, "code": 7}, "error": words}


async def test_cancel(ask: Ask, builds: Builds) -> None:
    assert (await ask("POST", "/build/cancel?id=x"))[0] == 204
    assert (await ask("POST", "/build/cancel"))[0] == 400
    assert builds.cancelled == ["x"]
