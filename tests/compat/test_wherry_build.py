"""`wherry build` against the engine: what the classic client cannot ask for."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fixtures.contexts import classic, context
from fixtures.engine import Engine, program
from fixtures.repositories import repository, serving_files, serving_repositories


def build(
    engine: Engine,
    *words: str,
    status: int = 0,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> str:
    """Run `wherry build` and return both of its streams."""
    done = subprocess.run(
        [program("wherry"), "-H", engine.host, "build", "--progress", "plain", *words],
        input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
    told = done.stdout.decode()
    assert done.returncode == status, told + engine.log.read_text()[-3000:]
    return told


def output_of(engine: Engine, image: str, *command: str) -> str:
    return engine.docker("run", "--rm", image, *command).stdout


def test_files_are_added_from_addresses(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "some.txt").write_text("fetched\n")
    known = "a0ff5f7ba8b3d6a2bc87ba4bd3b42a1cd8ca1d8ac0fbc6ac7ac1e1ed50e4bc45"
    with serving_files(tmp_path / "files") as address:
        text = f"FROM busybox\nADD {address}/some.txt /in/\nADD {address}/some.txt /as\n"
        classic(engine, context(tmp_path / "c", text), "-t", "added")
        script = "cat /in/some.txt /as; stat -c '%a %u' /as"
        assert output_of(engine, "added", "sh", "-c", script) == "fetched\nfetched\n600 0\n"
        bad = f"FROM busybox\nADD --checksum=sha256:{known} {address}/some.txt /x\n"
        done = classic(engine, context(tmp_path / "c", bad), check=False)
        assert "digest mismatch" in done.stderr
        missing = f"FROM busybox\nADD {address}/nothing /x\n"
        done = classic(engine, context(tmp_path / "c", missing), check=False)
        assert "404" in done.stderr


def test_repositories_are_added_and_are_contexts(engine: Engine, tmp_path: Path) -> None:
    files = {"sub/Dockerfile": "FROM busybox\nCOPY f /f\n", "sub/f": "of git\n", "top": "x"}
    repository(tmp_path / "served" / "repo.git", files)
    with serving_repositories(tmp_path / "served") as address:
        build(engine, "-t", "fromgit", f"{address}/repo.git#:sub")
        assert output_of(engine, "fromgit", "cat", "/f") == "of git\n"
        text = (
            f"FROM busybox\nADD {address}/repo.git /all\nADD --keep-git-dir {address}/repo.git /g\n"
        )
        build(engine, "-t", "added", str(context(tmp_path / "c", text)))
        script = "cat /all/sub/f; test ! -e /all/.git; test -d /g/.git && echo kept"
        assert output_of(engine, "added", "sh", "-c", script) == "of git\nkept\n"


def test_a_context_that_is_downloaded(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path / "c", "FROM busybox\nCOPY f /f\n", {"f": "in a tar\n"})
    (tmp_path / "files").mkdir()
    with tarfile.open(tmp_path / "files" / "c.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname=".")
    (tmp_path / "files" / "only").write_text("FROM busybox\nRUN echo alone >/f\n")
    with serving_files(tmp_path / "files") as address:
        build(engine, "-t", "tarred", f"{address}/c.tar.gz")
        assert output_of(engine, "tarred", "cat", "/f") == "in a tar\n"
        build(engine, "-t", "alone", f"{address}/only")
        assert output_of(engine, "alone", "cat", "/f") == "alone\n"


def test_named_contexts(engine: Engine, tmp_path: Path) -> None:
    folder = context(
        tmp_path / "c", "FROM base\nCOPY --from=other f /f\nCOPY --from=busybox /bin/sh /s\n"
    )
    context(tmp_path / "other", "", {"f": "of the other\n"})
    words = ["--build-context", f"other={tmp_path / 'other'}"]
    words += ["--build-context", "base=docker-image://busybox"]
    build(engine, "-t", "named", *words, str(folder))
    assert output_of(engine, "named", "cat", "/f") == "of the other\n"


@pytest.mark.parametrize("kind", ["local", "tar", "docker", "oci"])
def test_outputs(engine: Engine, tmp_path: Path, kind: str) -> None:
    text = "FROM scratch\nCOPY a /a\nCOPY b /d/b\n"
    folder = context(tmp_path / "c", text, {"a": "1", "b": "2"})
    target = tmp_path / "out"
    build(engine, "-t", "sent:1", "-o", f"type={kind},dest={target}", str(folder))
    if kind == "local":
        assert ((target / "a").read_text(), (target / "d" / "b").read_text()) == ("1", "2")
        return
    with tarfile.open(target) as archive:
        names = set(archive.getnames())
    wanted = {"tar": {"a", "d", "d/b"}, "docker": {"manifest.json"}, "oci": {"index.json"}}[kind]
    assert wanted <= names
    if kind == "docker":
        engine.docker("rmi", "-f", "sent:1", check=False)
        assert "sent:1" in engine.docker("load", "-i", str(target)).stdout


@contextlib.contextmanager
def agent(path: Path) -> Iterator[list[bytes]]:
    """Listen as an ssh agent that has no keys, and note what it is asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(4)

        def serve() -> None:
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                with peer:
                    while data := peer.recv(4096):
                        asked.append(data)
                        peer.sendall(bytes([0, 0, 0, 5, 12, 0, 0, 0, 0]))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield asked
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def test_the_agent_of_the_client_answers(engine: Engine, tmp_path: Path) -> None:
    interpreter = "/usr/bin/python3"
    engine_words = [program("wherry"), "-H", engine.host, "image", "pack", "py", interpreter]
    subprocess.run(engine_words, check=True, capture_output=True, timeout=120)
    script = (
        "import os, socket; s = socket.socket(socket.AF_UNIX);"
        " s.connect(os.environ['SSH_AUTH_SOCK']);"
        " s.sendall(bytes([0, 0, 0, 1, 11])); print('answer', s.recv(100))"
    )
    text = (
        f'FROM py\nRUN --mount=type=ssh ["{interpreter}", "-c", "{script}"]\n'
        f'RUN ["{interpreter}", "-c", "import os; assert \'SSH_AUTH_SOCK\' not in os.environ"]\n'
    )
    folder = context(tmp_path / "c", text)
    with agent(tmp_path / "agent") as asked:
        told = build(
            engine, "--ssh", "default", str(folder),
            environment={"SSH_AUTH_SOCK": str(tmp_path / "agent")},
        )  # fmt: skip
    assert "answer b'\\x00\\x00\\x00\\x05\\x0c\\x00\\x00\\x00\\x00'" in told
    assert asked == [bytes([0, 0, 0, 1, 11])]
    text = "FROM busybox\nRUN --mount=type=ssh,required true\n"
    assert "--ssh" in build(engine, str(context(tmp_path / "c", text)), status=1)


