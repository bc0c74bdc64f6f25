"""Every way in is shut: without permission, group or certificate nothing of the engine answers.

As a user of this machine, from a container, over the network, and by what lies on the disk: the
database has the environment of containers, layers have programs that run as root for whoever
starts them.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import stat
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.certificates import Certificates
from fixtures.engine import Engine, engine_id, program, running_engine
from fixtures.registry import free_port
from wherry.base.tls import TlsSession

NOBODY = 65534
GROUP = 54321  # of nobody on this machine
SECONDS = 20
PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class House:
    """An engine with every door that there is, and who may use them."""

    def __init__(self, engine: Engine, certificates: Certificates, port: int, shop: int) -> None:
        self.engine = engine
        self.certificates = certificates
        self.port = port
        self.shop = shop  # the engine's registry


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """Anybody may enter the folder that it is in, as with /run and /var/lib."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wr.")))
        certificates = Certificates(folder)
        port, shop = free_port(), free_port()
        root = Path(tempfile.mkdtemp(prefix="wr."))
        root.chmod(0o755)
        engine = stack.enter_context(
            running_engine(
                *certificates.flags(), "-H", f"tcp://127.0.0.1:{port}", "--group", str(GROUP),
                "--registry", f"127.0.0.1:{shop}", root=root,
            )
        )  # fmt: skip
        engine.docker(
            "run", "-d", "--name", "running", "-e", "SECRET=hidden", "-v", "kept:/data", "busybox",
            "sh", "-c", "cp /bin/busybox /data/su; chmod 4755 /data/su; exec sleep 1000",
        )  # fmt: skip
        yield House(engine, certificates, port, shop)


def as_user(act: Callable[[], object], groups: tuple[int, ...] = ()) -> str:
    """Run a function as a user without rights; returns what it raised, `done` if nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "done"
        try:
            os.setgroups(groups)
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            act()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    os.waitpid(child, 0)
    return said


def ping(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(path))
        client.sendall(PING)
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_the_socket_is_for_root_and_its_group(house: House) -> None:
    path = house.engine.socket
    status = path.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o660, 0, GROUP)
    assert as_user(lambda: ping(path), (GROUP,)) == "done"
    assert as_user(lambda: ping(path)).startswith("PermissionError")
    assert as_user(lambda: ping(path), (GROUP + 1,)).startswith("PermissionError")


def test_keepers_answer_the_engine_alone(house: House) -> None:
    sockets = sorted(house.engine.exec_root.glob("keeper-*.sock"))
    assert sockets

    def knock(path: Path) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.connect(str(path))

    for path in sockets:
        assert as_user(lambda path=path: knock(path)).startswith("PermissionError")
        assert as_user(lambda path=path: knock(path), (GROUP,)).startswith("PermissionError")


def everything(top: Path) -> list[Path]:
    """Every path below a directory, as root sees it."""
    found = [top]
    for folder, folders, files in os.walk(top):
        found += [Path(folder) / name for name in (*folders, *files)]
    return found


def test_nothing_on_the_disk_can_be_read_written_or_run(house: House) -> None:
    """Whoever knows every name still gets nowhere: what is open is a pid and the API's socket."""
    engine = house.engine
    paths = [path for top in (engine.data_root, engine.exec_root) for path in everything(top)]
    assert any(path.name == "wherry.db" for path in paths)
    assert any(path.name == "su" for path in paths)

    def look() -> None:
        reached = []
        for path in paths:
            try:
                told = path.lstat()
            except PermissionError:
                continue
            if stat.S_ISLNK(told.st_mode):
                continue
            ways = [way for way in (os.R_OK, os.W_OK) if os.access(path, way)]
            if ways or (stat.S_ISREG(told.st_mode) and os.access(path, os.X_OK)):
                reached.append(f"{path} {oct(told.st_mode)}")
        assert not reached, "\n".join(reached)

    assert as_user(look) == "done"
    assert as_user(look, (GROUP,)) == "done"


def test_programs_that_run_as_root_are_out_of_reach(house: House) -> None:
    """An image's and a volume's set-uid programs: CVE-2021-41091 of docker."""
    engine = house.engine
    program_ = engine.data_root / "volumes" / "kept" / "_data" / "su"
    assert program_.stat().st_mode & stat.S_ISUID
    assert as_user(lambda: subprocess.run([program_, "id"], check=True)).startswith("Permission")


def request(port: int, context: ssl.SSLContext, name: str | None = "localhost") -> bytes:
    """Ask over TLS, and return what comes; raises ssl.SSLError."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as sock:
        session = TlsSession(context, server=False, name=name)
        while not session.shake_hands():
            sock.sendall(session.take())
            session.feed(sock.recv(65536))
        with contextlib.suppress(ConnectionError):
            session.say(PING)
            sock.sendall(session.take())
        heard = b""
        while not session.ended:
            session.feed(sock.recv(65536))
            heard += session.plaintext()
        return heard


def in_the_clear(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), SECONDS) as sock:
        sock.sendall(data)
        heard = b""
        with contextlib.suppress(ConnectionError):
            while piece := sock.recv(65536):
                heard += piece
        return heard


def test_the_right_certificate_gets_in(house: House) -> None:
    context = house.certificates.client_context(house.certificates.client)
    assert b"HTTP/1.1 200" in request(house.port, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "kind", ["none", "expired", "not yet", "another authority", "itself", "for servers"]
)
def test_no_other_certificate_does(house: House, kind: str, version: ssl.TLSVersion) -> None:
    context = house.certificates.client_context(house.certificates.bad.get(kind))
    context.maximum_version = version
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        request(house.port, context)


def test_a_stolen_certificate_needs_its_key(house: House, tmp_path: Path) -> None:
    """A client that shows somebody's certificate and signs with a key of its own."""
    stolen = Path(house.certificates.client.certificate)
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{house.port}", "-cert", str(stolen),
         "-key", house.certificates.server.key, "-quiet"],
        input=PING, capture_output=True, check=False, timeout=SECONDS,
    )  # fmt: skip
    assert b"HTTP" not in done.stdout


