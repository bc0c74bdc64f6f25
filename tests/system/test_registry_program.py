"""The registry as a process: its command line, its signals, its workers, what it says of itself."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from fixtures.engine import program
from fixtures.prometheus import read_metrics, value
from fixtures.registry import free_port
from fixtures.waiting import eventually, has_ended
from fixtures.wherry_registry import PLAIN, WherryRegistry, running_wherry_registry
from wherry.registry.server.access.accounts_file import add_account, remove_account

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
Answer = tuple[int, dict[str, str], bytes]


def ask(
    registry: WherryRegistry,
    method: str,
    path: str,
    body: bytes = b"",
    login: str = "",
    **headers: str,
) -> Answer:
    """Send one request on a connection of its own; `login` is `name:password`."""
    if login:
        headers["Authorization"] = "Basic " + b64encode(login.encode()).decode()
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", registry.port, timeout=20)
    ) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        found = {name.lower(): text for name, text in response.getheaders()}
        return response.status, found, response.read()


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push(registry: WherryRegistry, name: str, tag: str = "1", login: str = "") -> str:
    """Push a small image and return the digest of its manifest."""
    config = json.dumps({"os": "linux", "architecture": "amd64", "of": f"{name}:{tag}"}).encode()
    digest = digest_of(config)
    status, headers, body = ask(registry, "POST", f"/v2/{name}/blobs/uploads/", login=login)
    assert status == 202, body
    location = headers["location"].removeprefix(registry.url)
    mark = "&" if "?" in location else "?"
    put = ask(registry, "PUT", f"{location}{mark}digest={digest}", config, login)
    assert put[0] == 201, put
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest,
                "size": len(config),
            },
            "layers": [],
        }
    ).encode()
    path = f"/v2/{name}/manifests/{tag}"
    put = ask(registry, "PUT", path, manifest, login, **{"Content-Type": MANIFEST})
    assert put[0] == 201, put
    return digest_of(manifest)


def pull(registry: WherryRegistry, name: str, tag: str = "1", login: str = "") -> int:
    return ask(registry, "GET", f"/v2/{name}/manifests/{tag}", login=login)[0]


def read(registry: WherryRegistry, path: str) -> str:
    return ask(registry, "GET", path)[2].decode()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[WherryRegistry]:
    with running_wherry_registry(tmp_path / "registry") as made:
        yield made


def test_it_serves_until_it_is_told_to_stop(registry: WherryRegistry) -> None:
    push(registry, "team/app")
    assert f"{registry.url}, kept in {registry.root}, SQLite" in registry.logged()
    assert "everybody who reaches this address may push and delete" in registry.logged()
    assert registry.stop() == 0
    registry.start()
    assert pull(registry, "team/app") == 200
    registry.kill()
    registry.start()
    assert pull(registry, "team/app") == 200


def test_what_is_running_is_finished_first(registry: WherryRegistry) -> None:
    blob = os.urandom(1 << 20)
    _, headers, _ = ask(registry, "POST", "/v2/team/app/blobs/uploads/")
    location = headers["location"].removeprefix(registry.url)
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", registry.port, timeout=20)
    ) as connection:
        mark = "&" if "?" in location else "?"
        connection.putrequest("PUT", f"{location}{mark}digest={digest_of(blob)}")
        connection.putheader("Content-Length", str(len(blob)))
        connection.endheaders()
        connection.send(blob[:1000])
        eventually(lambda: "wherry_registry_uploads_in_flight 1" in read(registry, "/metrics"))
        os.kill(registry.pid, signal.SIGTERM)
        eventually(lambda: "stopping: what is running" in registry.logged())
        connection.send(blob[1000:])
        assert connection.getresponse().status == 201
    assert registry.process is not None
    assert registry.process.wait(20) == 0
    registry.start()
    assert ask(registry, "HEAD", f"/v2/team/app/blobs/{digest_of(blob)}")[0] == 200


def test_it_says_how_it_is(registry: WherryRegistry) -> None:
    push(registry, "team/app")
    assert pull(registry, "team/app") == 200
    assert read(registry, "/healthz") == "ok\n"
    assert read(registry, "/readyz") == "ready\n"
    samples = read_metrics(read(registry, "/metrics"))
    name = "wherry_registry_requests_total"
    assert value(samples, name, route="manifest", method="GET", status="2xx") == 1
    assert value(samples, "wherry_registry_actions_total", action="push") == 1
    assert value(samples, "process_open_fds") > 5
    eventually(lambda: '"action":"pull","repository":"team/app"' in registry.logged())


def test_storage_that_is_away_is_named(registry: WherryRegistry) -> None:
    assert read(registry, "/readyz") == "ready\n"
    objects = registry.root / "objects"
    objects.rename(registry.root / "moved")
    objects.write_text("no directory")
    eventually(lambda: "storage away" in read(registry, "/readyz"))
    assert read(registry, "/healthz") == "ok\n"
    objects.unlink()
    (registry.root / "moved").rename(objects)
    eventually(lambda: read(registry, "/readyz") == "ready\n")


def test_logs_are_opened_anew(tmp_path: Path) -> None:
    text = (
        PLAIN
        + f"""
