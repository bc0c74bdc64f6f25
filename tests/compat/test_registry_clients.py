"""Every client that users have, against a registry with TLS, accounts, public and private
repositories: each pulls and pushes what it may, and is told in its own words what it may not."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import trustme

from fixtures.busybox import busybox_archive
from fixtures.dockerd import running_dockerd
from fixtures.engine import Engine, program
from fixtures.wherry_registry import WherryRegistry, running_wherry_registry

pytestmark = pytest.mark.timeout(300)
Done = subprocess.CompletedProcess[str]
ACCOUNTS = {"ann": "ann's password", "bob": "bob's password"}
# What each client says to somebody who may not, whether he is known or not.
REFUSED = (
    "denied",
    "unauthorized",
    "authentication required",
    "insufficient_scope",
    "access to the resource is denied",
    "not authorized",
    "status 401",
    "status 403",
)
CONFIGURATION = """
[listen]
address = "127.0.0.1"
port = {port}

[tls]
certificate = "{folder}/server.pem"
key = "{folder}/server.key"

[access]
htpasswd = "{folder}/htpasswd"

[[access.rule]]
repositories = ["public/*"]
pull = ["anyone"]
push = ["ann"]

[[access.rule]]
repositories = ["team/*"]
pull = ["ann", "bob"]
push = ["ann"]
delete = ["ann"]
"""


def write_identity(folder: Path) -> None:
    """Write certificates for the loopback and the accounts' passwords."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    server = authority.issue_cert("127.0.0.1", "localhost")
    server.private_key_pem.write_to_path(folder / "server.key")
    chain = b"".join(one.bytes() for one in server.cert_chain_pems)
    (folder / "server.pem").write_bytes(chain)
    lines = [
        f"{name}:{bcrypt.hashpw(word.encode(), bcrypt.gensalt(5)).decode()}\n"
        for name, word in ACCOUNTS.items()
    ]
    (folder / "htpasswd").write_text("".join(lines))


@dataclass(frozen=True)
class Place:
    """A registry with its certificates; `certificates` is what --cert-dir takes."""

    registry: WherryRegistry
    certificates: Path

    @property
    def host(self) -> str:
        """`host:port`."""
        return self.registry.host


@contextlib.contextmanager
def private_registry(folder: Path, prefix: Sequence[str] = ()) -> Iterator[Place]:
    """Start a registry as above with `seed:1`, public and private, put there by skopeo."""
    folder.mkdir(parents=True)
    write_identity(folder)
    certificates = folder / "certificates"
    certificates.mkdir()
    (certificates / "ca.crt").write_bytes((folder / "ca.crt").read_bytes())
    text = CONFIGURATION.replace("{folder}", str(folder))
    with running_wherry_registry(folder / "registry", text, prefix=prefix) as registry:
        archive = folder / "busybox.tar"
        archive.write_bytes(busybox_archive())
        for name in ("public/seed:1", "team/seed:1"):
            run(
                *prefix, "skopeo", "copy", "--dest-cert-dir", str(certificates),
                "--dest-creds", f"ann:{ACCOUNTS['ann']}", f"docker-archive:{archive}",
                f"docker://{registry.host}/{name}",
            )  # fmt: skip
        yield Place(registry, certificates)


def run(*words: str, check: bool = True, stdin: str = "", **environment: str) -> Done:
    """Run a client; with `check`, it must succeed."""
    done = subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert not check or done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done


class Docker:
    """The stock docker client, or ours, which has the same words, before an engine."""

    def __init__(self, place: Place, folder: Path, host: str, name: str = "docker") -> None:
        self.place, self._host = place, host
        self._program = program("wherry") if name == "wherry" else name
        self._settings = {"DOCKER_CONFIG": str(folder), "WHERRY_CONFIG": str(folder)}
        folder.mkdir(exist_ok=True)

    def words(self, *words: str, check: bool = True, stdin: str = "") -> Done:
        return run(
            self._program, "-H", self._host, *words, check=check, stdin=stdin, **self._settings
        )

    def login(self, user: str, password: str) -> Done:
        flags = ("-u", user, "--password-stdin", self.place.host)
        return self.words("login", *flags, check=False, stdin=password)

    def logout(self) -> None:
        self.words("logout", self.place.host)

    def pull(self, name: str) -> Done:
        return self.words("pull", f"{self.place.host}/{name}", check=False)

    def push(self, name: str, source: str) -> Done:
        self.words("tag", f"{self.place.host}/{source}", f"{self.place.host}/{name}")
        return self.words("push", f"{self.place.host}/{name}", check=False)

    def forget(self, name: str) -> None:
        self.words("rmi", f"{self.place.host}/{name}")


