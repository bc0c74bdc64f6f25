"""The resolver in containers' namespaces: what it answers, and that no container can harm it."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from dnslib import EDNS0, QTYPE, RCODE, RR, TXT, A, DNSRecord

from fixtures.own_network import Machine, descriptors, in_own_network
from fixtures.sandboxes import network_engine
from fixtures.waiting import eventually
from wherry.network import namespaces
from wherry.network.resolver import ADDRESS, Answers, Resolver
from wherry.wire.container_config import HostConfig

SECONDS = 5
KNOWN = {"web": ["10.0.0.2"], "many": [f"10.0.{n // 250}.{n % 250 + 1}" for n in range(600)]}


class Bench:
    """A resolver and containers that it serves."""

    def __init__(self) -> None:
        self.resolver = Resolver()
        self.servers: list[str] = []
        self.containers: list[Machine] = []

    def container(self) -> Machine:
        made = Machine(namespaces.make())
        self.containers.append(made)
        answers = Answers(
            lambda name: KNOWN.get(name, []),
            {"10.0.0.2": "web.net"}.get,
            lambda: self.servers,
        )
        self.resolver.serve(str(len(self.containers)), made.namespace.descriptor, answers)
        return made

    def close(self) -> None:
        self.resolver.close()
        for one in self.containers:
            one.namespace.close()


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    made = Bench()
    try:
        yield made
    finally:
        made.close()


def question(name: str, kind: str = "A") -> bytes:
    return bytes(DNSRecord.question(name, kind).pack())


def asked(container: Machine, data: bytes, *, stream: bool = False) -> DNSRecord:
    return DNSRecord.parse(container.run(lambda: (over_stream if stream else over_datagram)(data)))


def over_datagram(data: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(SECONDS)
        one.sendto(data, (ADDRESS, 53))
        return one.recv(65535)


def over_stream(data: bytes) -> bytes:
    with socket.create_connection((ADDRESS, 53), SECONDS) as one:
        one.sendall(struct.pack("!H", len(data)) + data)
        return received(one)


def received(one: socket.socket) -> bytes:
    with one.makefile("rb") as file:
        (length,) = struct.unpack("!H", file.read(2))
        return file.read(length)


def shown(record: DNSRecord) -> list[str]:
    return [str(one.rdata) for one in record.rr]


def assert_serves(container: Machine) -> None:
    assert shown(asked(container, question("web"))) == ["10.0.0.2"]
    assert shown(asked(container, question("web"), stream=True)) == ["10.0.0.2"]


def assert_idle() -> None:
    """The resolver waits rather than spins, once it is through with what it was sent."""

    def idle() -> bool:
        before = time.process_time()
        time.sleep(0.3)
        return time.process_time() - before < 0.15

    eventually(idle)


@in_own_network
def test_names_and_addresses_are_answered() -> None:
    with bench() as made:
        one = made.container()
        assert_serves(one)
        reply = asked(one, question("WeB."))
        assert shown(reply) == ["10.0.0.2"]
        assert (reply.header.rcode, reply.header.ra, reply.rr[0].ttl) == (RCODE.NOERROR, 1, 600)
        assert str(reply.q.qname) == "WeB."
        assert shown(asked(one, question("2.0.0.10.in-addr.arpa", "PTR"))) == ["web.net."]
        for kind in ("AAAA", "MX", "TXT"):
            reply = asked(one, question("web", kind))
            assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])


@in_own_network
def test_what_nobody_knows_is_a_failure_at_once() -> None:
    with bench() as made:
        one = made.container()
        for stream in (False, True):
            reply = asked(one, question("elsewhere.example"), stream=stream)
            assert reply.header.rcode == RCODE.SERVFAIL


@in_own_network
def test_an_answer_that_is_too_long_for_a_datagram_says_so() -> None:
    with bench() as made:
        one = made.container()
        short = asked(one, question("many"))
        assert short.header.tc
        assert 0 < len(short.rr) < 600
        assert len(short.pack()) <= 512
        whole = asked(one, question("many"), stream=True)
        assert (whole.header.tc, len(whole.rr)) == (0, 600)
        more = DNSRecord.question("many")
        more.add_ar(EDNS0(udp_len=4096))
        assert len(asked(one, bytes(more.pack())).rr) > len(short.rr)


def bad_messages() -> Iterator[bytes]:
    header = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0)
    yield from (b"", b"\0", header[:11], header, header + b"\x3f" + b"a" * 10)
    yield header + b"\xc0\x0c\x00\x01\x00\x01"  # a name that points to itself
    yield header + b"\x01a\xc0\x0c\x00\x01\x00\x01"
    yield header + (b"\x01a" * 200) + b"\0\x00\x01\x00\x01"  # too long
    yield header + b"\x80aaaa\0\x00\x01\x00\x01"
    yield struct.pack("!HHHHHH", 1, 0x8180, 1, 0, 0, 0) + b"\x03web\0\x00\x01\x00\x01"
    yield struct.pack("!HHHHHH", 1, 0x0100, 65535, 65535, 65535, 65535) + b"\0" * 400
    rest = random.Random(4)
    yield from (rest.randbytes(rest.randrange(600)) for _ in range(300))
    valid = question("web")
    for _ in range(300):
        changed = bytearray(valid)
        changed[rest.randrange(len(changed))] = rest.randrange(256)
        yield bytes(changed)


@in_own_network
def test_malformed_questions_are_survived() -> None:
    with bench() as made:
        one = made.container()

        def send() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                for data in bad_messages():
                    out.sendto(data, (ADDRESS, 53))
            for data in list(bad_messages())[:200]:
                with socket.create_connection((ADDRESS, 53), SECONDS) as stream:
                    stream.sendall(struct.pack("!H", len(data)) + data)

        one.run(send)
        assert_serves(one)
        assert_idle()


@in_own_network
def test_a_huge_question_of_pointers_costs_nothing() -> None:
    """Each name of it goes back through all that was before: this took a parser minutes."""
    names, at = bytearray(b"\x01a\0\0\x01\0\x01"), 12
    while len(names) < 60_000:
        names += struct.pack("!H", 0xC000 | min(at, 0x3FFF)) + b"\0\x01\0\x01"
        at += 6
    header = struct.pack("!HHHHHH", 1, 0x0100, 9999, 0, 0, 0)
    with bench() as made:
        one = made.container()

        def send() -> None:
            data = bytes(header + names)
            with socket.create_connection((ADDRESS, 53), SECONDS) as stream:
                stream.sendall(struct.pack("!H", len(data)) + data)

        started = time.monotonic()
        one.run(send)
        assert_serves(one)
        assert time.monotonic() - started < 2


@in_own_network
def test_lengths_that_lie_and_halves_do_not_hold_anybody_up() -> None:
    with bench() as made:
        bad, good = made.container(), made.container()

        def lie() -> list[socket.socket]:
            opened = []
            for data in (b"", b"\xff", b"\xff\xff", b"\xff\xffabc", b"\0\0" * 1000):
                one = socket.create_connection((ADDRESS, 53), SECONDS)
                one.sendall(data)
                opened.append(one)
            with socket.create_connection((ADDRESS, 53), SECONDS) as reset:
                reset.sendall(b"\0")
                reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return opened

        opened = bad.run(lie)
        assert_serves(good)
        assert_serves(bad)
        assert_idle()
        for one in opened:
            one.close()


@in_own_network
def test_questions_may_come_in_pieces_and_several_at_once() -> None:
    with bench() as made:
        container = made.container()
        data = question("web")
        framed = struct.pack("!H", len(data)) + data

        def send() -> list[bytes]:
            with socket.create_connection((ADDRESS, 53), SECONDS) as one:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in framed:
                    one.sendall(bytes([byte]))
                replies = [received(one)]
                one.sendall(framed * 3)
                with one.makefile("rb") as file:
                    lengths = (struct.unpack("!H", file.read(2))[0] for _ in range(3))
                    replies += [file.read(length) for length in lengths]
                return replies

        replies = container.run(send)
        assert [shown(DNSRecord.parse(reply)) for reply in replies] == [["10.0.0.2"]] * 4


@in_own_network
def test_many_connections_of_one_container_use_few_descriptors() -> None:
    with bench() as made:
        bad, good = made.container(), made.container()
        ours: list[socket.socket] = []
        before = len(descriptors())

        def connect() -> None:
            for _ in range(300):
                with contextlib.suppress(OSError):
                    ours.append(socket.create_connection((ADDRESS, 53), SECONDS))

        bad.run(connect)
        try:
            assert_serves(good)
            assert_serves(bad)
            assert len(descriptors()) - before - len(ours) < 50
            assert_idle()
        finally:
            for one in ours:
                one.close()


@in_own_network
def test_a_client_that_does_not_read_is_hung_up_on() -> None:
    with bench() as made:
        bad = made.container()
        data = question("many")
        framed = (struct.pack("!H", len(data)) + data) * 500

        def flood() -> socket.socket:
            one = socket.create_connection((ADDRESS, 53), SECONDS)
            one.settimeout(1)
            with contextlib.suppress(OSError):
                one.sendall(framed * 20)
            return one

        one = bad.run(flood)
        assert_serves(bad)
        assert_idle()
        one.close()


# Asking others


class Server:
    """A name server at an address of the calling thread's namespace; counts what it was asked."""

    def __init__(self, address: str, code: int = RCODE.NOERROR, *, silent: bool = False) -> None:
        self.code, self.silent = code, silent
        self.asked: list[str] = []
        self._datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagram.bind((address, 53))
        self._stream = socket.create_server((address, 53))
        self._closing = threading.Event()
        for function in (self._datagrams, self._streams):
            threading.Thread(target=function, daemon=True).start()

    def _answer(self, data: bytes, *, stream: bool) -> bytes:
        record = DNSRecord.parse(data)
        self.asked.append(str(record.q.qname))
        reply = record.reply()
        reply.header.rcode = self.code
        if self.code == RCODE.NOERROR:
            reply.add_answer(RR(record.q.qname, QTYPE.A, rdata=A("192.0.2.1"), ttl=5))
            if stream:
                long = ["x" * 250] * 100
                reply.add_answer(RR(record.q.qname, QTYPE.TXT, rdata=TXT(long), ttl=5))
        return bytes(reply.pack())

    def _datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                data, sender = self._datagram.recvfrom(65535)
                if not self.silent:
                    self._datagram.sendto(self._answer(data, stream=False), sender)
                else:
                    self.asked.append("")

    def _streams(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                connection, _ = self._stream.accept()
                with connection:
                    reply = self._answer(received(connection), stream=True)
                    for start in range(0, len(reply) + 2, 700):
                        framed = struct.pack("!H", len(reply)) + reply
                        connection.sendall(framed[start : start + 700])

    def close(self) -> None:
        self._closing.set()
        self._datagram.close()
        self._stream.close()


@contextlib.contextmanager
def servers(*wanted: Server) -> Iterator[Sequence[Server]]:
    try:
        yield wanted
    finally:
        for one in wanted:
            one.close()


@in_own_network
def test_foreign_names_are_asked_of_others_in_the_same_protocol() -> None:
    with bench() as made, servers(Server("127.0.1.1")) as (server,):
        one = made.container()
        made.servers = ["127.0.1.1"]
        assert shown(asked(one, question("far.example"))) == ["192.0.2.1"]
        whole = asked(one, question("long.example"), stream=True)
        assert [one.rtype for one in whole.rr] == [QTYPE.A, QTYPE.TXT]
        assert server.asked == ["far.example.", "long.example."]


@in_own_network
def test_the_next_server_is_asked_when_one_fails_or_is_not_there() -> None:
    with (
        bench() as made,
        servers(Server("127.0.1.1", RCODE.SERVFAIL), Server("127.0.1.2")) as (first, _),
    ):
        one = made.container()
        made.servers = ["127.0.1.9", "127.0.1.1", "127.0.1.2"]
        for stream in (False, True):
            reply = asked(one, question("far.example"), stream=stream)
            assert shown(reply)[0] == "192.0.2.1"
        assert len(first.asked) == 2
        made.servers = ["127.0.1.1"]
        assert asked(one, question("far.example")).header.rcode == RCODE.SERVFAIL


@in_own_network
def test_a_name_that_does_not_exist_is_not_asked_for_twice() -> None:
    with (
        bench() as made,
        servers(Server("127.0.1.1", RCODE.NXDOMAIN), Server("127.0.1.2")) as (_, second),
    ):
        one = made.container()
        made.servers = ["127.0.1.1", "127.0.1.2"]
        assert asked(one, question("far.example")).header.rcode == RCODE.NXDOMAIN
        assert second.asked == []


@in_own_network
def test_a_silent_server_costs_its_time_and_others_nothing() -> None:
    with bench() as made, servers(Server("127.0.1.1", silent=True), Server("127.0.1.2")):
        made.resolver._upstream._seconds = 0.3
        one, other = made.container(), made.container()
        made.servers = ["127.0.1.1", "127.0.1.2"]
        started = time.monotonic()
        assert shown(asked(one, question("far.example"))) == ["192.0.2.1"]
        assert 0.2 < time.monotonic() - started < 3
        assert_serves(other)


@in_own_network
def test_a_flood_of_foreign_questions_is_refused_and_forgotten_with_its_container() -> None:
    with bench() as made, servers(Server("127.0.1.1", silent=True)) as (silent,):
        bad, good = made.container(), made.container()
        made.servers = ["127.0.1.1"]
        before = len(descriptors())
        refused = []

        def flood() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.settimeout(SECONDS)
                for number in range(150):
                    one.sendto(question(f"n{number}.example"), (ADDRESS, 53))
                refused.append(DNSRecord.parse(one.recv(65535)).header.rcode)

        bad.run(flood)
        assert refused == [RCODE.REFUSED]
        assert len(descriptors()) - before <= 101
        assert len(silent.asked) <= 100
        assert_serves(good)
        made.resolver.stop("1")
        eventually(lambda: len(descriptors()) <= before)
        assert_serves(good)


# Coming and going


@in_own_network
def test_who_is_stopped_is_not_served_and_leaves_nothing() -> None:
    with bench() as made:
        assert_serves(made.container())
        one = made.container()
        with one.run(lambda: socket.create_connection((ADDRESS, 53), SECONDS)):
            assert_serves(one)
            before = len(descriptors())
            made.resolver.stop("2")
            # Both that listen, and ours of the connection.
            eventually(lambda: len(descriptors()) <= before - 3)
        made.resolver.stop("2")
        made.resolver.stop("nobody")
        assert_serves(made.containers[0])


@in_own_network
def test_coming_and_going_while_questions_are_asked() -> None:
    with bench() as made:
        steady = made.container()
        done = threading.Event()

        def churn() -> None:
            for _ in range(30):
                one = made.container()
                one.run(lambda: socket.create_connection((ADDRESS, 53), SECONDS).close())
                made.resolver.stop(str(len(made.containers)))
            done.set()

        thread = threading.Thread(target=churn)
        thread.start()
        while not done.is_set():
            assert_serves(steady)
        thread.join()
        assert_serves(steady)


@in_own_network
def test_served_again_means_the_new_answers() -> None:
    with bench() as made:
        one = made.container()
        answers = Answers(lambda _: ["10.9.9.9"], lambda _: None, lambda: ())
        made.resolver.serve("1", one.namespace.descriptor, answers)
        eventually(lambda: shown(asked(one, question("web"))) == ["10.9.9.9"])


@in_own_network
def test_after_its_end_a_resolver_takes_no_harm() -> None:
    before = descriptors()
    made = Bench()
    one = made.container()
    assert_serves(one)
    made.close()
    made.resolver.stop("1")
    assert len(descriptors()) == len(before)


# With containers


@in_own_network
async def test_names_follow_containers(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("my.net", "10.77.0.0/24")
        await engine.network("other", "10.78.0.0/24")
        first, second = engine.container("a.b", "my.net"), engine.container("C", "my.net")
        sandbox, held = await engine.start(first), await engine.start(second)
        assert sandbox.held
        one = Machine(sandbox.held)

        def found(name: str) -> list[str]:
            return shown(asked(one, question(name)))

        for name in ("C", "c", "c.my.net", second.id[:12], f"{second.id[:12]}.my.net"):
            assert found(name) == ["10.77.0.3"], name
        assert found("a.b") == found("a.b.my.net") == ["10.77.0.2"]
        engine.table.rename(second, "newer")
        engine.sandboxes.names.renamed(second)
        assert found("newer") == ["10.77.0.3"]
        assert asked(one, question("c")).header.rcode == RCODE.SERVFAIL
        assert second.networks["my.net"].dns_names == ["newer", second.id[:12]]
        reverse = asked(one, question("3.0.77.10.in-addr.arpa", "PTR"))
        assert shown(reverse) == ["newer.my.net."]
        await engine.stop(second)
        assert asked(one, question("newer")).header.rcode == RCODE.SERVFAIL
        await engine.stop(first)
        sandbox.release()
        held.release()


@in_own_network
async def test_an_internal_networks_questions_stay_inside(tmp_path: Path) -> None:
    with network_engine(tmp_path) as engine:
        await engine.network("inside", "10.77.0.0/24", internal=True)
        record = engine.container("a", "inside", host=HostConfig(dns=["192.0.2.7", "10.77.0.5"]))
        record.networks["inside"].ip_address = "10.77.0.2"
        record.networks["inside"].ip_prefix_len = 24
        assert engine.sandboxes.names.upstream(record.id) == ["10.77.0.5"]
        record.networks["inside"].gateway = "10.77.0.1"
        assert engine.sandboxes.names.upstream(record.id) == ["192.0.2.7", "10.77.0.5"]
        record.host_config.dns = ["127.0.0.1"]
        assert engine.sandboxes.names.upstream(record.id) == []
        record.host_config.dns = None
        assert engine.sandboxes.names.upstream(record.id) != []
        record.networks["inside"].ip_address = ""


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
