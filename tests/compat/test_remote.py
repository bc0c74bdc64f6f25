"""Engines far away: the stock client, docker-py and `wherry`, over TLS and over ssh.

Each way has to carry what a unix socket does: input that ends while output goes on, output without
end, streams of many megabytes, errors with their words.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest
from docker.tls import TLSConfig

from fixtures.certificates import Certificates
from fixtures.engine import Engine, program, running_engine
from fixtures.registry import free_port
from fixtures.ssh import SshHost, running_sshd
from fixtures.waiting import eventually

WHERRY = program("wherry")
SECONDS = 100
MEGABYTES = 8


@dataclass
class Way:
    """A client, and how it is told where the engine is."""

    client: str
    flags: list[str]
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(
        self, *words: str, stdin: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            self.command(*words), input=stdin, capture_output=True, timeout=SECONDS, check=False,
            env=self.environment,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    def command(self, *words: str) -> list[str]:
        return [self.client, *self.flags, *words]


@dataclass
class Far:
    """An engine that listens on TLS and is behind ssh."""

    engine: Engine
    certificates: Certificates
    host: str
    ssh: SshHost

    def way(self, name: str) -> Way:
        client, _, how = name.partition(" ")
        client = WHERRY if client == "wherry" else client
        if how == "tls":
            return Way(client, ["-H", self.host, *self.certificates.client_flags()])
        address = f"{self.ssh.address}{self.engine.socket}"
        return Way(client, ["-H", address], self.ssh.environment())


@pytest.fixture(scope="module")
def far() -> Iterator[Far]:
    """One engine for the module."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wr.")))
        certificates = Certificates(folder)
        host = f"tcp://127.0.0.1:{free_port()}"
        (folder / "ssh").mkdir()
        ssh = stack.enter_context(running_sshd(folder / "ssh"))
        ssh.install("docker", WHERRY)
        engine = stack.enter_context(running_engine(*certificates.flags(), "-H", host))
        yield Far(engine, certificates, host, ssh)


@pytest.fixture(params=["docker tls", "wherry tls", "docker ssh", "wherry ssh"])
def way(far: Far, request: pytest.FixtureRequest) -> Way:
    """Every client by every way."""
    return far.way(request.param)


@pytest.fixture
def sleeper(far: Far) -> Iterator[str]:
    """A container that runs."""
    name = f"c{uuid.uuid4().hex[:10]}"
    far.engine.docker("run", "-d", "--name", name, "busybox", "sleep", "1000")
    yield name
    far.engine.docker("rm", "-f", name, check=False)


def test_input_ends_and_the_output_behind_it_arrives(way: Way) -> None:
    data = os.urandom(MEGABYTES << 20)
    script = "wc -c; echo late; echo err >&2; exit 3"
    done = way.run("run", "--rm", "-i", "busybox", "sh", "-c", script, stdin=data, check=False)
    assert (done.returncode, done.stderr) == (3, b"err\n")
    assert done.stdout.split() == [b"%d" % len(data), b"late"]


def test_both_directions_at_once(way: Way, sleeper: str) -> None:
    data = os.urandom(MEGABYTES << 20)
    assert way.run("exec", "-i", sleeper, "cat", stdin=data).stdout == data


def test_output_that_is_followed_and_a_client_that_goes(way: Way, sleeper: str, far: Far) -> None:
    name = f"{sleeper}-talker"
    way.run("run", "-d", "--name", name, "busybox", "sh", "-c", "echo one; exec sleep 1000")
    try:
        follower = subprocess.Popen(
            way.command("logs", "-f", name), stdout=subprocess.PIPE, env=way.environment
        )
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"one\n"
        follower.terminate()
        assert follower.wait(SECONDS) != 0
        follower.stdout.close()
        assert far.engine.docker("ps", "-q", "--filter", f"name={name}").stdout != ""
    finally:
        far.engine.docker("rm", "-f", name)


def test_attach(way: Way, far: Far) -> None:
    name = f"c{uuid.uuid4().hex[:10]}"
    far.engine.docker("create", "-i", "--name", name, "busybox", "sh", "-c", "cat; echo end")
    try:
        done = way.run("start", "-a", "-i", name, stdin=b"typed\n")
        assert done.stdout == b"typed\nend\n"
    finally:
        far.engine.docker("rm", "-f", name)


def test_images_as_streams(way: Way) -> None:
    saved = way.run("save", "busybox").stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        assert "manifest.json" in archive.getnames()
    assert b"Loaded image: busybox:latest" in way.run("load", stdin=saved).stdout


