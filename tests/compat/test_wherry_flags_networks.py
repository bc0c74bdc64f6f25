"""Flags of the commands about networks and volumes, with a real engine, beside docker's client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.engine import Engine
from fixtures.wherry_client import docker, wherry


@pytest.fixture(scope="module", autouse=True)
def web(engine: Engine) -> Iterator[None]:
    """A container to connect, and the network to connect it to."""
    engine.docker("network", "create", "--subnet", "10.213.78.0/24", "target")
    engine.docker("run", "-d", "--name", "web", "busybox", "sleep", "1000")
    yield
    engine.remove_containers()
    engine.docker("network", "rm", "target")


CREATE = [
    "network create --attachable --label a=b --label c made",
    "network create --subnet 10.213.79.0/24 --ip-range 10.213.79.128/25 --gateway 10.213.79.1 made",
    "network create --subnet 10.213.79.0/24 --aux-address printer=10.213.79.9 made",
    "network create --internal --ipam-driver default --ipam-opt a=b made",
    "network create --opt com.docker.network.driver.mtu=1400 --driver bridge made",
]


@pytest.mark.parametrize("line", CREATE)
def test_the_same_network(engine: Engine, line: str) -> None:
    made = []
    for client in (wherry, docker):
        client(engine, *line.split(" "))
        [found] = json.loads(engine.docker("network", "inspect", "made").stdout)
        engine.docker("network", "rm", "made")
        made.append({k: v for k, v in found.items() if k not in ("Id", "Created")})
        if "--subnet" not in line:  # the engine chose one
            made[-1]["IPAM"].pop("Config")
    assert made[0] == made[1]


REFUSED = [
    "network create --ipv6 made",
    "network connect --link-local-ip 169.254.9.9 target web",
]


@pytest.mark.parametrize("line", REFUSED)
def test_what_the_engine_refuses(engine: Engine, line: str) -> None:
    theirs = docker(engine, *line.split(), status=1)
    assert wherry(engine, *line.split(), status=1) == theirs
    assert "not supported" in theirs


@pytest.mark.parametrize("flags", ["--ingress", "--config-only", "--config-from bridge"])
def test_networks_that_there_are_not(engine: Engine, flags: str) -> None:
    told = docker(engine, "network", "create", *flags.split(), "made", status=1)
    assert "Error response from daemon: " in told
    assert "networks" in told


CONNECT = [
    "network connect --alias db --alias store target web",
    "network connect --ip 10.213.78.99 --driver-opt a=b target web",
    "network connect --link web:self target web",
]


@pytest.mark.parametrize("line", CONNECT)
def test_the_same_endpoint(engine: Engine, line: str) -> None:
    made: list[dict[str, Any]] = []
    for client in (wherry, docker):
        client(engine, *line.split(" "))
        [found] = json.loads(engine.docker("inspect", "web").stdout)
        wherry(engine, "network", "disconnect", "--force", "target", "web")
        endpoint = found["NetworkSettings"]["Networks"]["target"]
        made.append({k: endpoint[k] for k in ("Aliases", "IPAMConfig", "Links", "DriverOpts")})
    assert made[0] == made[1]
    assert any(made[0].values())
    assert "target" not in engine.docker("inspect", "web").stdout


def test_an_endpoint_with_ipv6_is_refused(engine: Engine) -> None:
    theirs = docker(engine, "network", "connect", "--ip6", "2001:db8::9", "target", "web", status=1)
    ours = wherry(engine, "network", "connect", "--ip6", "2001:db8::9", "target", "web", status=1)
    assert ours == theirs


SHOW = [
    "network inspect --format {{.Name}} target", "network inspect --verbose target",
    "network ls --no-trunc", "volume inspect --format {{.Driver}} shown",
    "volume ls --filter label=look", "network rm --force nothere", "volume rm --force nothere",
]  # fmt: skip


@pytest.mark.parametrize("line", SHOW)
def test_the_same_answer(engine: Engine, line: str) -> None:
    engine.docker("volume", "create", "--label", "look", "shown")
    assert wherry(engine, *line.split(" ")) == docker(engine, *line.split(" "))
    engine.docker("volume", "rm", "shown")


def test_prune_of_networks(engine: Engine) -> None:
    for name in ("mine", "yours"):
        engine.docker("network", "create", "--label", f"owner={name}", name)
    told = wherry(engine, "network", "prune", "--filter", "label=owner=mine", "--force")
    assert told == "Deleted Networks:\nmine\n\n"
    engine.docker("network", "rm", "yours")


def test_volumes(engine: Engine) -> None:
    told = wherry(engine, "volume", "create", "--label", "a=b", "--name", "named",
                  "--opt", "type=none", "--opt", "o=bind", "--opt", "device=/tmp")  # fmt: skip
    assert told == "named\n"
    [found] = json.loads(engine.docker("volume", "inspect", "named").stdout)
    assert (found["Labels"], found["Options"]["device"]) == ({"a": "b"}, "/tmp")
    told = wherry(engine, "volume", "prune", "--force", "--filter", "label=a=b")
    assert "named" not in told
    told = wherry(engine, "volume", "prune", "--all", "--force", "--filter", "label=a=b")
    assert told == "Deleted Volumes:\nnamed\n\nTotal reclaimed space: 0B\n"
