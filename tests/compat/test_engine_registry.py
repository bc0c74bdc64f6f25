"""Two engines: one serves its images as a registry, the other and stock clients use it.

The second engine runs on the same machine; whoever is to count as a stranger there says so by a
Host that is not this machine's.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import docker
import pytest
import trustme

from fixtures.engine import Engine, program, running_engine
from fixtures.registry import free_port, running_registry

pytestmark = pytest.mark.timeout(300)

DOCKERFILE = b"FROM busybox\nRUN echo built >/built && head -c 3000000 /dev/urandom >/noise\n"
USER, PASSWORD = "ann", "secret"


@dataclass
class Serving:
    """An engine that serves its images at `address`."""

    engine: Engine
    port: int

    @property
    def address(self) -> str:
        """Where its registry is."""
        return f"127.0.0.1:{self.port}"

    def blobs(self) -> dict[str, tuple[int, int]]:
        """Return inode and time of every blob: a blob that was written again is another one."""
        found = (self.engine.data_root / "content").rglob("*")
        stats = {str(path): path.stat() for path in found if path.is_file()}
        return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}

    def layers(self) -> list[str]:
        """Return the names of all layers, whole and half."""
        return sorted(os.listdir(self.engine.data_root / "layers"))

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request to the registry."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return response.status, named, response.read()
        finally:
            connection.close()


def build(engine: Engine, tag: str) -> str:
    """Build an image, and return its id."""
    environment = os.environ | {"DOCKER_BUILDKIT": "0"}
    command = ["docker", "-H", engine.host, "build", "-t", tag, "-"]
    subprocess.run(command, input=DOCKERFILE, check=True, capture_output=True, env=environment)
    return identity(engine, tag)


def identity(engine: Engine, name: str) -> str:
    """Return the id of an image."""
    return str(json.loads(engine.docker("inspect", name).stdout)[0]["Id"])


@pytest.fixture(scope="module")
def serving() -> Iterator[Serving]:
    """An engine with a registry, that has built `app:1`."""
    port = free_port()
    with running_engine("--registry", f"127.0.0.1:{port}") as engine:
        build(engine, "app:1")
        yield Serving(engine, port)


@pytest.fixture(scope="module")
def other() -> Iterator[Engine]:
    """A second engine."""
    with running_engine() as engine:
        yield engine


def skopeo(*words: str) -> str:
    """Run skopeo and return what it says."""
    done = subprocess.run(["skopeo", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_engine_pulls_what_was_built_and_committed(serving: Serving, other: Engine) -> None:
    serving.engine.docker("run", "--name", "changed", "app:1", "sh", "-c", "echo new >/new")
    serving.engine.docker("commit", "changed", "team/changed:2")
    for name in ("app:1", "team/changed:2"):
        pulled = f"{serving.address}/{name}"
        assert "Downloaded newer image" in other.docker("pull", pulled).stdout
        assert identity(other, pulled) == identity(serving.engine, name)
    shown = other.docker("run", "--rm", pulled, "cat", "/built", "/new")
    assert shown.stdout == "built\nnew\n"


def test_skopeo_reads_what_the_engine_has(serving: Serving, tmp_path: Path) -> None:
    source = f"docker://{serving.address}/app"
    tags = json.loads(skopeo("list-tags", "--tls-verify=false", source))
    assert "1" in tags["Tags"]
    skopeo("copy", "--src-tls-verify=false", f"{source}:1", f"dir:{tmp_path}")
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["config"]["digest"] == identity(serving.engine, "app:1")
    for layer in manifest["layers"]:
        data = (tmp_path / layer["digest"].partition(":")[2]).read_bytes()
        found = f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert (found, len(data)) == (layer["digest"], layer["size"])


def test_an_engine_that_pushes_to_itself_and_pulls_from_itself_copies_nothing(
    serving: Serving,
) -> None:
    engine, name = serving.engine, f"localhost:{serving.port}/app:1"
    blobs, layers = serving.blobs(), serving.layers()
    engine.docker("tag", "app:1", name)
    pushed = engine.docker("push", name).stdout
    assert "digest: sha256:" in pushed
    assert "Layer already exists" in pushed
    assert "Pushed" not in pushed
    assert "Image is up to date" in engine.docker("pull", name).stdout
    engine.docker("tag", "app:1", f"{serving.address}/app:other")
    assert "Layer already exists" in engine.docker("push", f"{serving.address}/app:other").stdout
    assert (serving.blobs(), serving.layers()) == (blobs, layers)
    assert identity(engine, name) == identity(engine, "app:1")


def test_what_another_engine_pushes_runs_here(serving: Serving, other: Engine) -> None:
    name = f"{serving.address}/back/app:1"
    other.docker("run", "--name", "back", "busybox", "sh", "-c", "echo back >/back")
    other.docker("commit", "back", name)
    pushed = other.docker("push", name).stdout
    # Of the two layers the engine has busybox already, and gives it to its machine's programs.
    assert pushed.count(": Pushed") <= 2
    local = f"localhost:{serving.port}/back/app:1"
    assert identity(serving.engine, local) == identity(other, name)
    assert serving.engine.docker("run", "--rm", local, "cat", "/back").stdout == "back\n"
    assert os.listdir(serving.engine.data_root / "content/partial") == []
    digest = skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{name}")
    assert digest.strip() in pushed


def test_skopeo_pushes_and_deletes(serving: Serving, tmp_path: Path) -> None:
    daemon = f"docker-daemon:{serving.address}/pushed:1"
    target = f"docker://{serving.address}/pushed:1"
    serving.engine.docker("tag", "busybox", f"{serving.address}/pushed:1")
    skopeo("copy", "--src-daemon-host", serving.engine.host, daemon, f"dir:{tmp_path}")
    serving.engine.docker("rmi", f"{serving.address}/pushed:1")
    skopeo("copy", "--dest-tls-verify=false", f"dir:{tmp_path}", target)
    local = f"localhost:{serving.port}/pushed:1"
    assert serving.engine.docker("run", "--rm", local, "echo", "hello").stdout == "hello\n"
    skopeo("delete", "--tls-verify=false", target)
    assert serving.engine.docker("inspect", local, check=False).returncode != 0
    serving.engine.docker("inspect", "busybox")
    done = subprocess.run(
        ["skopeo", "delete", "--tls-verify=false", f"docker://{serving.address}/app:1"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 or "rmi" in done.stderr
    serving.engine.docker("inspect", "app:1")


def test_strangers_read_what_is_named_and_push_nothing(serving: Serving) -> None:
    stranger = {"Host": "stranger.example:5000"}
    build(serving.engine, "secret:1")
    _, _, body = serving.ask("GET", "/v2/secret/manifests/1", **stranger)
    layer = json.loads(body)["layers"][-1]["digest"]
    blob = f"/v2/{{}}/blobs/{layer}"
    assert serving.ask("HEAD", blob.format("secret"), **stranger)[0] == 200
    assert serving.ask("HEAD", blob.format("busybox"), **stranger)[0] == 404
    assert serving.ask("HEAD", blob.format("busybox"))[0] == 200
    status, _, body = serving.ask("POST", "/v2/app/blobs/uploads/", b"", **stranger)
    assert status == 403
    assert json.loads(body)["errors"][0]["code"] == "DENIED"
    assert serving.ask("POST", "/v2/app/blobs/uploads/", b"", Origin="http://x")[0] == 403


def test_search_and_distribution(serving: Serving, other: Engine) -> None:
    found = other.docker("search", f"{serving.address}/app").stdout.splitlines()
    assert found[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"]
    assert "app" in {line.split()[0] for line in found[1:]}
    command = [program("wherry"), "-H", other.host, "search", "--format", "{{.Name}}"]
    names = subprocess.run(
        [*command, f"{serving.address}/app"], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "app" in names
    assert "busybox" not in names
    client = docker.DockerClient(base_url=other.host)
    try:
        remote = client.images.get_registry_data(f"{serving.address}/app:1")
        assert remote.id == serving.ask("HEAD", "/v2/app/manifests/1")[1]["docker-content-digest"]
        assert remote.has_platform("linux/amd64") or remote.attrs["Platforms"]
    finally:
        client.close()


def test_a_push_that_is_killed_leaves_nothing() -> None:
    port = free_port()
    with running_engine("--registry", f"127.0.0.1:{port}") as engine:
        serving = Serving(engine, port)
        before, layers = serving.blobs(), serving.layers()
        data = os.urandom(1 << 20)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        for whole in (True, False):
            status, headers, _ = serving.ask("POST", "/v2/app/blobs/uploads/", b"")
            assert status == 202
            location = headers["location"]
            if whole:
                end = f"{location}{'&' if '?' in location else '?'}digest={digest}"
                assert serving.ask("PUT", end, data)[0] == 201
            else:
                assert serving.ask("PATCH", location, data)[0] == 202
        assert serving.ask("HEAD", f"/v2/app/blobs/{digest}")[0] == 200
        assert len(serving.blobs()) == len(before) + 2
        engine.kill()
        engine.start()
        assert (serving.blobs(), serving.layers()) == (before, layers)
        assert serving.ask("HEAD", f"/v2/app/blobs/{digest}")[0] == 404


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of accounts; the client's own configuration is empty."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (tmp_path / "accounts").write_text(f"{USER}:{hashed}\n")
    return tmp_path / "accounts"


def test_with_accounts_and_tls(accounts: Path, tmp_path: Path, other: Engine) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    port = free_port()
    flags = [
        "--registry", f"127.0.0.1:{port}", "--registry-htpasswd", str(accounts),
        "--registry-tls-certificate", str(certificate), "--registry-tls-key", str(key),
    ]  # fmt: skip
    with running_engine(*flags):
        name = f"127.0.0.1:{port}/busybox"
        refused = other.docker("pull", name, check=False)
        assert refused.returncode != 0
        login = ["login", "-u", USER, "--password-stdin", f"127.0.0.1:{port}"]
        wrong = other.docker(*login, stdin=b"wrong", check=False)
        assert "incorrect username or password" in wrong.stderr
        assert "Login Succeeded" in other.docker(*login, stdin=PASSWORD.encode()).stdout
        other.docker("pull", name)
        other.docker("tag", name, f"127.0.0.1:{port}/pushed")
        other.docker("push", f"127.0.0.1:{port}/pushed")
        assert "pushed" in other.docker("search", f"127.0.0.1:{port}/pushed").stdout
        other.docker("logout", f"127.0.0.1:{port}")
        assert other.docker("pull", name, check=False).returncode != 0


def test_a_login_with_basic_credentials(accounts: Path, tmp_path: Path, other: Engine) -> None:
    settings = {
        "REGISTRY_AUTH": "htpasswd",
        "REGISTRY_AUTH_HTPASSWD_REALM": "test",
        "REGISTRY_AUTH_HTPASSWD_PATH": str(accounts),
    }
    with running_registry(tmp_path / "registry", settings) as address:
        login = ["login", "-u", USER, "--password-stdin", address]
        wrong = other.docker(*login, stdin=b"wrong", check=False)
        assert wrong.returncode != 0
        assert "Login Succeeded" in other.docker(*login, stdin=PASSWORD.encode()).stdout
        kept = json.loads((tmp_path / "docker" / "config.json").read_text())
        auth = base64.b64decode(kept["auths"][address]["auth"]).decode()
        assert auth == f"{USER}:{PASSWORD}"
        other.docker("tag", "busybox", f"{address}/app")
        other.docker("push", f"{address}/app")
        refused = other.docker("search", f"{address}/app", check=False)
        assert "unexpected status code 404" in refused.stderr
        other.docker("logout", address)
        assert (
            "no basic auth credentials"
            in other.docker("pull", f"{address}/app", check=False).stderr
        )


def test_a_taken_port_is_an_error_with_a_name(serving: Serving) -> None:
    with (
        pytest.raises(RuntimeError, match="choose another address or port"),
        running_engine("--registry", serving.address),
    ):
        pass
