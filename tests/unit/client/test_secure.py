"""TLS from the client's side: a plain socket with a relay behind it, and words for refusals."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.certificates import Certificates
from wherry.base.tls import TlsSession
from wherry.client import address
from wherry.client.address import Address
from wherry.client.errors import BrokenReplyError, UnreachableError
from wherry.client.http import Connection
from wherry.client.identity import Identity
from wherry.client.secure import IdentityError, SecureAddress
from wherry.daemon.tls import context

SECONDS = 10
BIG = os.urandom(1 << 20) * 8


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


class Server:
    """Accepts connections, shakes hands and hands over to a function, each in a thread."""

    def __init__(
        self, settings: ssl.SSLContext, talk: Callable[[Peer], None], host: str = "127.0.0.1"
    ) -> None:
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self._settings = settings
        self._talk = talk
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connected, _ = self.listener.accept()
            except OSError:
                return
            connected.settimeout(SECONDS)
            with connected:
                peer = Peer(connected, TlsSession(self._settings, server=True))
                try:
                    peer.shake_hands()
                    self._talk(peer)
                except (ssl.SSLError, OSError):
                    with_alert = peer.session.take()
                    if with_alert:
                        connected.send(with_alert)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


class Peer:
    """The server's end of one connection."""

    def __init__(self, connected: socket.socket, session: TlsSession) -> None:
        self.socket = connected
        self.session = session

    def shake_hands(self) -> None:
        while not self.session.shake_hands():
            self.socket.sendall(self.session.take())
            self.session.feed(self.socket.recv(65536))
        self.socket.sendall(self.session.take())

    def hear(self) -> bytes:
        """Everything until the client's end."""
        heard = bytearray(self.session.plaintext())
        while not self.session.ended:
            self.session.feed(self.socket.recv(65536))
            heard += self.session.plaintext()
        return bytes(heard)

    def say(self, data: bytes) -> None:
        self.session.say(data)
        self.socket.sendall(self.session.take())

    def end(self) -> None:
        self.session.end()
        self.socket.sendall(self.session.take())


@pytest.fixture
def serve(certificates: Certificates) -> Iterator[Callable[[Callable[[Peer], None]], Server]]:
    """Start servers that want a client's certificate."""
    made: list[Server] = []

    def start(talk: Callable[[Peer], None], host: str = "127.0.0.1") -> Server:
        made.append(Server(context(certificates.options()), talk, host))
        return made[-1]

    yield start
    for server in made:
        server.close()


def identity(certificates: Certificates) -> Identity:
    client = certificates.client
    return Identity(certificates.authority, client.certificate, client.key)


def place(server: Server, who: Identity) -> Address:
    found = address.parse(f"tcp://127.0.0.1:{server.port}", who)
    assert isinstance(found, SecureAddress)
    return found


def drain(connected: socket.socket) -> bytes:
    heard = bytearray()
    while data := connected.recv(1 << 16):
        heard += data
    return bytes(heard)


def test_our_end_is_told_and_the_rest_arrives(
    certificates: Certificates, serve: Callable[..., Server]
) -> None:
    def talk(peer: Peer) -> None:
        heard = peer.hear()
        peer.say(b"%d:" % len(heard) + heard)
        peer.end()

    with place(serve(talk), identity(certificates)).connect() as connected:
        connected.settimeout(SECONDS)
        sender = threading.Thread(
            target=lambda: (connected.sendall(BIG), connected.shutdown(socket.SHUT_WR))
        )
        sender.start()
        assert drain(connected) == b"%d:" % len(BIG) + BIG
        sender.join(SECONDS)


def test_the_engine_may_end_first(certificates: Certificates, serve: Callable[..., Server]) -> None:
    heard: list[bytes] = []
    done = threading.Event()

    def talk(peer: Peer) -> None:
        peer.say(b"bye")
        peer.end()
        heard.append(peer.hear())
        done.set()

    with place(serve(talk), identity(certificates)).connect() as connected:
        connected.settimeout(SECONDS)
        assert drain(connected) == b"bye"
        connected.sendall(b"more")
        connected.shutdown(socket.SHUT_WR)
        assert done.wait(SECONDS)
    assert heard == [b"more"]


