"""TLS as a machine: two ends that hand bytes to each other, in pieces of any size."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from fixtures.certificates import Certificates, Pair
from wherry.base.tls import TlsSession, cause


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def server_context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server.certificate, certificates.server.key)
    context.load_verify_locations(certificates.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Ends:
    """A client and a server; `carry` moves what each has said to the other."""

    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext, step: int = 0) -> None:
        self.client = TlsSession(client, server=False, name="localhost")
        self.server = TlsSession(server, server=True)
        self._step = step

    def shake_hands(self) -> None:
        for _ in range(10):
            done = [end.shake_hands() for end in (self.client, self.server) if not end.established]
            self.carry()
            if not done:
                return
        raise AssertionError("no end of the handshake")

    def carry(self) -> None:
        for source, target in ((self.client, self.server), (self.server, self.client)):
            for piece in self._pieces(source.take()):
                target.feed(piece)
                if not target.established:
                    target.shake_hands()

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        step = self._step or max(len(data), 1)
        return (data[at : at + step] for at in range(0, len(data), step))


@pytest.fixture(params=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[request.param]


@pytest.fixture(params=[0, 1, 7])
def ends(
    certificates: Certificates, version: ssl.TLSVersion, request: pytest.FixtureRequest
) -> Ends:
    """Both versions; bytes in one piece, one by one, and in pieces that cut records anywhere."""
    client = certificates.client_context(certificates.client)
    server = server_context(certificates)
    client.maximum_version = server.maximum_version = version
    made = Ends(client, server, request.param)
    made.shake_hands()
    return made


def test_who_the_other_side_is(ends: Ends) -> None:
    assert (ends.server.peer, ends.client.peer) == ("ann", "localhost")


def test_one_direction_ends_and_the_other_goes_on(ends: Ends) -> None:
    ends.client.say(b"input")
    ends.client.end()
    ends.carry()
    assert ends.server.plaintext() == b"input"
    assert ends.server.ended
    for n in range(3):  # much later, and more than one record
        ends.server.say(b"%d" % n * 20_000)
        ends.carry()
        assert ends.client.plaintext() == b"%d" % n * 20_000
        assert not ends.client.ended
    ends.server.end()
    ends.carry()
    assert ends.client.plaintext() == b""
    assert ends.client.ended


def test_the_server_may_be_the_first_to_end(ends: Ends) -> None:
    ends.server.say(b"output")
    ends.server.end()
    ends.server.end()
    ends.carry()
    assert (ends.client.plaintext(), ends.client.ended) == (b"output", True)
    ends.client.say(b"more input")
    ends.carry()
    assert (ends.server.plaintext(), ends.server.ended) == (b"more input", False)


def test_what_has_come_before_our_end_is_not_lost(ends: Ends) -> None:
    ends.client.say(b"crossing")
    data = ends.client.take()
    ends.server.feed(data[:-5])
    ends.server.end()
    ends.server.feed(data[-5:])
    assert ends.server.plaintext() == b"crossing"
    ends.client.say(b" and more")
    ends.carry()
    assert ends.server.plaintext() == b" and more"


def test_both_end_at_once(ends: Ends) -> None:
    ends.client.end()
    ends.server.end()
    ends.carry()
    assert ends.client.plaintext() == ends.server.plaintext() == b""
    assert (ends.client.ended, ends.server.ended) == (True, True)


def test_the_network_ends_without_a_word(ends: Ends) -> None:
    ends.client.say(b"cut")
    ends.server.feed(ends.client.take())
    ends.server.feed(b"")
    assert (ends.server.plaintext(), ends.server.ended) == (b"cut", True)
    ends.server.say(b"an answer all the same")
    ends.server.end()
    ends.carry()
    assert (ends.client.plaintext(), ends.client.ended) == (b"an answer all the same", True)


def test_nothing_is_taken_behind_the_end(ends: Ends) -> None:
    ends.client.end()
    ends.carry()
    ends.server.plaintext()
    ends.server.feed(b"\0" * 100)
    assert ends.server.plaintext() == b""


def test_what_is_not_encrypted_right_is_an_error_with_an_alert(ends: Ends) -> None:
    ends.client.say(b"hello")
    forged = bytearray(ends.client.take())
    forged[-1] ^= 1
    ends.server.feed(bytes(forged))
    with pytest.raises(ssl.SSLError):
        ends.server.plaintext()
    assert ends.server.take() != b""


@pytest.mark.parametrize("kind", ["none", "expired", "another authority", "for servers"])
def test_who_may_not_get_in_is_told_why(
    certificates: Certificates, version: ssl.TLSVersion, kind: str
) -> None:
    shown: Pair | None = certificates.bad.get(kind)
    client = certificates.client_context(shown)
    server = server_context(certificates)
    client.maximum_version = server.maximum_version = version
    ends = Ends(client, server)
    with pytest.raises(ssl.SSLError):
        ends.shake_hands()
    assert not ends.server.established
    ends.client.feed(ends.server.take())
    with pytest.raises(ssl.SSLError) as told:
        ends.client.plaintext()  # the whole of it in TLS 1.3, the rest of the handshake in 1.2
    assert "alert" in cause(told.value)
