"""Engines that are broken, killed, hung, old or open to everybody, and what the doctor says then.

In a machine within this one, as in `test_doctor`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fixtures.own_machine import BAD, SOCKET, Machine, own_machine
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine without an engine."""
    with own_machine() as made:
        yield made


def certificate(directory: Path, days: tuple[int, int] = (-1, 90), name: str = "engine") -> None:
    """Write ca.pem, cert.pem and key.pem: one that signs itself, valid within these days of now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    text = made.public_bytes(serialization.Encoding.PEM)
    directory.mkdir(exist_ok=True)
    (directory / "ca.pem").write_bytes(text)
    (directory / "cert.pem").write_bytes(text)
    (directory / "key.pem").touch(0o600)
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def wrong_key(directory: Path) -> None:
    certificate(directory)
    old = (directory / "cert.pem").read_bytes()
    certificate(directory)
    (directory / "cert.pem").write_bytes(old)


CERTIFICATES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "expired": (lambda d: certificate(d, (-90, -3)), "expired on", "problem"),
    "expiring": (lambda d: certificate(d, (-90, 9)), "expires in 8 days", "warning"),
    "of the future": (lambda d: certificate(d, (3, 90)), "is valid from", "problem"),
    "no certificate": (lambda d: (d / "cert.pem").write_text("hello"), "no certificate", "problem"),
    "missing": (lambda d: (d / "ca.pem").unlink(), "ca.pem, a certificate", "problem"),
    "another's key": (wrong_key, "is not the key of", "problem"),
    "an open key": (lambda d: (d / "key.pem").chmod(0o644), "others may read", "problem"),
}


@pytest.mark.parametrize("fault", CERTIFICATES)
@pytest.mark.parametrize("whose", ["certificates", "client-certificates"])
def test_certificates(machine: Machine, fault: str, whose: str) -> None:
    breaking, words, level = CERTIFICATES[fault]
    folder = machine.root / "tls"
    certificate(folder)
    environment = {}
    if whose == "client-certificates":
        environment = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}
    else:
        files = {"tlscacert": "ca.pem", "tlscert": "cert.pem", "tlskey": "key.pem"}
        paths = {key: str(folder / name) for key, name in files.items()}
        settings = {"hosts": ["tcp://127.0.0.1:2376"], "tlsverify": True} | paths
        configure(machine, json.dumps(settings))
    machine.gone(whose, words, environment=environment)
    breaking(folder)
    finding = machine.found(whose, words, level, environment=environment)
    if fault == "an open key":
        machine.mend(finding)
    else:
        certificate(folder)
    machine.gone(whose, words, environment=environment)


def configure(machine: Machine, text: str) -> None:
    """Write the machine's configuration file."""
    machine.run("sh", "-c", 'mkdir -p /etc/wherry; echo "$1" > /etc/wherry/daemon.json', "sh", text)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"hosts": ["tcp://0.0.0.0:2375"]}', "problem"),
        ('{"hosts": ["tcp://127.0.0.1:2375"]}', "warning"),
    ],
)
def test_tcp_for_everybody(machine: Machine, text: str, level: str) -> None:
    machine.gone("tcp-without-tls", "without TLS")
    configure(machine, text)
    finding = machine.found("tcp-without-tls", "is served without TLS", level)
    assert finding.mend == ["wherry tls init"]


def test_a_configuration_that_is_refused(machine: Machine) -> None:
    configure(machine, '{"data-root": "/var/lib/wherry"}')
    machine.gone("configuration", "daemon.json:")
    configure(machine, '{\n  "data-rot": "/x",\n  "mtu": "big"\n}')
    finding = machine.found("configuration", "data-rot", "problem")
    assert "daemon.json" in finding.text
    machine.found("configuration", "mtu", "problem")
    # The rest is looked at nevertheless.
    assert {f.check for f in machine.doctor()} >= {"overlay", "engine", "remains"}
    configure(machine, "{")
    machine.found("configuration", "daemon.json", "problem")


def test_a_group_that_is_not_there(machine: Machine) -> None:
    configure(machine, '{"group": "ferry"}')
    finding = machine.found("group", "there is no group ferry", "problem")
    machine.mend(finding)
    machine.gone("group", "no group")