def test_no_old_version(house: House) -> None:
    context = house.certificates.client_context(house.certificates.client)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        request(house.port, context)


def test_no_weak_cipher(house: House) -> None:
    context = house.certificates.client_context(house.certificates.client)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:AES256-GCM-SHA384:ECDHE+AES128+SHA1:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        request(house.port, context)


@pytest.mark.parametrize(
    "name", ["", "nobody.example", "127.0.0.1", "localhost", f"{'x' * 60}.example"]
)
def test_the_name_that_is_asked_for_opens_nothing(house: House, name: str) -> None:
    for pair, gets_in in ((None, False), (house.certificates.client, True)):
        context = house.certificates.client_context(pair)
        context.check_hostname = False
        if gets_in:
            assert b"HTTP/1.1 200" in request(house.port, context, name or None)
        else:
            with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
                request(house.port, context, name or None)


def test_tls_is_never_left_out(house: House) -> None:
    assert in_the_clear(house.port, PING) == (
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    )
    for data in (b"\x00" * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
        assert b"200" not in in_the_clear(house.port, data)


def test_a_container_reaches_nothing(house: House) -> None:
    """Its own loopback and its gateway lead to no door; files of the engine are not there."""
    engine = house.engine
    gateway = engine.docker(
        "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge"
    ).stdout.strip()
    for host in ("127.0.0.1", gateway):
        for port in (house.port, house.shop):
            script = rf"printf 'GET /_ping HTTP/1.0\r\n\r\n' | timeout 3 nc {host} {port}"
            done = engine.docker("exec", "running", "sh", "-c", script, check=False)
            assert done.stdout == ""
            assert done.returncode != 0
    done = engine.docker("exec", "running", "ls", str(engine.root), check=False)
    assert done.returncode != 0
    listening = engine.docker("exec", "running", "cat", "/proc/net/unix").stdout
    assert "wherry" not in listening
    assert "keeper" not in listening


def test_what_a_container_holds_leads_nowhere(house: House) -> None:
    """Its descriptors are its streams, and its environment is what it was given."""
    done = house.engine.docker("exec", "running", "sh", "-c", "ls -l /proc/1/fd; env")
    targets = re.findall(r"-> (.*)", done.stdout)
    assert targets
    assert all(target.startswith(("pipe:", "/dev/null")) for target in targets)
    assert "WHERRY" not in done.stdout.upper()


def test_the_registry_gives_to_who_asks_and_takes_from_nobody(house: House) -> None:
    """Without accounts it is for pulls by whoever reaches the address: nothing else is there."""
    base = f"http://127.0.0.1:{house.shop}"
    pushes = [
        ("POST", "/v2/busybox/blobs/uploads/"), ("PUT", "/v2/busybox/manifests/latest"),
        ("DELETE", "/v2/busybox/manifests/latest"),
    ]  # fmt: skip
    for method, path in pushes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        status = in_the_clear(house.shop, head.encode()).split(b" ", 2)[1]
        assert status in (b"401", b"403", b"404", b"405"), (base, method, path, status)
    for path in ("/_ping", "/version", "/containers/json", "/v1.51/containers/json", "/../_ping"):
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert b" 404 " in in_the_clear(house.shop, head.encode()).splitlines()[0]


def test_a_port_in_the_clear_has_to_be_asked_for(tmp_path: Path) -> None:
    """On an address that others reach, wherryd does not start by an oversight."""
    with tempfile.TemporaryDirectory(prefix="wr.") as name:
        done = subprocess.run(
            [program("wherryd"), "--validate", "-H", f"tcp://0.0.0.0:{free_port()}",
             "--data-root", f"{name}/data", "--exec-root", f"{name}/run",
             "--config-file", "/dev/null"],
            capture_output=True, check=False, timeout=SECONDS,
        )  # fmt: skip
    assert done.returncode == 1
    assert b"tls" in done.stdout + done.stderr


def test_secrets_of_a_build_are_put_into_nobody_else_s_directory(
    house: House, tmp_path: Path
) -> None:
    """Where they lie for a moment is a directory that everybody can write to."""
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=secret,id=x test -s /run/secrets/x\n"
    )
    (tmp_path / "secret").write_text("hidden")
    command = [
        program("wherry"), "-H", house.engine.host, "build", "--no-cache", "--secret",
        f"id=x,src={tmp_path}/secret", str(tmp_path),
    ]  # fmt: skip
    place = Path(f"/dev/shm/wherry-{engine_id(house.engine)}")
    assert as_user(place.mkdir) == "done"
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
        assert done.returncode != 0
        assert f"{place} belongs to user {NOBODY}".encode() in done.stderr
        assert list(place.iterdir()) == []
    finally:
        place.rmdir()
    subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_nobody_sees_the_engine_s_words(house: House) -> None:
    """Secrets are in no command line of the engine's, which every user can read."""
    drawn = uuid.uuid4().hex
    house.engine.docker("exec", "-e", f"SECRET={drawn}", "running", "true")
    house.engine.docker("run", "--rm", "-e", f"SECRET={drawn}", "busybox", "true")
    own = {os.getpid()}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) in own:
            continue
        with contextlib.suppress(OSError):
            assert drawn.encode() not in (entry / "cmdline").read_bytes()
