"""Contexts: `wherry` beside the stock client, on one store and word for word."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.certificates import Certificates
from fixtures.engine import Engine, program

WHERRY = program("wherry")
SECONDS = 60
NOWHERE = "unix:///var/run/docker.sock"
VARIABLES = ("DOCKER_HOST", "WHERRY_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY",
             "DOCKER_CERT_PATH")  # fmt: skip


@dataclass
class Client:
    """A client with a configuration directory."""

    program: str
    folder: Path
    directory: Path

    def run(self, *words: str, stdin: bytes = b"", **more: str) -> tuple[int, str, str]:
        """Return status, output and errors, with the client's own folder called FOLDER."""
        environment = {key: value for key, value in os.environ.items() if key not in VARIABLES}
        environment |= {"DOCKER_CONFIG": str(self.folder), **more}
        done = subprocess.run(
            [self.program, *words], capture_output=True, check=False, timeout=SECONDS,
            env=environment, input=stdin, cwd=self.directory,
        )  # fmt: skip
        told = [text.decode().replace(str(self.folder), "FOLDER") for text in
                (done.stdout, done.stderr)]  # fmt: skip
        return done.returncode, told[0], told[1]


@dataclass
class Both:
    """Both clients, each with a store and a directory of its own."""

    docker: Client
    wherry: Client

    def same(self, *words: str, stdin: bytes = b"", **more: str) -> tuple[int, str, str]:
        """Run both and compare everything they say."""
        theirs = self.docker.run(*words, stdin=stdin, **more)
        ours = self.wherry.run(*words, stdin=stdin, **more)
        assert ours == theirs
        return ours


@pytest.fixture
def both(tmp_path: Path) -> Both:
    clients = []
    for name, program_ in (("docker", "docker"), ("wherry", WHERRY)):
        for folder in (f"{name}-configuration", f"{name}-directory"):
            (tmp_path / folder).mkdir()
        clients.append(
            Client(program_, tmp_path / f"{name}-configuration", tmp_path / f"{name}-directory")
        )
    return Both(*clients)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def files_of(certificates: Certificates) -> str:
    client = certificates.client
    return f"ca={certificates.authority},cert={client.certificate},key={client.key}"


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return everything below a folder, but empty directories: path to mode and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not any(path.iterdir()):
            continue
        data = path.read_bytes() if path.is_file() else b""
        if path.name == "meta.json":
            data = json.dumps(json.loads(data), sort_keys=True).encode()
        found[str(path.relative_to(folder))] = (path.stat().st_mode, data)
    return found


def test_a_life(both: Both, certificates: Certificates) -> None:
    """Everything that docker's client says and writes, step by step."""
    tls = files_of(certificates)
    same = both.same
    same("context", "create", "one", "--description", "a <b>", "--docker", f"host=tcp://h:1,{tls}")
    same("context", "create", "two", "--docker", "host=ssh://u@h")
    same("context", "create", "three", "--docker", "host=tcp://h,skip-tls-verify=true")
    same("context", "create", "four", "--from", "one")
    same("context", "create", "five", "--from", "one", "--description", "other")
    same("context", "create", "web10", "--docker", "host=tcp://h")
    same("context", "create", "web9", "--docker", "host=tcp://h")
    assert tree(both.wherry.folder) == tree(both.docker.folder)
    same("context", "ls", DOCKER_HOST="tcp://x:1")
    same("context", "ls", "-q")
    same(
        "context", "ls", "--format", "table {{.Name}}\t{{.DockerEndpoint}}", DOCKER_HOST="tcp://x:1"
    )
    same("context", "ls", "--format", "json", DOCKER_HOST="tcp://x:1")
    shown = "{{.Name}} {{.Current}} {{.Error}}"
    same("context", "ls", "--format", shown)
    same("context", "ls", "--format", shown, DOCKER_CONTEXT="nobody")
    same("context", "inspect", "one", "two")
    same("context", "inspect", "one", "nobody")
    same("context", "inspect", "-f", "{{.Name}} {{.Endpoints.docker.Host}} {{.TLSMaterial}}", "one")
    same("context", "inspect", "-f", "json", "three")
    same("context", "inspect", DOCKER_HOST="tcp://x:1")
    same("context", "show")
    same("context", "use", "one")
    same("context", "show")
    same("context", "ls", "-q")
    same("context", "inspect")
    same("context", "use", "two", DOCKER_HOST="tcp://x:1")
    same("context", "show", DOCKER_HOST="tcp://x:1")
    same("context", "show", DOCKER_CONTEXT="one")
    same("-c", "five", "context", "show", DOCKER_HOST="tcp://x:1", DOCKER_CONTEXT="one")
    same("-H", "tcp://x:2", "context", "show")
    same("context", "update", "one", "--description", "changed")
    same("context", "update", "four", "--docker", "host=tcp://b")
    assert tree(both.wherry.folder / "contexts") == tree(both.docker.folder / "contexts")
    same("context", "rm", "two", "one")
    same("context", "rm", "-f", "two", "nobody")
    same("context", "show")
    same("context", "use", "default")
    assert tree(both.wherry.folder / "contexts") == tree(both.docker.folder / "contexts")


