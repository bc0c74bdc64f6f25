"""The size of packets where nobody set one: what the machine's default route can carry."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from fixtures.own_network import in_own_network, ip, process_in
from fixtures.sandboxes import network_engine
from wherry.network.links import Links
from wherry.network.naming import Naming


def wire(name: str, address: str, mtu: int) -> None:
    ip("link", "add", name, "type", "bridge")
    ip("link", "set", name, "mtu", str(mtu), "up")
    ip("address", "add", f"{address}/24", "dev", name)


@pytest.mark.parametrize(("mtu", "usual"), [(1420, 1420), (1500, 1500), (9000, 1500)])
def test_it_is_that_of_the_default_route_and_never_more_than_usual(mtu: int, usual: int) -> None:
    @in_own_network
    def check() -> None:
        with contextlib.closing(Links(Naming("0123456789ab"))) as links:
            assert links.usual_mtu() == 1500  # there is no route at all
            wire("other", "10.1.0.2", 1300)
            wire("uplink", "10.2.0.2", mtu)
            ip("route", "add", "default", "via", "10.1.0.1", "metric", "200")
            ip("route", "add", "default", "via", "10.2.0.1", "metric", "100")
            ip("route", "add", "10.9.0.0/16", "via", "10.1.0.1")
            assert links.usual_mtu() == usual

    check()


@in_own_network
async def test_bridges_and_containers_get_it_unless_a_network_has_its_own(tmp_path: Path) -> None:
    wire("uplink", "10.2.0.2", 1420)
    ip("route", "add", "default", "via", "10.2.0.1")
    with network_engine(tmp_path) as engine:
        await engine.network("plain", "10.3.0.0/24")
        options = {"com.docker.network.driver.mtu": "1450"}
        await engine.network("own", "10.4.0.0/24", options=options)
        for name, mtu in (("plain", 1420), ("own", 1450)):
            network = engine.networks.find(name)
            bridge = engine.fabric.ensure(network)
            assert f"mtu {mtu} " in ip("link", "show", bridge.name)
            sandbox = await engine.start(engine.container(name, name))
            assert sandbox.held is not None
            with process_in(sandbox.held) as pid:
                said = ip("link", "show", "master", bridge.name)
                assert f"mtu {mtu} " in said
                assert pid
            sandbox.release()