[operation]
access_log = "{tmp_path}/access.log"
audit_log = "{tmp_path}/audit.log"
"""
    )
    with running_wherry_registry(tmp_path / "registry", text) as registry:
        push(registry, "first")
        eventually(lambda: "/v2/first/manifests/1" in (tmp_path / "access.log").read_text())
        for name in ("access", "audit"):
            (tmp_path / f"{name}.log").rename(tmp_path / f"{name}.old")
        os.kill(registry.pid, signal.SIGHUP)
        eventually(lambda: (tmp_path / "audit.log").exists())
        push(registry, "second")
        eventually(lambda: "/v2/second/manifests/1" in (tmp_path / "access.log").read_text())
        audit = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
        assert [(one["action"], one["repository"]) for one in audit] == [("push", "second")]
        assert "first" in (tmp_path / "audit.old").read_text()


def children(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(one) for one in found.split()}


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[WherryRegistry]:
    with running_wherry_registry(tmp_path / "registry", PLAIN + "workers = 2\n") as made:
        yield made


def seen(registry: WherryRegistry) -> set[str]:
    samples = read_metrics(read(registry, "/metrics"))
    return {dict(labels).get("worker", "") for _, labels in samples}


def test_several_workers_share_a_port_and_a_registry(workers: WherryRegistry) -> None:
    digests = {f"app-{number}": push(workers, f"app-{number}") for number in range(10)}
    for name, digest in digests.items():
        assert ask(workers, "GET", f"/v2/{name}/manifests/1")[1]["docker-content-digest"] == digest
    eventually(lambda: seen(workers) == {"0", "1"})
    first = children(workers.pid)
    assert len(first) == 2
    victim = min(first)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(children(workers.pid) - {victim}) == 2)
    eventually(
        lambda: workers.logged().count("wherry.registry.server.operate.serving: worker") == 3
    )
    assert pull(workers, "app-0") == 200
    now = children(workers.pid)
    assert workers.stop() == 0
    assert all(map(has_ended, now))


def test_workers_end_with_their_parent(workers: WherryRegistry) -> None:
    pids = children(workers.pid)
    assert len(pids) == 2
    os.kill(workers.pid, signal.SIGKILL)
    eventually(lambda: all(map(has_ended, pids)))


def test_a_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    registry = WherryRegistry(tmp_path, PLAIN + "workers = 2\n")
    with pytest.raises(RuntimeError, match=r"did not start: status 1"):
        registry.start()
    assert registry.process is not None
    assert registry.process.returncode == 1


def test_the_client_program_leads_to_it(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        command = [program("wherry"), "registry", "serve", "--listen", address]
        done = subprocess.run(
            [*command, "--root", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"{address} cannot be listened on: address already in use: choose" in done.stderr
    assert "Traceback" not in done.stderr


def test_accounts_come_and_go_while_it_serves(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    add_account(str(file), "ann", "ann's word", cost=4)
    text = PLAIN + f'[access]\nhtpasswd = "{file}"\n'
    with running_wherry_registry(tmp_path / "registry", text) as registry:
        assert "everybody who reaches" not in registry.logged()
        assert ask(registry, "GET", "/v2/")[0] == 401
        push(registry, "team/app", login="ann:ann's word")
        assert pull(registry, "team/app") == 401
        assert (
            registry.run("account", "add", "bob", "--password-stdin", stdin="b\n").returncode == 0
        )
        eventually(lambda: pull(registry, "team/app", login="bob:b") == 200)
        remove_account(str(file), "bob")
        os.kill(registry.pid, signal.SIGHUP)
        eventually(lambda: pull(registry, "team/app", login="bob:b") == 401)


def test_robots(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    add_account(str(file), "ann", "a", cost=4)
    text = PLAIN + f'[access]\nhtpasswd = "{file}"\n'
    with running_wherry_registry(tmp_path / "registry", text) as registry:
        push(registry, "team/app", login="ann:a")
        made = registry.run("robot", "create", "ci", "--scope", "team/*:pull", "--expires", "30d")
        assert made.returncode == 0, made.stderr
        secret = made.stdout.strip()
        assert pull(registry, "team/app", login=f"robot:ci:{secret}") == 200
        assert registry.run("robot", "remove", "ci").returncode == 0
        eventually(lambda: pull(registry, "team/app", login=f"robot:ci:{secret}") == 401)


def test_looking_after_it_while_it_serves(tmp_path: Path) -> None:
    text = (
        PLAIN
        + """