def test_a_client_that_goes_ends_the_connection(
    certificates: Certificates, serve: Callable[..., Server]
) -> None:
    gone = threading.Event()

    def talk(peer: Peer) -> None:
        peer.say(b"x")
        assert peer.hear() == b""
        while peer.socket.recv(65536):
            pass
        gone.set()

    connected = place(serve(talk), identity(certificates)).connect()
    assert connected.recv(1) == b"x"
    connected.close()
    assert gone.wait(SECONDS)


def test_what_is_not_read_is_not_kept(
    certificates: Certificates, serve: Callable[..., Server]
) -> None:
    """The engine is made to wait: memory does not grow with what it says."""
    stopped = threading.Event()

    def talk(peer: Peer) -> None:
        peer.socket.settimeout(0.5)
        try:
            while True:
                peer.say(BIG)
        except TimeoutError:
            stopped.set()

    with place(serve(talk), identity(certificates)).connect():
        assert stopped.wait(SECONDS)


def test_a_refusal_that_comes_late_is_explained(
    certificates: Certificates, serve: Callable[..., Server]
) -> None:
    """In TLS 1.3 the client is done before the server has looked at its certificate."""
    expired = certificates.bad["expired"]
    who = Identity(certificates.authority, expired.certificate, expired.key)
    connection = Connection(place(serve(Peer.end), who))
    with pytest.raises(BrokenReplyError, match="does not accept the certificate") as caught:
        connection.request("GET", "/", {})
    assert expired.certificate in str(caught.value)


def test_a_server_that_is_another(certificates: Certificates, serve: Callable[..., Server]) -> None:
    with pytest.raises(UnreachableError, match="certificate verify failed") as caught:
        place(serve(Peer.end), Identity(certificates.other_authority)).connect()
    assert certificates.other_authority in caught.value.way_out
    elsewhere = serve(Peer.end, "127.0.0.2")  # which its certificate does not name
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        address.parse(f"tcp://127.0.0.2:{elsewhere.port}", identity(certificates)).connect()


def test_without_verification_anybody_is_taken(
    certificates: Certificates, serve: Callable[..., Server]
) -> None:
    client = certificates.client
    who = Identity("", client.certificate, client.key, verify=False)
    server = serve(lambda peer: peer.end())
    with place(server, who).connect() as connected:
        assert drain(connected) == b""


def test_a_server_without_tls(certificates: Certificates) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connected, _ = listener.accept()
            with connected:
                connected.recv(65536)
                connected.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(UnreachableError) as caught:
            address.parse(f"tcp://127.0.0.1:{port}", identity(certificates)).connect()
        thread.join(SECONDS)
    assert "does not speak TLS" in caught.value.way_out


def test_files_that_cannot_be_used(certificates: Certificates, tmp_path: Path) -> None:
    client, empty = certificates.client, tmp_path / "empty"
    empty.write_text("")
    for who, words in (
        (Identity(str(tmp_path / "none")), "could not read CA certificate"),
        (Identity(str(empty)), "no certificate in PEM form"),
        (Identity(certificates.authority, client.certificate), "--tlskey is missing"),
        (Identity(certificates.authority, "", client.key), "--tlscert is missing"),
        (Identity("", client.certificate, certificates.server.key), "belong together"),
        (Identity("", client.certificate, str(tmp_path / "none")), "No such file"),
        (Identity("", str(empty), client.key), "both have to be PEM"),
    ):
        with pytest.raises(IdentityError, match=words):
            address.parse("tcp://127.0.0.1:1", who).connect()


def test_which_addresses_are_tls() -> None:
    who = Identity()
    assert address.parse("tcp://h", who).port == 2376
    assert isinstance(address.parse("https://h:1"), SecureAddress)
    assert not isinstance(address.parse("http://h:1", who), SecureAddress)
    assert not isinstance(address.parse("unix:///x", who), SecureAddress)
