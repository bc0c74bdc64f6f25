"""The request that the flags of `run` make; tests/compat compares it with docker's."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.flags import parse
from wherry.cli.options.create import FLAGS, request


def made(text: str, *, detach: bool = False) -> Any:
    options, arguments = parse(FLAGS, text.split(), interspersed=False)
    return request(options, arguments, {"MINE": "1"}, "/here", detach=detach, size=(24, 80))


def test_the_command_and_its_streams() -> None:
    body = made("-it -e MINE -w /w --entrypoint= image ls -a")
    assert (body["Image"], body["Cmd"]) == ("image", ["ls", "-a"])
    assert (body["Entrypoint"], body["Env"]) == ([""], ["MINE=1"])
    assert (body["Tty"], body["OpenStdin"], body["StdinOnce"]) == (True, True, True)
    assert body["HostConfig"]["ConsoleSize"] == [24, 80]
    assert "ConsoleSize" not in made("-i image")["HostConfig"]
    apart = made("-i image", detach=True)
    assert (apart["AttachStdin"], apart["OpenStdin"], apart["StdinOnce"]) == (False, True, False)


def test_limits() -> None:
    host = made("-m 64m --memory-swap -1 --cpus 0.5 --pids-limit -1 --init=false image")
    assert {name: host["HostConfig"][name] for name in ("Memory", "MemorySwap", "NanoCpus")} == {
        "Memory": 64 << 20,
        "MemorySwap": -1,
        "NanoCpus": 500_000_000,
    }
    assert (host["HostConfig"]["PidsLimit"], host["HostConfig"]["Init"]) == (-1, False)
    assert "Memory" not in made("image")["HostConfig"]


def test_networks_and_what_belongs_to_the_first() -> None:
    body = made("--network a --network b --ip 10.0.0.9 --network-alias x image")
    assert body["HostConfig"]["NetworkMode"] == "a"
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "a": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Aliases": ["x"]},
        "b": {},
    }
    assert made("image")["HostConfig"]["NetworkMode"] == "default"
    assert made("--network host image")["NetworkingConfig"]["EndpointsConfig"] == {}


@pytest.mark.parametrize(
    "text",
    [
        "--network a --network a image", "--network-alias x image", "-a foo image",
        "--health-cmd x --no-healthcheck image", "--health-retries -1 image",
        "--memory-swappiness 101 image", "--dns x image", "--env = image", "-l = image",
        "--userns x image", "--shm-size x image", "--health-interval x image",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(UsageError):
        made(text)
