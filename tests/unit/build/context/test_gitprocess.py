"""The program git: what it is told, what it may not learn, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.build.context.git import fetch
from wherry.build.context.gitprocess import (
    Git,
    GitFailedError,
    GitMissingError,
    GitSettings,
    GitTimeoutError,
)
from wherry.build.context.remote import GitAddress


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where files go."""
    made = tmp_path / "target"
    made.mkdir()
    return made


async def test_what_git_says_is_reported_line_by_line(target: Path) -> None:
    lines = list[str]()
    git = Git(GitSettings(report=lines.append), "file:///x", "file:///x", str(target))
    script = r"printf 'one\rtwo\n\nthr' >&2; printf 'ee\n' >&2; printf out"
    assert await git.run("-c", f"alias.say=!{script}", "say") == "out"
    assert lines == ["one", "two", "three"]


async def test_a_failure_has_the_end_of_what_git_said(target: Path) -> None:
    git = Git(GitSettings(), "file:///x", "file:///x", str(target))
    script = "seq 100000 >&2; exit 7"
    with pytest.raises(
        GitFailedError, match=r"(?s)^it failed: git stderr:\n.*: exit status 7$"
    ) as e:
        await git.run("-c", f"alias.say=!{script}", "say", what="it failed")
    assert e.value.words.endswith("\n99999\n100000")
    assert len(e.value.words) < 10_000


async def test_an_error_of_whoever_listens_ends_git(target: Path) -> None:
    def report(_: str) -> None:
        raise RuntimeError("enough")

    git = Git(GitSettings(report=report), "file:///x", "file:///x", str(target))
    script = "echo listen >&2; exec sleep 1005.5"
    with pytest.raises(RuntimeError, match="enough"):
        await git.run("-c", f"alias.say=!{script}", "say")
    assert _processes("1005.5") == []


async def test_the_environment_is_made_anew(target: Path) -> None:
    given = {"PATH": os.environ["PATH"], "SECRET": "s", "GIT_DIR": "/x", "https_proxy": "http://p"}
    settings = GitSettings(environment=given)
    git = Git(settings, "file:///x", "file:///x", str(target))
    words = await git.run("-c", "alias.say=!env", "say")
    assert "https_proxy=http://p\n" in words
    assert "SECRET" not in words
    assert "/x" not in words.replace("file:///x", "")


async def test_credentials_go_to_the_server_and_not_into_messages(target: Path) -> None:
    lines, seen = list[str](), list[str]()
    with _raw_server(seen, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as port:
        settings = GitSettings(authorization="basic c2VjcmV0", report=lines.append)
        address = GitAddress(f"http://user:hidden@127.0.0.1:{port}/x.git")
        with pytest.raises(GitFailedError) as caught:
            await fetch(address, str(target), settings)
    assert "Authorization: basic c2VjcmV0" in seen[0]
    assert "hidden" not in str(caught.value)
    assert f"failed to fetch remote http://xxxxx:xxxxx@127.0.0.1:{port}/x.git" in str(caught.value)
    assert lines
    assert not any("hidden" in line for line in lines)


async def test_nobody_is_asked_for_a_password(target: Path) -> None:
    answer = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
    with (
        _raw_server([], answer) as port,
        pytest.raises(GitFailedError, match="could not read User"),
    ):
        await fetch(GitAddress(f"http://127.0.0.1:{port}/x.git"), str(target))


async def test_the_time_is_limited_and_no_process_stays(target: Path) -> None:
    with _silent_server() as (port, _):
        address = GitAddress(f"http://127.0.0.1:{port}/x.git")
        with pytest.raises(GitTimeoutError, match="took longer than 1 s"):
            await fetch(address, str(target), GitSettings(seconds=1))
        assert _processes(f"127.0.0.1:{port}") == []


async def test_a_cancelled_fetch_leaves_nothing(target: Path) -> None:
    with _silent_server() as (port, connected):
        address = GitAddress(f"http://127.0.0.1:{port}/x.git")
        working = asyncio.create_task(fetch(address, str(target)))
        assert await asyncio.to_thread(connected.wait, 30)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert _processes(f"127.0.0.1:{port}") == []
    assert os.listdir(target) == []


async def test_without_git(target: Path) -> None:
    settings = GitSettings(environment={"PATH": str(target)})
    with pytest.raises(GitMissingError, match="git is not installed on this machine"):
        await fetch(GitAddress("file:///x"), str(target), settings)


async def test_the_agent_is_passed_on_only_when_it_is_given(tmp_path: Path, target: Path) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "ssh").write_text('#!/bin/sh\necho "socket=$SSH_AUTH_SOCK words=$*" >&2\nexit 255\n')
    (fake / "ssh").chmod(0o755)
    environment = {"PATH": f"{fake}:{os.environ['PATH']}", "SSH_AUTH_SOCK": "/host/agent"}
    said = []
    for settings in (
        GitSettings(environment=environment),
        GitSettings(environment=environment, ssh_socket="/given", known_hosts="/known"),
    ):
        with pytest.raises(GitFailedError) as caught:
            await fetch(GitAddress("git@127.0.0.1:x/y.git"), str(target), settings)
        said.append(caught.value.words)
    assert "socket= words=-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=no" in said[0]
    assert "socket=/given words=-F /dev/null" in said[1]
    assert "UserKnownHostsFile=/known" in said[1]


@contextlib.contextmanager
def _raw_server(seen: list[str], answer: bytes) -> Iterator[int]:
    """Answer every request with the same bytes and keep what was asked."""

    def serve(connection: socket.socket) -> None:
        with connection:
            seen.append(connection.recv(65536).decode())
            connection.sendall(answer)

    with _accepting(serve) as port:
        yield port


@contextlib.contextmanager
def _silent_server() -> Iterator[tuple[int, threading.Event]]:
    """Take connections and never say anything."""
    connected, held = threading.Event(), list[socket.socket]()

    def serve(connection: socket.socket) -> None:
        held.append(connection)
        connected.set()

    with _accepting(serve) as port:
        yield port, connected
    for connection in held:
        connection.close()


@contextlib.contextmanager
def _accepting(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    serve(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _processes(word: str) -> list[bytes]:
    """Return the command lines of living processes that have a word in them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.append(path.read_bytes())
    return [line for line in found if word.encode() in line]