class Containers:
    """podman or buildah, with images of its own."""

    def __init__(self, place: Place, folder: Path, name: str) -> None:
        self.place = place
        folder.mkdir(exist_ok=True)
        # podman takes no longer path than 50 characters, and pytest's are longer.
        self._run_root = tempfile.TemporaryDirectory(prefix="wr.")
        self._command = (
            name, "--storage-driver", "vfs", "--root", str(folder / "root"),
            "--runroot", self._run_root.name,
        )  # fmt: skip
        self._tls = ("--cert-dir", str(place.certificates))
        self._settings = {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        (folder / "auth.json").write_text("{}")

    def close(self) -> None:
        self._run_root.cleanup()

    def words(self, verb: str, *words: str, check: bool = False, stdin: str = "") -> Done:
        return run(*self._command, verb, *words, check=check, stdin=stdin, **self._settings)

    def login(self, user: str, password: str) -> Done:
        flags = (*self._tls, "-u", user, "--password-stdin", self.place.host)
        return self.words("login", *flags, stdin=password)

    def logout(self) -> None:
        self.words("logout", self.place.host, check=True)

    def pull(self, name: str) -> Done:
        return self.words("pull", *self._tls, f"docker://{self.place.host}/{name}")

    def push(self, name: str, source: str) -> Done:
        image = f"{self.place.host}/{source}"
        return self.words("push", *self._tls, image, f"docker://{self.place.host}/{name}")

    def forget(self, name: str) -> None:
        """It has pushed an image under a name that it does not have itself."""


class Skopeo:
    """skopeo, which keeps nothing."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self._folder = place, folder
        folder.mkdir(exist_ok=True)
        self._settings = {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        (folder / "auth.json").write_text("{}")

    def words(self, verb: str, *words: str, check: bool = False, stdin: str = "") -> Done:
        return run("skopeo", verb, *words, check=check, stdin=stdin, **self._settings)

    def login(self, user: str, password: str) -> Done:
        flags = ("--cert-dir", str(self.place.certificates), "-u", user, "--password-stdin")
        return self.words("login", *flags, self.place.host, stdin=password)

    def logout(self) -> None:
        self.words("logout", self.place.host, check=True)

    def pull(self, name: str) -> Done:
        tls = ("--src-cert-dir", str(self.place.certificates))
        image = f"docker://{self.place.host}/{name}"
        return self.words("copy", *tls, image, f"oci:{self._folder / 'layout'}:one")

    def push(self, name: str, source: str) -> Done:
        tls = ("--dest-cert-dir", str(self.place.certificates))
        image = f"docker://{self.place.host}/{name}"
        return self.words("copy", *tls, f"oci:{self._folder / 'layout'}:one", image)

    def forget(self, name: str) -> None:
        """It has kept nothing that a pull would find."""


ORAS = """
import json, sys
import oras.client
wanted = json.load(sys.stdin)
client = oras.client.OrasClient(hostname=wanted["host"], tls_verify=wanted["authority"])
if wanted["user"]:
    client.auth.set_basic_auth(wanted["user"], wanted["password"])
if wanted["verb"] == "push":
    client.push(target=wanted["target"], files=wanted["files"], disable_path_validation=True)
elif wanted["verb"] == "pull":
    print(client.pull(target=wanted["target"], outdir=wanted["folder"]))
else:  # its own login asks a docker engine
    print(client.get_tags(wanted["host"] + "/team/seed"))
"""


class Oras:
    """The oras SDK, which pushes files as artifacts; a fresh process each time."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self._folder = place, folder
        folder.mkdir(exist_ok=True)
        (folder / "file.txt").write_text("what an artifact has in it\n")
        self._user = ("", "")

    def _script(self, verb: str, name: str = "") -> Done:
        authority = str(self.place.certificates / "ca.crt")
        wanted = {
            "verb": verb, "host": self.place.host, "target": f"{self.place.host}/{name}",
            "authority": authority, "user": self._user[0], "password": self._user[1],
            "files": [str(self._folder / "file.txt")], "folder": str(self._folder / "pulled"),
        }  # fmt: skip
        return run(
            sys.executable, "-c", ORAS, stdin=json.dumps(wanted), check=False,
            HOME=str(self._folder), REQUESTS_CA_BUNDLE=authority,
        )  # fmt: skip

    def login(self, user: str, password: str) -> Done:
        self._user = (user, password)
        return self._script("login")

    def logout(self) -> None:
        self._user = ("", "")

    def pull(self, name: str) -> Done:
        return self._script("pull", name)

    def push(self, name: str, source: str) -> Done:
        return self._script("push", name)

    def forget(self, name: str) -> None:
        """Each process begins with nothing."""


Client = Docker | Containers | Skopeo | Oras
KINDS = ("docker", "wherry", "podman", "buildah", "skopeo", "oras")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with private_registry(tmp_path_factory.mktemp("private") / "registry") as started:
        yield started


@pytest.fixture
def client(request: pytest.FixtureRequest, place: Place, tmp_path: Path) -> Iterator[Client]:
    folder = tmp_path / "client"
    match request.param:
        case "docker" | "wherry" as name:
            engine: Engine = request.getfixturevalue("engine")
            yield Docker(place, folder, engine.host, name)
        case "podman" | "buildah" as name:
            with contextlib.closing(Containers(place, folder, name)) as made:
                yield made
        case "skopeo":
            yield Skopeo(place, folder)
        case _:
            yield Oras(place, folder)


def refused(done: Done) -> str:
    """Return what the client said, which must be a refusal of somebody's rights."""
    words = (done.stdout + done.stderr).lower()
    assert done.returncode != 0, words
    assert any(word in words for word in REFUSED), words
    assert "internal" not in words
    return words


def assert_the_whole_story(client: Client, kind: str) -> None:
    """Public and private, with and without rights, logged in and out."""
    own, missing = f"team/{kind}:1", f"team/{kind}-that-is-not-there:1"
    seed = "public/seed:1"
    if kind != "oras":  # which can do nothing with images, and tries wrong passwords for minutes
        assert client.pull(seed).returncode == 0, client.pull(seed).stderr
        assert client.login("ann", "wrong").returncode != 0
    refused(client.push(own, seed))
    assert (done := client.login("ann", ACCOUNTS["ann"])).returncode == 0, done.stderr
    assert (done := client.push(own, seed)).returncode == 0, done.stdout + done.stderr
    assert (done := client.push(f"public/{kind}:1", seed)).returncode == 0, done.stderr
    client.logout()
    client.forget(own)

    # Whoever may not see a repository is told the same whether it is there or not.
    there = refused(client.pull(own)).replace(f"team/{kind}", "X")
    gone = refused(client.pull(missing)).replace(f"team/{kind}-that-is-not-there", "X")
    assert without_times(there) == without_times(gone)
    assert client.pull(f"public/{kind}:1").returncode == 0

    assert client.login("bob", ACCOUNTS["bob"]).returncode == 0
    assert (done := client.pull(own)).returncode == 0, done.stdout + done.stderr
    refused(client.push(own, seed))
    client.logout()


def without_times(words: str) -> list[str]:
    """Drop what differs between any two runs: lines that begin with a time."""
    return [line.split("level=")[-1] for line in words.splitlines() if "trying to pull" not in line]


@pytest.mark.parametrize(("client", "kind"), [(one, one) for one in KINDS], indirect=["client"])
def test_a_client_does_what_it_may(client: Client, kind: str) -> None:
    assert_the_whole_story(client, kind)


@pytest.mark.dockerd
def test_docker_with_dockerd_does_what_it_may(tmp_path: Path) -> None:
    """dockerd has a network of its own, so a registry runs there for it."""
    # The path of containerd's socket is short, and folders of tests are not.
    with (
        tempfile.TemporaryDirectory(prefix="wr.", ignore_cleanup_errors=True) as root,
        running_dockerd(Path(root) / "dockerd") as dockerd,
    ):
        inside = ("nsenter", f"--net=/proc/{dockerd.pid}/ns/net")
        with private_registry(tmp_path / "private", inside) as place:
            client = Docker(place, tmp_path / "client", dockerd.host)
            assert_the_whole_story(client, "dockerd")