[collection]
interval = 0
grace = 0
[[collection.retention]]
repositories = ["*"]
keep_last = 1
keep_untagged = 0
"""
    )
    with running_wherry_registry(tmp_path / "registry", text) as registry:
        for tag in ("1", "2", "3"):
            push(registry, "team/app", tag)
        report = json.loads(registry.run("collect", "--format", "json").stdout)
        assert (report["tags"], report["manifests"], report["blobs"]) == (2, 2, 2)
        assert pull(registry, "team/app", "3") == 200
        assert pull(registry, "team/app", "2") == 404
        checked = registry.run("check", "--read")
        assert (checked.returncode, "sound" in checked.stdout) == (0, True)


def test_a_new_certificate_is_shown_after_sighup(tmp_path: Path) -> None:
    authority = trustme.CA()
    write_pair(authority, tmp_path)
    text = PLAIN + f'[tls]\ncertificate = "{tmp_path}/cert.pem"\nkey = "{tmp_path}/key.pem"\n'
    with running_wherry_registry(tmp_path / "registry", text) as registry:
        context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
        with urllib.request.urlopen(f"{registry.url}/healthz", context=context) as answer:
            assert answer.read() == b"ok\n"
        first = shown(registry, context)
        write_pair(authority, tmp_path)
        os.kill(registry.pid, signal.SIGHUP)
        eventually(lambda: shown(registry, context) != first)


def write_pair(authority: trustme.CA, folder: Path) -> None:
    made = authority.issue_cert("127.0.0.1")
    made.private_key_pem.write_to_path(folder / "key.pem")
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")


def shown(registry: WherryRegistry, context: ssl.SSLContext) -> object:
    with (
        socket.create_connection(("127.0.0.1", registry.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        return (secure.getpeercert() or {})["serialNumber"]


class Receiver(BaseHTTPRequestHandler):
    """Takes events."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        taken = getattr(self.server, "taken")  # noqa: B009 - the type does not know it
        taken += [event["target"].get("repository") for event in body["events"]]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def receiving(port: int) -> Iterator[list[str]]:
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    taken: list[str] = []
    server.taken = taken  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_events_outlive_a_crash(tmp_path: Path) -> None:
    port = free_port()
    text = PLAIN + f'[[webhook]]\nurl = "http://127.0.0.1:{port}/hook"\n'
    with running_wherry_registry(tmp_path / "registry", text) as registry:
        push(registry, "before")  # nobody receives it yet
        registry.kill()
        # As if the time had passed for which the one that was killed still holds its claim.
        with contextlib.closing(sqlite3.connect(registry.root / "catalog.db")) as database:
            database.execute("UPDATE claims SET until = 0")
            database.commit()
        registry.start()
        push(registry, "after")
        with receiving(port) as taken:
            eventually(lambda: set(taken) >= {"before", "after"}, 60)
            assert taken.index("before") < taken.index("after")