def test_checks(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox as a\nCMD echo x\n"
    told = build(engine, "--check", str(context(tmp_path, text)), status=1)
    assert "FromAsCasing" in told
    assert "JSONArgsRecommended" in told
    text = "# check=error=true\nFROM busybox\nMAINTAINER me\n"
    told = build(engine, str(context(tmp_path, text)), status=1)
    assert "lint violation found for rules: MaintainerDeprecated" in told


def test_a_failing_step_shows_its_lines_and_its_output(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nENV A=1\nRUN echo so far && \\\n    exit 5\n"
    told = build(engine, str(context(tmp_path, text)), status=1)
    assert "so far" in told
    assert "Dockerfile:3" in told
    assert ">>> RUN echo so far" in told
    assert "exit code: 5" in told or "non-zero code: 5" in told


def test_files_with_ids_and_metadata(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path / "c", "FROM busybox\nLABEL a=b\n")
    words = ["--iidfile", str(tmp_path / "id"), "--metadata-file", str(tmp_path / "meta")]
    build(engine, "-t", "noted", *words, str(folder))
    shown = json.loads(engine.docker("image", "inspect", "noted").stdout)[0]["Id"]
    assert (tmp_path / "id").read_text() == shown
    assert json.loads((tmp_path / "meta").read_text())["containerimage.config.digest"] == shown


def test_it_draws_on_a_terminal(engine: Engine, tmp_path: Path) -> None:
    folder = context(
        tmp_path, "FROM busybox AS a\nRUN sleep 1\nFROM busybox\nCOPY --from=a /bin/sh /x\n"
    )
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(program("wherry"), ["wherry", "-H", engine.host, "build", str(folder)])
    shown = b""
    with contextlib.suppress(OSError):
        while data := os.read(master, 65536):
            shown += data
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown.decode()
    assert b"[+]" in shown
    assert b"\x1b[" in shown
