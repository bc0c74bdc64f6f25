"""Settings of pulls: how many at once, how often, by which proxy, from where, and in the clear.

A registry in this process says what it was asked. Nothing leaves the machine.
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator

import pytest

from fixtures.configured import Configured, configured
from fixtures.plain_registry import PlainRegistry, plain_registry
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def registry() -> Iterator[PlainRegistry]:
    with plain_registry(layers=8) as made:
        yield made


@pytest.fixture(scope="module")
def quiet() -> Iterator[Configured]:
    with configured({}) as made:
        yield made


@pytest.fixture
def engine(quiet: Configured, registry: PlainRegistry) -> Iterator[Configured]:
    """An engine that has nothing of the registry's image, without settings."""
    registry.renew()
    registry.hold = registry.refusals = 0
    yield quiet
    settle(quiet, {})


def settle(engine: Configured, settings: dict[str, object]) -> None:
    """Reload, and wait until it has been done: a label tells."""
    mark = f"reload={uuid.uuid4().hex}"
    engine.reload(settings | {"labels": [mark]})
    eventually(lambda: engine.info()["Labels"] == [mark])


@pytest.mark.parametrize("most", [1, 2, 8])
def test_so_many_layers_are_fetched_at_once(
    engine: Configured, registry: PlainRegistry, most: int
) -> None:
    settle(engine, {"max-concurrent-downloads": most})
    registry.hold = 0.3 * most  # long enough for all of them to come, on a busy machine too
    engine.engine.docker("pull", f"{registry.address}/app:{most}")
    assert registry.most == most


def test_the_limit_is_one_for_all_pulls(engine: Configured, registry: PlainRegistry) -> None:
    settle(engine, {"max-concurrent-downloads": 2})
    registry.hold = 0.2
    pull = ["docker", "-H", engine.engine.host, "pull", "-q"]
    pulls = [
        subprocess.Popen([*pull, f"{registry.address}/{name}:1"], stdout=subprocess.DEVNULL)
        for name in ("one", "two")
    ]
    assert [one.wait(60) for one in pulls] == [0, 0]
    assert registry.most == 2


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_layer_is_tried_so_many_times(
    engine: Configured, registry: PlainRegistry, attempts: int
) -> None:
    settle(engine, {"max-download-attempts": attempts, "max-concurrent-downloads": 1})
    registry.refusals = attempts
    refused = engine.engine.docker("pull", f"{registry.address}/app:again", check=False)
    assert refused.returncode != 0
    assert max(registry.asked.values()) == attempts
    registry.renew()
    registry.refusals = attempts - 1
    engine.engine.docker("pull", f"{registry.address}/app:again")


def test_pulls_go_through_the_proxy_but_for_those_who_need_none(
    engine: Configured, registry: PlainRegistry
) -> None:
    settings = {
        "proxies": {
            "http-proxy": f"http://{registry.address}", "no-proxy": "other.invalid,.direct.invalid",
        },
        "insecure-registries": ["reg.invalid:5000", "other.invalid:5000"],
    }  # fmt: skip
    settle(engine, settings)
    engine.engine.docker("pull", "reg.invalid:5000/app:1")
    assert "http://reg.invalid:5000/v2/app/manifests/1" in registry.seen
    registry.seen.clear()
    refused = engine.engine.docker("pull", "other.invalid:5000/app:1", check=False)
    assert "no such host" in refused.stderr
    assert registry.seen == []


def test_builds_download_through_the_proxy(engine: Configured, registry: PlainRegistry) -> None:
    settle(engine, {"proxies": {"http-proxy": f"http://{registry.address}"}})
    dockerfile = b"FROM scratch\nADD http://files.invalid/v2/ /fetched\n"
    engine.engine.docker("build", "-t", "fetched", "-", stdin=dockerfile)
    assert "http://files.invalid/v2/" in registry.seen


def test_a_mirror_is_asked_first(engine: Configured, registry: PlainRegistry) -> None:
    settle(engine, {"registry-mirrors": [f"http://{registry.address}"]})
    engine.engine.docker("pull", "mirrored:1")
    assert "/v2/library/mirrored/manifests/1" in registry.seen


def test_registries_of_a_network_are_reached_in_the_clear() -> None:
    with configured({"bip": "10.213.230.1/24"}) as engine:
        engine.start()  # from now on the machine has that address
        with plain_registry("10.213.230.1") as registry:
            image = f"{registry.address}/app:1"
            refused = engine.engine.docker("pull", image, check=False)
            assert "server gave HTTP response to HTTPS client" in refused.stderr
            settle(engine, {"bip": "10.213.230.1/24", "insecure-registries": ["10.213.0.0/16"]})
            engine.engine.docker("pull", image)
            engine.engine.docker("rmi", image)
        engine.engine.remove_containers()