def test_build(way: Way, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY big /big\nRUN wc -c /big\n")
    (tmp_path / "big").write_bytes(os.urandom(MEGABYTES << 20))
    way.environment["DOCKER_BUILDKIT"] = "0"
    tag = f"t{uuid.uuid4().hex[:10]}"
    way.run("build", "-t", tag, str(tmp_path))
    way.run("rmi", tag)


def test_errors_keep_their_words(way: Way) -> None:
    done = way.run("inspect", "--type", "container", "nobody", check=False)
    assert done.returncode == 1
    assert b"no such container: nobody" in done.stderr.lower()


def test_docker_py(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)  # would win over what is said here
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    shown = far.certificates.client
    tls = TLSConfig(
        client_cert=(shown.certificate, shown.key), ca_cert=far.certificates.authority, verify=True
    )
    client = docker.DockerClient(base_url=far.host.replace("tcp", "https"), tls=tls)
    try:
        assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
        made = client.containers.run("busybox", ["sleep", "1000"], detach=True)
        done = made.exec_run(["sh", "-c", "echo out; echo err >&2; exit 4"], demux=True)
        assert (done.exit_code, done.output) == (4, (b"out\n", b"err\n"))
        stream = made.logs(stream=True, follow=True)
        made.kill()
        assert list(stream) == []
        made.remove()
    finally:
        client.close()


@pytest.mark.parametrize("client", ["docker", WHERRY])
def test_tls_by_environment(far: Far, client: str, tmp_path: Path) -> None:
    shown = far.certificates.client
    for name, path in (("ca", far.certificates.authority), ("cert", shown.certificate),
                       ("key", shown.key)):  # fmt: skip
        (tmp_path / f"{name}.pem").symlink_to(path)
    environment = {
        **os.environ, "DOCKER_HOST": far.host, "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }  # fmt: skip
    assert b"busybox" in Way(client, [], environment).run("images").stdout
    environment = {**environment, "DOCKER_TLS_VERIFY": "", "DOCKER_TLS": "1"}
    assert b"busybox" in Way(client, [], environment).run("images").stdout


@pytest.mark.parametrize("client", ["docker", WHERRY])
def test_a_server_that_is_another_is_not_talked_to(far: Far, client: str) -> None:
    flags = far.certificates.client_flags(authority=far.certificates.other_authority)
    done = Way(client, ["-H", far.host, *flags]).run("ps", check=False)
    assert done.returncode == 1
    assert b"certificate" in done.stderr
    assert b"verify" in done.stderr


def test_what_wherry_says_of_tls(far: Far) -> None:
    def said(*flags: str) -> str:
        done = Way(WHERRY, ["-H", far.host, *flags]).run("ps", check=False)
        assert done.returncode == 1
        return done.stderr.decode()

    assert "Client sent an HTTP request to an HTTPS server." in said()
    nobody = ["--tlsverify", "--tlscacert", far.certificates.authority]
    assert "the engine wants a client certificate: --tlscert and --tlskey" in said(*nobody)
    expired = far.certificates.bad["expired"]
    shown = said(*far.certificates.client_flags(expired))
    assert f"does not accept the certificate {expired.certificate}" in shown
    assert "open /nowhere.pem: no such file or directory" in said(*nobody, "--tlscert",
                                                                  "/nowhere.pem")  # fmt: skip
    client = far.certificates.client
    assert "both have to be PEM" in said(*nobody, "--tlscert", client.certificate, "--tlskey",
                                         far.certificates.server.key)  # fmt: skip


def test_certificates_are_read_again(tmp_path: Path) -> None:
    """SIGHUP: who comes later meets the new ones, who is there goes on."""
    certificates = Certificates(tmp_path)
    authority = Path(certificates.authority)
    kept = tmp_path / "kept.pem"
    kept.write_bytes(authority.read_bytes())
    host = f"tcp://127.0.0.1:{free_port()}"
    way = Way(WHERRY, ["-H", host, *certificates.client_flags(authority=str(kept))])
    with (
        running_engine(*certificates.flags(), "-H", host) as engine,
        contextlib.ExitStack() as ends,
    ):
        follower = ends.enter_context(
            subprocess.Popen(
                way.command("events", "--since", "1", "--filter", "type=volume"),
                stdout=subprocess.PIPE,
            )
        )
        ends.callback(follower.kill)
        engine.docker("volume", "create", "before")
        assert follower.stdout is not None
        assert b"volume create before" in follower.stdout.readline()
        assert engine.process is not None
        authority.write_text("nonsense")
        engine.process.send_signal(signal.SIGHUP)
        eventually(lambda: "no certificate in PEM form" in engine.log.read_text())
        way.run("ps")  # what was good is in use still
        authority.write_bytes(Path(certificates.other_authority).read_bytes())
        engine.process.send_signal(signal.SIGHUP)
        eventually(lambda: way.run("ps", check=False).returncode == 1)
        engine.docker("volume", "create", "after")
        assert b"volume create after" in follower.stdout.readline()


def test_which_program_runs_on_the_host(far: Far, tmp_path: Path) -> None:
    """`wherry` runs wherry there, or docker where there is no wherry, or what it is told to."""
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f'#!/bin/sh\necho "$0 $*" > {ran}\nexec {WHERRY} "$@"\n')
    script.chmod(0o755)
    way = far.way("wherry ssh")
    arguments = f"--host=unix://{far.engine.socket} system dial-stdio\n"
    far.ssh.install("wherry", str(script))
    try:
        way.run("ps")
        assert ran.read_text() == f"{far.ssh.programs}/wherry {arguments}"
    finally:
        far.ssh.remove("wherry")
    told = f"{script} -H unix://{far.engine.socket} system dial-stdio"
    way.environment["WHERRY_SSH_COMMAND"] = told
    way.run("ps")
    assert ran.read_text().startswith(str(script))


def test_what_ssh_says_is_shown(far: Far) -> None:
    way = far.way("wherry ssh")
    way.environment["WHERRY_SSH_COMMAND"] = "echo broken >&2; exit 9"
    done = way.run("ps", check=False)
    assert done.returncode == 1
    assert b"exit status 9" in done.stderr
    assert b"broken" in done.stderr
    del way.environment["WHERRY_SSH_COMMAND"]
    way.flags = ["-H", f"ssh://root@127.0.0.1:{free_port()}"]
    assert b"Connection refused" in way.run("ps", check=False).stderr


def test_a_socket_that_is_not_there(far: Far) -> None:
    way = far.way("docker ssh")
    way.flags = ["-H", f"{far.ssh.address}/nowhere/engine.sock"]
    done = way.run("ps", check=False)
    assert done.returncode == 1
    assert b"/nowhere/engine.sock" in done.stderr