def test_a_healthy_machine_has_no_problem(machine: Machine) -> None:
    machine.start_engine()
    machine.load_busybox()
    machine.docker(
        "run", "-d", "--name", "one", "-p", "127.0.0.1:8080:80", "busybox", "sleep", "300"
    )
    before = traces(machine)
    began = time.monotonic()
    findings = machine.doctor()
    took = time.monotonic() - began
    assert [f for f in findings if f.level == "problem"] == []
    assert [f for f in findings if f.level == "warning"] == []
    assert "not looked at" not in " ".join(f.text for f in findings)
    assert traces(machine) == before
    assert took < 10


def traces(machine: Machine) -> str:
    """Return all that a doctor might change."""
    return machine.shell(
        "cat /proc/self/mountinfo; sed 's/:.*//' /proc/net/dev;"
        " nft list ruleset | sed 's/packets.*//';"
        " find /var/lib/wherry /run /etc -xdev | grep -v /work/work | sort;"
        " cat /proc/sys/net/ipv4/ip_forward"
    )


def test_an_engine_that_was_killed(machine: Machine) -> None:
    machine.start_engine()
    machine.load_busybox()
    machine.docker("run", "-d", "--name", "one", "busybox", "sleep", "300")
    assert [f for f in machine.doctor("engine", "keepers") if f.level != "ok"] == []
    pid = machine.shell("cat /run/wherry/wherryd.pid").strip()
    machine.shell(f"kill -9 {pid}")
    eventually(lambda: not machine.shell(f"ps -o pid= -p {pid} || true").strip())
    finding = machine.found("engine", f"names process {pid}", "problem")
    machine.found("engine-answers", "nobody listens", "problem")
    machine.found("keepers", "keepers run without an engine", "warning")
    machine.gone("remains", "whb")  # the container goes on, and needs its network
    machine.shell(finding.mend[0])
    machine.spawn("sh", "-c", finding.mend[1])
    machine.await_engine()
    for check in ("engine", "engine-answers", "keepers"):
        machine.gone(check, "process of nobody")
    assert machine.docker("ps", "-q", "--filter", "name=one")


def test_an_engine_and_keepers_that_were_killed(machine: Machine) -> None:
    machine.start_engine()
    machine.docker("network", "create", "left")
    machine.shell("kill -9 $(pgrep -f '[w]herryd|[w]herry.keeper')")
    eventually(lambda: not machine.shell("pgrep -f '[w]herry.keeper' || true"))
    machine.found("keepers", "left from a keeper that is gone", "note")
    finding = machine.found("remains", "whb", "warning")
    assert machine.shell("ip -o link | grep whb")
    machine.mend(finding)
    for left in [f for f in machine.doctor("remains") if f.level in BAD]:
        machine.mend(left)
    machine.gone("remains", "whb")
    assert machine.shell("ip -o link | grep whb || true") == ""


def test_an_engine_that_hangs(machine: Machine) -> None:
    machine.start_engine()
    machine.gone("engine-answers", "does not answer")
    machine.shell("kill -STOP $(cat /run/wherry/wherryd.pid)")
    finding = machine.found("engine-answers", "does not answer", "problem")
    began = time.monotonic()
    everything = machine.doctor()
    assert time.monotonic() - began < 10
    assert [f for f in everything if "took too long" in f.text] == []
    machine.shell(finding.mend[0])
    machine.spawn("sh", "-c", finding.mend[1])
    machine.await_engine()
    machine.gone("engine-answers", "does not answer")


# It binds as engines do: under a passing name.
OLDER = f"""
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind("{SOCKET}.1")
server.listen(8)
os.rename("{SOCKET}.1", "{SOCKET}")
answer = b'{{"Version": "28.5.0", "Components": [{{"Name": "wherry", "Version": "0.0.1"}}]}}'
while True:
    client, _ = server.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + answer)
    client.close()
"""


def test_an_engine_of_an_older_version(machine: Machine) -> None:
    machine.shell("mkdir -p /run/wherry")
    machine.spawn(sys.executable, "-c", OLDER)
    eventually(lambda: machine.shell(f"ls {SOCKET} || true", check=False) != "")
    eventually(lambda: [f for f in machine.doctor("engine-version") if "0.0.1" in f.text] != [])
    finding = machine.found("engine-version", "is 0.0.1", "warning")
    assert finding.mend == ["kill $(cat /run/wherry/wherryd.pid)", "wherryd"]


