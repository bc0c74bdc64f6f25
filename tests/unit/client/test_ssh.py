"""Addresses behind ssh: what is read, what is run, and what is said when it fails."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from wherry.client import address
from wherry.client.errors import AddressError, BrokenReplyError, UnreachableError
from wherry.client.http import Connection
from wherry.client.ssh import SshAddress, parse, quote

PING = "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that a test writes."""
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def script(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssh://h", ("", "h", 0, "")),
        ("ssh://u@h:22", ("u", "h", 22, "")),
        ("ssh://u@h/run/x.sock", ("u", "h", 0, "/run/x.sock")),
        ("ssh://u@[::1]:2222/", ("u", "::1", 2222, "/")),
        ("ssh://u%40corp@h", ("u@corp", "h", 0, "")),
    ],
)
def test_what_is_read(text: str, expected: tuple[str, str, int, str]) -> None:
    found = address.parse(text)
    assert isinstance(found, SshAddress)
    assert (found.user, found.host, found.port, found.path) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ssh://", "no host specified"), ("ssh://u@", "no host specified"),
        ("ssh://u:p@h", "plain-text password is not supported"),
        ("ssh://h?a=b", "query parameters are not allowed"),
        ("ssh://h#a", "fragments are not allowed"), ("ssh://h:x", "'x' is not a port"),
        ("ssh://h:0", "'0' is not a port"), ("ssh://h:99999", "'99999' is not a port"),
    ],
)  # fmt: skip
def test_what_is_no_address(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=f"ssh host connection is not valid: {reason}"):
        parse(text)


def test_the_command() -> None:
    found = parse("ssh://ann@h:2222/run/it's.sock")
    *words, remote = found.command()
    assert words == [
        "ssh", "-o", "ConnectTimeout=30", "-T", "-l", "ann", "-p", "2222", "--", "h",
    ]  # fmt: skip
    assert shlex.split(remote)[:3] == ["exec", "sh", "-c"]
    assert shlex.split(remote)[4:] == [
        "sh", "--host=unix:///run/it's.sock", "system", "dial-stdio",
    ]  # fmt: skip
    assert parse("ssh://h").command("x y")[-1] == "x y"
    assert shlex.split(parse("ssh://h").command()[-1])[4:] == ["sh", "system", "dial-stdio"]


def test_what_looks_like_a_flag_is_none() -> None:
    words = parse("ssh://-oProxyCommand=x").command()
    assert words[words.index("--") + 1] == "-oProxyCommand=x"


def test_the_shell_there_sees_the_words(tmp_path: Path) -> None:
    """Whichever of the two programs is there is run, wherry first."""
    remote = parse("ssh://h/a b/$HOME").command()[-1]
    (tmp_path / "sh").symlink_to("/bin/sh")
    for name in ("docker", "wherry"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name}" "$1" "$2" "$3"\n')
        program.chmod(0o755)
        done = subprocess.run(
            ["/bin/sh", "-c", remote], env={"PATH": str(tmp_path)}, capture_output=True, check=True
        )
        assert done.stdout.decode() == f"{name} --host=unix:///a b/$HOME system dial-stdio\n"


def test_a_request_and_its_reply(fake: Path) -> None:
    script(fake, f"read line; printf '{PING}'; cat >/dev/null")
    connection = Connection(address.parse("ssh://h"))
    assert connection.request("GET", "/", {}).read() == b"hi"
    connection.close()


def test_each_direction_ends_on_its_own(fake: Path) -> None:
    script(fake, "exec wc -c")
    with address.parse("ssh://h").connect() as connected:
        connected.sendall(b"x" * 300_000)
        connected.shutdown(socket.SHUT_WR)
        assert connected.recv(100).strip() == b"300000"
        assert connected.recv(100) == b""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'Permission denied (publickey).' >&2; exit 255",
         ["exit status 255", "Permission denied (publickey)."]),
        ("exit 127", ["exit status 127; is wherry or docker installed there?"]),
    ],
)  # fmt: skip
def test_a_failure_is_told(fake: Path, text: str, words: list[str]) -> None:
    script(fake, text)
    with pytest.raises(BrokenReplyError) as caught:
        Connection(address.parse("ssh://h")).request("GET", "/", {})
    assert "command [ssh -o ConnectTimeout=30 -T -- h " in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_much_on_standard_error_does_not_stop_anything(fake: Path) -> None:
    script(fake, f"head -c 300000 /dev/zero | tr '\\0' x >&2; read line; printf '{PING}'")
    connection = Connection(address.parse("ssh://h"))
    assert connection.request("GET", "/", {}).read() == b"hi"
    connection.close()


def test_no_ssh_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreachableError) as caught:
        address.parse("ssh://h").connect()
    assert "install openssh-client" in caught.value.way_out


def test_quoting() -> None:
    assert shlex.split(quote('it\'s "$x"')) == ['it\'s "$x"']
