"""`--ssh`: an agent that is there, or one of our own for key files."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.cli.build.agents import connect, parse, ready
from wherry.cli.errors import CommandError, UsageError
from wherry.client.build import RefusedError

# Says where it listens once it does, as ssh-agent -D; answers nothing.
AGENT = """#!/bin/sh
exec {python} -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
print("SSH_AUTH_SOCK=...", flush=True)
while True: s.accept()
' "$3"
"""


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Provide the socket of an agent that listens."""
    path = str(tmp_path_factory.mktemp("a") / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        yield path


def test_values(agent: str, tmp_path: Path) -> None:
    keys = [tmp_path / "one", tmp_path / "two"]
    for key in keys:
        key.touch()
    own = {"SSH_AUTH_SOCK": agent}
    assert parse(["default"], own) == {"default": [agent]}
    assert parse(["work", f"other={keys[0]},{keys[1]}"], own) == {
        "work": [agent], "other": [str(key) for key in keys],
    }  # fmt: skip
    assert parse([f"default={agent}"], {}) == {"default": [agent]}
    with pytest.raises(UsageError, match="only single socket allowed"):
        parse([f"x={agent},{keys[0]}"], {})
    with pytest.raises(UsageError, match="invalid empty ssh agent socket"):
        parse(["default"], {})
    with pytest.raises(UsageError, match="failed to open ssh key or agent /nope/x: no such"):
        parse(["x=/nope/x"], {})


def test_an_agent_that_is_there(agent: str, tmp_path: Path) -> None:
    with ready({"default": [agent]}) as sockets:
        assert sockets == {"default": agent}
        connect(sockets, "").close()
        connect(sockets, "default").close()
        with pytest.raises(RefusedError, match="no ssh agent other: build with --ssh other"):
            connect(sockets, "other")
    with pytest.raises(RefusedError, match="does not answer: No such file or directory"):
        connect({"default": str(tmp_path / "gone")}, "default")


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide an ssh-agent and an ssh-add that only look like it."""

    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "ssh-agent", AGENT.format(python=sys.executable))
    program(folder, "ssh-add", '#!/bin/sh\necho "$SSH_AUTH_SOCK $@" > "${0%/*}/added"\n')
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def test_key_files_get_an_agent_that_ends_with_the_build(programs: Path) -> None:
    with ready({"default": ["/key/a", "/key/b"]}) as sockets:
        path = sockets["default"]
        connect(sockets, "default").close()
        assert (programs / "added").read_text() == f"{path} -q /key/a /key/b\n"
    assert not os.path.exists(path)
    with pytest.raises(RefusedError):
        connect(sockets, "default")


def test_keys_that_cannot_be_used(programs: Path) -> None:
    program(programs, "ssh-add", "#!/bin/sh\nexit 1\n")
    with pytest.raises(CommandError, match="cannot use the ssh keys /key"), ready({"a": ["/key"]}):
        pass


def test_no_openssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = r"cannot start ssh-agent: .*; install OpenSSH's client"
    with pytest.raises(CommandError, match=words), ready({"a": ["/key"]}):
        pass
