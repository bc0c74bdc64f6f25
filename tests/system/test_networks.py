"""Networks in the kernel: who reaches whom, and that nothing is left behind whatever fails.

Every test has a network namespace of its own, which plays the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from dnslib import DNSRecord

from fixtures.own_network import (
    Machine,
    descriptors,
    in_own_network,
    ip,
    neighbour,
    nft,
    process_in,
    reaches,
)
from fixtures.sandboxes import Engine, network_engine
from wherry.base.errors import ConflictError, ForbiddenError, InternalError, WherryError
from wherry.engine.containers.record import Container
from wherry.engine.networks.opened import Sandbox
from wherry.engine.networks.sandbox import PublishError
from wherry.network import namespaces
from wherry.network.firewall import Nft, RulesMissingError
from wherry.network.isolation import Isolation
from wherry.network.naming import Naming
from wherry.network.ports import Ports, PortTakenError, Wanted
from wherry.wire.container_config import EndpointIPAMConfig, EndpointSettings, PortBinding

SUBNET = "10.77.0.0/24"
GATEWAY = "10.77.0.1"


@contextlib.asynccontextmanager
async def running(engine: Engine, *records: Container) -> object:
    """Start containers; yields a machine for each."""
    sandboxes: list[Sandbox] = []
    try:
        for record in records:
            sandbox = await engine.start(record)
            sandboxes.append(sandbox)
        yield [Machine(one.held) for one in sandboxes if one.held]
    finally:
        for record in records:
            await engine.stop(record)
        for one in sandboxes:
            one.release()


def fixed(address: str) -> EndpointSettings:
    return EndpointSettings(ipam_config=EndpointIPAMConfig(ipv4_address=address))


def bridges() -> list[str]:
    return [link["ifname"] for link in json.loads(ip("-j", "link", "show", "type", "bridge"))]


def in_use(engine: Engine, name: str) -> bool:
    network = engine.networks.find(name)
    return engine.fabric._open[network.id].pool.in_use


# Who reaches whom


@in_own_network
async def test_networks_do_not_reach_each_other(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one")
        await engine.network("two")
        records = [engine.container(n, w) for n, w in (("a", "one"), ("b", "one"), ("c", "two"))]
        async with running(engine, *records) as (a, b, c):
            with a.listen(80):
                address = next(iter(records[0].networks.values())).ip_address
                assert b.reaches(address, 80)
                assert not c.reaches(address, 80, 0.3)
                assert reaches(address, 80)


@in_own_network
async def test_a_published_port_is_reached_from_everywhere(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, neighbour() as other:
        await engine.network("one")
        await engine.network("two")
        server = engine.container("a", "one", ports={"80/tcp": "8080"})
        beside, away = engine.container("b", "one"), engine.container("c", "two")
        async with running(engine, server, beside, away) as (a, b, c):
            with a.listen(80):
                assert reaches("127.0.0.1", 8080)
                assert reaches("10.99.0.1", 8080)
                assert other.reaches("10.99.0.1", 8080)
                assert b.reaches("10.99.0.1", 8080)
                assert c.reaches("10.99.0.1", 8080)
        assert not reaches("127.0.0.1", 8080)


@in_own_network
async def test_what_is_not_published_is_not_reached_by_a_route(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, neighbour() as other:
        await engine.network("one", SUBNET)
        server = engine.container("a", "one", ports={"80/tcp": "8080"})
        async with running(engine, server) as (a,):
            other.ip("route", "add", SUBNET, "via", "10.99.0.1")
            address = server.networks["one"].ip_address
            with a.listen(80), a.listen(81):
                assert not other.reaches(address, 81, 0.3)
                assert not other.reaches(address, 80, 0.3)
                assert other.reaches("10.99.0.1", 8080)


@in_own_network
async def test_a_port_on_loopback_is_for_this_machine_alone(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, neighbour() as other:
        await engine.network("one", SUBNET)
        server = engine.container("a", "one")
        server.host_config.port_bindings = {"90/udp": [PortBinding("127.0.0.1", "9090")]}
        async with running(engine, server) as (a,):
            with a.listen(90, socket.SOCK_DGRAM) as inside:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
                    here.sendto(b"from here", ("127.0.0.1", 9090))
                assert inside.recv(100) == b"from here"
                gateway = hardware_address_of("10.99.0.1")
                other.run(lambda: send_frame("eth0", gateway, "127.0.0.1", 9090, b"from outside"))
                inside.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    inside.recv(100)


@in_own_network
async def test_a_container_does_not_reach_services_on_the_machines_loopback(
    tmp_path: Path,
) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one", SUBNET)
        async with running(engine, engine.container("a", "one")) as (a,):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
                service.bind(("127.0.0.1", 9999))
                service.settimeout(0.3)
                gateway = hardware_address_of(GATEWAY)
                a.run(lambda: send_frame("eth0", gateway, "127.0.0.1", 9999, b"a secret command"))
                with pytest.raises(TimeoutError):
                    service.recv(100)


@in_own_network
async def test_an_internal_network_reaches_nothing_and_is_not_reached(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, neighbour() as other:
        await engine.network("inside", SUBNET, internal=True)
        await engine.network("outside")
        record = engine.container("a", "inside", ports={"80/tcp": "8080"})
        away = engine.container("b", "outside")
        async with running(engine, record, away) as (a, b):
            a.ip("route", "add", "default", "via", GATEWAY)
            other.ip("route", "add", SUBNET, "via", "10.99.0.1")
            with other.listen(99), a.listen(80):
                assert b.reaches("10.99.0.2", 99)
                assert not a.reaches("10.99.0.2", 99, 0.3)
                assert not other.reaches("10.99.0.1", 8080, 0.3)
                assert not other.reaches("10.77.0.2", 80, 0.3)
            assert record.ports == {}


@in_own_network
async def test_masquerading_can_be_switched_off(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, neighbour() as other:
        options = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
        await engine.network("plain", SUBNET, options=options)
        async with running(engine, engine.container("a", "plain")) as (a,):
            other.ip("route", "add", SUBNET, "via", "10.99.0.1")
            with other.listen(99) as server:
                assert a.reaches("10.99.0.2", 99)
                connection, (address, _) = server.accept()
                connection.close()
            assert address == "10.77.0.2"


def hardware_address_of(address: str) -> bytes:
    for link in json.loads(ip("-j", "address", "show")):
        if any(one["local"] == address for one in link["addr_info"]):
            return bytes.fromhex(link["address"].replace(":", ""))
    raise AssertionError(f"nobody here has {address}")


def send_frame(interface: str, to: bytes, address: str, port: int, data: bytes) -> None:
    """Send a UDP datagram past the sender's own routing, as CAP_NET_RAW allows."""
    own = json.loads(ip("-j", "address", "show", "dev", interface))[0]
    source = own["addr_info"][0]["local"]
    udp = struct.pack("!HHHH", 12345, port, 8 + len(data), 0) + data
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
        socket.inet_aton(source), socket.inet_aton(address),
    )  # fmt: skip
    words = struct.unpack("!10H", head)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~total & 0xFFFF) + head[12:]
    mine = bytes.fromhex(own["address"].replace(":", ""))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((interface, 0x0800))
        raw.send(to + mine + b"\x08\x00" + head + udp)


