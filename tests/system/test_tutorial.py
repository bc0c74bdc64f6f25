"""The tutorial works as it is written: its commands in turn, each with the answer that it shows.

All of it runs in a network of its own, so that the ports of the page are free; what the page pulls
from Docker Hub comes from a mirror there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.busybox import busybox_archive
from fixtures.engine import program
from fixtures.tutorial import Typed, commands
from fixtures.waiting import eventually
from wherry.base.trees import remove_tree

DOCS = Path(__file__).resolve().parents[2] / "docs"
TUTORIAL = DOCS / "tutorial.md"
SECONDS = 60
MIRROR = "127.0.0.1:5099"
END = "--- status:"


class Place:
    """Where the reader sits: a directory, an engine, and a mirror of Docker Hub."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.socket = root / "wherry.sock"
        self.environment = {
            "PATH": f"{Path(program('wherry')).parent}:{os.environ['PATH']}",
            "HOME": str(root / "home"),
            "LANG": "C.UTF-8",
            "WHERRY_HOST": f"unix://{self.socket}",
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the engine and the mirror, and wait for both."""
        (self.root / "home").mkdir()
        self._run(
            "wherryd", "-H", f"unix://{self.socket}", "--data-root", str(self.root / "data"),
            "--exec-root", str(self.root / "run"), "--pidfile", str(self.root / "pid"),
            "--registry-mirror", f"http://{MIRROR}", namespace=False,
        )  # fmt: skip
        self._run(
            "wherry", "registry", "serve", "--listen", MIRROR, "--root", str(self.root / "mirror")
        )
        eventually(self.socket.exists)
        self.type("wherry load", busybox_archive())
        name = f"{MIRROR}/library/busybox:latest"
        self.type(f"curl -s --retry 20 --retry-connrefused --retry-delay 1 http://{MIRROR}/healthz")
        self.type(f"wherry tag busybox {name} && wherry push {name} && wherry rmi busybox {name}")

    def type(self, command: str, stdin: bytes | None = None) -> None:
        """Run a command that has to work."""
        with self.shell(command) as process:
            output, _ = process.communicate(stdin, SECONDS)
        assert process.returncode == 0, output.decode()

    def shell(self, *words: str) -> subprocess.Popen[bytes]:
        """Start bash in this place, with a command or with one that reads them."""
        return subprocess.Popen(
            [*self._nsenter(), "bash", "-c" if words else "-s", *words],
            cwd=self.root / "home",
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def close(self) -> None:
        """End what was started, the engine last."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(SECONDS)

    def _run(self, *words: str, namespace: bool = True) -> None:
        own = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
        with (self.root / f"{words[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [*(self._nsenter() if namespace else own), program(words[0]), *words[1:]],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)

    def _nsenter(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._processes[0].pid}/ns/net"]


@pytest.fixture
def place() -> Iterator[Place]:
    root = Path(tempfile.mkdtemp(prefix="wr."))
    made = Place(root)
    try:
        made.start()
        yield made
        made.type("wherry ps -aq | xargs -r wherry rm -f")
    finally:
        made.close()
        assert str(root) not in Path("/proc/self/mountinfo").read_text()
        remove_tree(str(root))


def run_all(place: Place, typed: list[Typed]) -> None:
    """Type every command into one shell, and compare what it says."""
    with place.shell() as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        try:
            shell.stdin.write(b"set -m\n")
            for one in typed:
                shell.stdin.write(f"{one.command}\nprintf '\\n{END} %d\\n' $?\n".encode())
                shell.stdin.flush()
                lines: list[str] = []
                while not (line := shell.stdout.readline().decode()).startswith(END):
                    assert line, f"the shell ended in: {one.command}\n{''.join(lines)}"
                    lines.append(line)
                output = "".join(lines).removesuffix("\n")
                said = f"$ {one.command}\n{output}"
                assert int(line.removeprefix(END)) == one.status, said
                assert one.matches(output), f"{said}\n--- the page says\n" + "\n".join(one.output)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)


@pytest.mark.timeout(300)
def test_every_command_of_the_tutorial(place: Place) -> None:
    typed = commands(TUTORIAL.read_text())
    assert len(typed) > 30
    run_all(place, typed)


def test_the_tutorial_says_the_same_in_every_language() -> None:
    assert commands((DOCS / "tutorial.zh-CN.md").read_text()) == commands(TUTORIAL.read_text())


def test_an_answer_that_is_not_what_the_page_says_is_noticed() -> None:
    (typed,) = commands("```console\n$ echo one\n…\ntwo …\n```\n")
    assert typed.matches("one\ntwo three\n")
    assert typed.matches("two four")
    assert not typed.matches("one\ntwo\nthree\n")
    assert not typed.matches("")