MISTAKES = [
    ["context", "create", "x"], ["context", "create", "../x"], ["context", "create", "default"],
    ["context", "create", "there", "--docker", "host=tcp://h"],
    ["context", "create", "new", "--docker", "nope=1"],
    ["context", "create", "new", "--docker", "host=tcp://h,skip-tls-verify=maybe"],
    ["context", "create", "new", "--docker", "host=tcp://h,ca=/nowhere.pem"],
    ["context", "create", "new", "--from", "nobody"],
    ["context", "create", "new", "--from", "there", "--docker", "host=tcp://h"],
    ["context", "use", "nobody"], ["context", "use", "../x"],
    ["context", "rm", "nobody"], ["context", "rm", "default"], ["context", "rm", "-f", "default"],
    ["context", "update", "nobody"], ["context", "update", "default"],
    ["context", "export", "nobody"], ["context", "import", "there", "nowhere"],
    ["context", "import", "default", "nowhere"], ["context", "import", "new", "nowhere"],
    ["-c", "nobody", "ps"], ["-c", "there", "-H", "tcp://h", "ps"],
    ["-H", "tcp://h", "-H", "tcp://i", "ps"],
    ["--tlsverify", "-H", "tcp://127.0.0.1:1", "ps"],
]  # fmt: skip


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_mistakes(both: Both, words: list[str]) -> None:
    for client in (both.docker, both.wherry):
        assert client.run("context", "create", "there", "--docker", "host=tcp://h")[0] == 0
    assert both.same(*words)[0] == 1


def test_files_travel_both_ways(both: Both, certificates: Certificates) -> None:
    made = f"host=tcp://h:1,{files_of(certificates)}"
    both.same("context", "create", "one", "--description", "d", "--docker", made)
    both.same("context", "export", "one")
    both.same("context", "export", "one")  # a file that is there stays
    for source, target in ((both.docker, both.wherry), (both.wherry, both.docker)):
        packed = source.directory / "one.dockercontext"
        assert packed.stat().st_mode & 0o777 == 0o600
        assert target.run("context", "import", "theirs", str(packed))[:2] == (0, "theirs\n")
        assert target.run("context", "import", "-f", str(packed))[0] != 0
        stream = packed.read_bytes()
        assert target.run("context", "import", "piped", "-", stdin=stream)[:2] == (0, "piped\n")
    assert tree(both.wherry.folder) == tree(both.docker.folder)
    names = []
    for client in (both.docker, both.wherry):
        # Docker's ends in the middle of a block.
        data = (client.directory / "one.dockercontext").read_bytes() + b"\0" * 2048
        with tarfile.open(fileobj=io.BytesIO(data)) as packed_:
            names.append([(member.name, member.mode, member.type) for member in packed_])
    assert names[0] == names[1]


def test_one_store_for_both(engine: Engine, both: Both) -> None:
    """What one makes, chooses and removes, the other uses."""
    docker, wherry = both.docker, Client(WHERRY, both.docker.folder, both.docker.directory)
    made = f"host={engine.host}"
    assert docker.run("context", "create", "theirs", "--docker", made)[0] == 0
    assert wherry.run("context", "create", "ours", "--docker", made)[0] == 0
    for name in ("theirs", "ours"):
        for client in (docker, wherry):
            status, out, errors = client.run("-c", name, "images", "--format", "{{.Repository}}")
            assert (status, out, errors) == (0, "busybox\n", "")
    (docker.folder / "config.json").write_text('{"psFormat": "{{.ID}}", "auths": {}}')
    for chooser, user in ((docker, wherry), (wherry, docker)):
        name = "ours" if chooser is docker else "theirs"
        assert chooser.run("context", "use", name)[0] == 0
        assert user.run("context", "show")[1] == f"{name}\n"
        assert user.run("images", "-q")[0] == 0
    assert json.loads((docker.folder / "config.json").read_text())["psFormat"] == "{{.ID}}"
    assert "Context:           theirs" in wherry.run("version")[1]
    assert wherry.run("info", "-f", "{{.ClientInfo.Context}}")[1] == "theirs\n"
    assert docker.run("context", "use", "default")[0] == 0
    assert docker.run("context", "rm", "ours")[0] == wherry.run("context", "rm", "theirs")[0] == 0
    assert wherry.run("context", "ls", "-q")[1] == docker.run("context", "ls", "-q")[1]


def test_a_configuration_that_is_a_link_stays_one(both: Both) -> None:
    real = both.wherry.directory / "real.json"
    real.write_text("{}")
    (both.wherry.folder / "config.json").symlink_to(real)
    assert both.wherry.run("context", "create", "one", "--docker", "host=tcp://h")[0] == 0
    assert both.wherry.run("context", "use", "one")[0] == 0
    assert (both.wherry.folder / "config.json").is_symlink()
    assert json.loads(real.read_text()) == {"currentContext": "one"}


def test_what_wherry_refuses_and_docker_does_not(both: Both) -> None:
    """An address that nobody can connect to, and half an import."""
    status, _, errors = both.wherry.run("context", "create", "bad", "--docker", "host=foo://1")
    assert status == 1
    assert "unable to parse docker host `foo://1`" in errors
    evil = both.wherry.directory / "evil.tar"
    (both.wherry.directory / "meta.json").write_text('{"Endpoints": {}}')
    (both.wherry.directory / "evil").write_text("")
    with tarfile.open(evil, "w") as made:
        for name in ("meta.json", "evil"):
            made.add(both.wherry.directory / name, name)
    assert both.wherry.run("context", "import", "evil", str(evil)) == (
        1, "", "evil: unexpected context file\n",
    )  # fmt: skip
    assert both.wherry.run("context", "ls", "-q")[1] == "default\n"