ACTIVATING = f"""
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind("{SOCKET}")
server.listen(8)
server.accept()
open("/run/connected", "x")
"""


def test_a_socket_that_would_start_the_engine_is_left_alone(machine: Machine) -> None:
    machine.shell("mkdir -p /run/wherry")
    machine.spawn(sys.executable, "-c", ACTIVATING)
    eventually(lambda: SOCKET in machine.shell("cat /proc/net/unix"))
    findings = machine.doctor()
    assert [f.text for f in findings if f.check == "engine"] == [
        "no engine runs; it starts when the first client calls"
    ]
    assert machine.shell("ls /run/connected 2>&1 || true").startswith("ls: cannot access")


def test_a_user_without_the_group(machine: Machine) -> None:
    machine.shell("groupadd --system wherry; useradd --no-create-home ann")
    machine.start_engine("--group", "wherry")
    machine.run(*as_ann(), "true")
    finding = machine.found("socket-access", "ann may not use", "warning", before=as_ann())
    assert finding.mend == ["usermod -aG wherry ann"]
    machine.mend(finding)
    machine.gone("socket-access", "ann", before=as_ann())


def as_ann() -> tuple[str, ...]:
    return ("setpriv", "--reuid=ann", "--regid=ann", "--init-groups")


def test_a_socket_for_everybody(machine: Machine) -> None:
    machine.start_engine()
    machine.gone("socket-access", "everybody")
    machine.shell(f"chmod 666 {SOCKET}")
    machine.mend(machine.found("socket-access", "everybody may use", "problem"))
    machine.gone("socket-access", "everybody")


def test_anybody_may_ask(machine: Machine) -> None:
    machine.shell("useradd --no-create-home ann")
    findings = machine.doctor(before=as_ann())
    assert not [f for f in findings if "check itself" in f.text]
    unseen = {f.check for f in findings if "only root can" in f.text}
    assert {"namespaces", "overlay", "nftables", "forward-drop", "remains"} <= unseen
    assert {"kernel-version", "disk-space", "dns"} & unseen == set()


def test_a_service_that_does_not_come_at_boot(machine: Machine) -> None:
    script = machine.root / "script"
    machine.run(
        sys.executable, "-m", "wherry.service", "files", "--into", str(machine.root / "files")
    )
    for name in ("etc/init.d/wherry",):
        script.write_bytes((machine.root / "files" / name).read_bytes())
    machine.shell(f"install -m 755 {script} /etc/init.d/wherry")
    finding = machine.found("service", "not started at boot", "warning")
    machine.mend(finding)
    machine.gone("service", "boot at all")


def test_other_engines_are_told_of(machine: Machine) -> None:
    machine.spawn("bash", "-c", "exec -a dockerd sleep infinity")
    eventually(lambda: any("dockerd runs too" in f.text for f in machine.doctor("other-engines")))
    # What is there of Docker is then nobody's remains.
    machine.shell("ip link add docker0 type bridge")
    machine.gone("docker-remains", "docker0")


def test_lines_for_people(machine: Machine) -> None:
    machine.shell("chmod 777 /var/lib/wherry")
    asked = (sys.executable, "-P", "-m", "wherry.doctor", "data-root-owner", "dns")
    done = machine.run(*asked, check=False)
    assert done.returncode == 1
    assert "problem  data-root-owner: /var/lib/wherry can be written by others" in done.stdout
    assert "             chmod go-w /var/lib/wherry" in done.stdout.splitlines()
    assert done.stdout.endswith("2 checks: 1 ok, 1 problem\n")
    assert "\x1b" not in done.stdout
    quiet = machine.run(*asked, "--quiet", check=False).stdout
    assert "dns" not in quiet
    assert "data-root-owner" in quiet
    assert machine.run("wherry", "doctor", "dns").stdout == machine.run(*asked[:4], "dns").stdout


def test_wrong_words_and_a_reader_that_leaves(machine: Machine) -> None:
    asked = f"{sys.executable} -P -m wherry.doctor"
    refused = machine.run("sh", "-c", f"{asked} no-such-check", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "there is no check no-such-check" in refused.stderr
    left = machine.run("bash", "-c", f"{asked} | head -1; echo ${{PIPESTATUS[0]}}")
    assert left.stdout.splitlines()[-1] in ("141", "0", "1")
    assert left.stderr == ""