# Failures and cancellations leave nothing


@in_own_network
async def test_a_start_that_fails_before_it_connects_gives_its_address_back(
    tmp_path: Path,
) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one", SUBNET)
        record = engine.container("a", "one", endpoints={"one": fixed("10.77.0.9")})
        for _ in range(3):
            sandbox = await engine.sandboxes.open(record)
            await engine.sandboxes.close(record)
            sandbox.release()
        assert not in_use(engine, "one")
        async with running(engine, record):
            assert record.networks["one"].ip_address == "10.77.0.9"


@in_own_network
async def test_a_port_that_is_taken_gives_the_address_back(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, socket.create_server(("", 8080)):
        await engine.network("one")
        record = engine.container("a", "one", ports={"80/tcp": "8080", "81/tcp": "8081"})
        before = descriptors()
        with pytest.raises(PublishError, match=r"0\.0\.0\.0:8080.*address already in use"):
            await engine.start(record)
        assert not in_use(engine, "one")
        assert len(descriptors()) == len(before)
        assert not engine.fabric.ports._held.get(record.id)


@in_own_network
async def test_a_cancelled_open_leaves_neither_address_nor_descriptor(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one")
        record = engine.container("a", "one")
        warm = await engine.start(record)
        await engine.stop(record)
        warm.release()
        before = len(descriptors())
        for _ in range(5):
            opening = asyncio.ensure_future(engine.sandboxes.open(record))
            await asyncio.sleep(0)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
        assert not in_use(engine, "one")
        # Others of this process may close some meanwhile, garbage of earlier tests.
        assert len(descriptors()) <= before


@in_own_network
async def test_a_cancelled_connect_is_over_before_its_namespace_is_let_go(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one")
        record = engine.container("a", "one", ports={"80/tcp": "8080"})
        for _ in range(5):
            sandbox = await engine.sandboxes.open(record)
            connecting = asyncio.ensure_future(engine.sandboxes.connect(sandbox, record))
            await asyncio.sleep(0)
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            await engine.sandboxes.close(record)
            sandbox.release()
        assert not in_use(engine, "one")
        assert "elements" not in nft("list", "map", "inet", table(engine), "published")
        with socket.create_server(("", 8080)):
            pass


def table(engine: Engine) -> str:
    return engine.fabric.naming.table


@in_own_network
async def test_a_connection_that_fails_leaves_nothing_in_the_container(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine, socket.create_server(("", 8080)):
        await engine.network("inside", internal=True)
        await engine.network("one")
        record = engine.container("a", "inside", ports={"80/tcp": "8080"})
        async with running(engine, record) as (a,):
            with process_in(a.namespace) as record.state.pid:
                before = len(descriptors())
                with pytest.raises(PublishError):
                    await engine.networks.connect("one", "a", None)
                assert set(record.networks) == {"inside"}
                assert "eth1" not in a.run(lambda: ip("link"))
                assert not in_use(engine, "one")
                assert len(descriptors()) == before


@in_own_network
async def test_networks_made_at_once_do_not_overlap(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await asyncio.gather(*(engine.network(f"n{number}") for number in range(12)))
        subnets = [n.subnet for n in engine.networks if n.subnet]
        assert len(set(subnets)) == 12


@in_own_network
async def test_first_containers_at_once_agree_on_the_default_bridge(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        records = [engine.container(f"c{number}") for number in range(8)]
        sandboxes = await asyncio.gather(*(engine.start(record) for record in records))
        addresses = {record.networks["bridge"].ip_address for record in records}
        assert len(addresses) == 8
        assert {r.networks["bridge"].gateway for r in records} == {"172.17.0.1"}
        assert engine.networks.find("bridge").subnet == "172.17.0.0/16"
        for record, sandbox in zip(records, sandboxes, strict=True):
            await engine.stop(record)
            sandbox.release()


@in_own_network
async def test_a_network_is_not_removed_under_a_container_that_is_being_started(
    tmp_path: Path,
) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one")
        record = engine.container("a", "one")
        sandbox = await engine.sandboxes.open(record)
        with pytest.raises(ForbiddenError, match="has active endpoints"):
            await engine.networks.remove("one")
        assert engine.networks.find("one")
        await engine.sandboxes.close(record)
        sandbox.release()
        await engine.networks.remove("one")
        assert bridges() == []
        with pytest.raises(WherryError, match="network one not found"):
            await engine.start(record)
        assert bridges() == []


@in_own_network
async def test_a_network_that_cannot_be_made_leaves_no_bridge(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("first")
        before = bridges()

        def refuse(*_: object) -> None:
            raise InternalError("no")

        engine.fabric.firewall.add_zone = refuse  # type: ignore[method-assign]
        with pytest.raises(InternalError):
            await engine.network("one")
        assert bridges() == before
        assert [n.name for n in engine.networks if n.user_defined] == ["first"]


@in_own_network
async def test_a_bridge_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    ip("link", "add", "br0", "type", "bridge")
    with network_engine(tmp_path) as engine:
        option = "com.docker.network.bridge.name"
        with pytest.raises(ConflictError, match="br0 is taken"):
            await engine.network("one", options={option: "br0"})
        await engine.network("two", options={option: "mine"})
        with pytest.raises(ConflictError, match="mine is taken"):
            await engine.network("three", options={option: "mine"})
        assert sorted(bridges()) == ["br0", "mine"]
        await engine.networks.remove("two")
        assert bridges() == ["br0"]


@in_own_network
async def test_rules_that_somebody_flushed_are_made_again(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one")
        first = engine.container("a", "one", ports={"80/tcp": "8080"})
        second = engine.container("b", "one", ports={"80/tcp": "8081"})
        async with running(engine, first) as (a,):
            nft("flush", "ruleset")
            async with running(engine, second) as (b,):
                with a.listen(80), b.listen(80):
                    assert reaches("127.0.0.1", 8080)
                    assert reaches("127.0.0.1", 8081)
                nft("flush", "ruleset")
        assert not in_use(engine, "one")
        await engine.networks.remove("one")
        assert bridges() == []


# Changes while a container runs


@in_own_network
async def test_published_ports_follow_when_their_network_is_disconnected(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one", SUBNET)
        await engine.network("two")
        record = engine.container("a", "one", ports={"80/tcp": "8080"})
        async with running(engine, record) as (a,):
            with process_in(a.namespace) as record.state.pid, a.listen(80):
                await engine.networks.connect("two", "a", None)
                await engine.networks.disconnect("one", "a", False)
                # Its address may be another container's now.
                assert record.networks["two"].ip_address in nft(
                    "list", "map", "inet", table(engine), "published"
                )
                assert reaches("127.0.0.1", 8080)
                await engine.networks.disconnect("two", "a", False)
                assert not reaches("127.0.0.1", 8080)
                assert record.ports == {}
                await engine.networks.connect("one", "a", None)
                assert reaches("127.0.0.1", 8080)
                assert record.ports["80/tcp"][0].host_port == "8080"
                assert "default via 10.77.0.1" in a.run(lambda: ip("route"))


@in_own_network
async def test_a_shared_hosts_file_tells_of_a_connection(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("one", SUBNET)
        await engine.network("two", "10.78.0.0/24")
        record = engine.container("a", "one")
        async with running(engine, record) as (a,):
            with process_in(a.namespace) as record.state.pid:
                joined = engine.container("b", f"container:{record.id}")
                async with running(engine, joined) as (b,):
                    await engine.networks.connect("two", "a", None)
                    shown = Path(engine.directory(joined), "hosts").read_text()
                    assert "10.77.0.2\t" in shown
                    assert "10.78.0.2\t" in shown
                    assert b.run(lambda: ip("address")) == a.run(lambda: ip("address"))


@in_own_network
async def test_joining_the_machines_own_network_changes_nothing_of_it(tmp_path: Path) -> None:
    setting = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    setting.write_text("0")
    with contextlib.closing(namespaces.of_process(threading.get_native_id())):
        assert setting.read_text() == "0\n"
    with contextlib.closing(namespaces.make()) as made:
        assert namespaces.within(made.descriptor, setting.read_text) == "1\n"


# After a kill


@in_own_network
async def test_a_killed_engines_successor_holds_ports_addresses_and_names(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with network_engine(root) as engine:
        identity = engine.identity
        await engine.network("one", SUBNET)
        record = engine.container("a", "one", ports={"80/tcp": "8080"})
        sandbox = await engine.start(record)
        assert sandbox.held
        container = Machine(sandbox.held)
    with contextlib.ExitStack() as stack:
        pid = stack.enter_context(process_in(container.namespace))
        stack.enter_context(container.listen(80))
        with network_engine(root, identity) as engine:
            record = engine.table.find("a")
            record.state.pid = pid
            engine.sandboxes.restore_all()
            await engine.sandboxes.restore(record)
            engine.networks.sweep()
            with pytest.raises(OSError, match="in use"):
                socket.create_server(("", 8080))
            assert reaches("127.0.0.1", 8080)
            assert container.run(lambda: ask("A"))[1] == ["10.77.0.2"]
            other = engine.container("b", "one", ports={"80/tcp": "8080"})
            with pytest.raises(PublishError, match="port is already allocated"):
                await engine.start(other)
            other.host_config.port_bindings = None
            async with running(engine, other):
                assert other.networks["one"].ip_address != "10.77.0.2"
            await engine.stop(record)
            with socket.create_server(("", 8080)):
                pass
            engine.networks.teardown()
            assert bridges() == []
            assert table(engine) not in nft("list", "tables")
    sandbox.release()


@in_own_network
async def test_what_was_not_recorded_before_a_kill_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with network_engine(root) as engine:
        identity = engine.identity
        await engine.network("one", options={"com.docker.network.bridge.name": "mine"})
        await engine.network("two")
        record = engine.container("a", "two", ports={"80/tcp": "8080"})
        sandbox = await engine.sandboxes.open(record)
        # Between this and the record's being written, it is killed.
        await engine.sandboxes.connect(sandbox, record)
        sandbox.release()
    with network_engine(root, identity) as engine:
        engine.sandboxes.restore_all()
        engine.networks.sweep()
        assert table(engine) not in nft("list", "tables")
        assert bridges() == ["mine"]
        await engine.networks.remove("one")
        assert bridges() == []
        async with running(engine, engine.table.find("a")) as (a,):
            with a.listen(80):
                assert reaches("127.0.0.1", 8080)


# Ports


@in_own_network
def test_a_host_port_is_held_against_everybody() -> None:
    ports = Ports()
    with contextlib.closing(ports):
        assert ports.hold("a", [Wanted("tcp", 80, "", 8080, 8080)]) == [8080]
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", 8080), reuse_port=False)
        for address in ("", "127.0.0.1"):
            with pytest.raises(PortTakenError, match="port is already allocated"):
                ports.hold("b", [Wanted("tcp", 80, address, 8080, 8080)])
        assert ports.hold("b", [Wanted("udp", 80, "", 8080, 8080)]) == [8080]
        ports.release("a")
        socket.create_server(("127.0.0.1", 8080)).close()


@in_own_network
def test_a_port_of_a_range_is_chosen_and_all_or_none_are_held() -> None:
    ports = Ports()
    with contextlib.closing(ports), socket.create_server(("", 9000)):
        assert ports.hold("a", [Wanted("tcp", 80, "", 9000, 9002)]) == [9001]
        assert ports.hold("b", [Wanted("tcp", 80, "", 9000, 9002)]) == [9002]
        wanted = [Wanted("tcp", 80, "", 9100, 9100), Wanted("tcp", 81, "", 9000, 9002)]
        with pytest.raises(PortTakenError):
            ports.hold("c", wanted)
        socket.create_server(("", 9100)).close()


@in_own_network
def test_a_port_that_only_old_connections_use_can_be_published() -> None:
    """A server that ended leaves connections that wait a minute; docker publishes all the same."""
    with socket.create_server(("127.0.0.1", 8080)) as server:
        client = socket.create_connection(("127.0.0.1", 8080))
        connection, _ = server.accept()
        connection.close()  # this side first: it waits
        client.recv(1)
        client.close()
    ports = Ports()
    with contextlib.closing(ports):
        assert ports.hold("a", [Wanted("tcp", 80, "", 8080, 8080)]) == [8080]


@in_own_network
def test_an_address_that_is_not_here_is_an_error_with_the_kernels_words() -> None:
    ports = Ports()
    with contextlib.closing(ports), pytest.raises(InternalError, match="cannot assign requested"):
        ports.hold("a", [Wanted("tcp", 80, "203.0.113.9", 8080, 8080)])


# The firewall's words


@in_own_network
def test_rules_that_are_missing_are_no_error_whatever_is_there_of_that_name() -> None:
    naming = Naming("0123456789ab")
    with contextlib.closing(Nft()) as rules:
        Isolation(naming, rules).remove()
        # nftables asks then whether that one was meant.
        rules.run(f"add table inet {naming.table}")
        Isolation(naming, rules).remove()


@in_own_network
def test_nft_tells_what_is_missing_from_what_is_wrong() -> None:
    nft_ = Nft()
    with contextlib.closing(nft_):
        with pytest.raises(RulesMissingError):
            nft_.run("list table inet nothing")
        with pytest.raises(InternalError, match="syntax"):
            nft_.run("no such words")


def ask(kind: str, name: str = "a") -> tuple[int, list[str]]:
    """Ask the resolver in the calling thread's namespace; returns the code and the answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(5)
        one.sendto(DNSRecord.question(name, kind).pack(), ("127.0.0.11", 53))
        reply = DNSRecord.parse(one.recv(65535))
    return reply.header.rcode, [str(record.rdata) for record in reply.rr]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = {thread for thread in threading.enumerate() if thread.name == "resolver"}
    yield
    after = {thread for thread in threading.enumerate() if thread.name == "resolver"}
    assert after <= before
