"""The whole command, against an engine that speaks frames."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.frame_engine import Conversation, FakeEngine
from wherry.cli import main
from wherry.client.agent import LIST_KEYS, message
from wherry.wire.frames import DATA, END

STEPS = ("FROM scratch", "COPY . /", "RUN make")
Build = Callable[..., int]


@pytest.fixture(autouse=True)
def own_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what this machine's user has configured out of the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("BUILDKIT_PROGRESS", "SOURCE_DATE_EPOCH", "DOCKER_DEFAULT_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a small context, and be beside it."""
    made = tmp_path / "ctx"
    made.mkdir()
    (made / "Dockerfile").write_text("\n".join([*STEPS, ""]))
    (made / "main.c").write_text("int main;")
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def build(engine: FakeEngine) -> Build:
    """Build with a script for the engine; returns the exit status."""

    def run(script: Callable[[Conversation], None], *words: str, verb: str = "build") -> int:
        engine.play(script)
        status = main.run(["-H", engine.host, *verb.split(), *words])
        engine.check()
        return status

    return run


def succeed(conversation: Conversation) -> None:
    """Build an image without asking for anything."""
    conversation.plan(*STEPS)
    for number in range(3):
        conversation.event("began", number=number)
        conversation.event("ended", number=number, cached=number < 2, seconds=0.1)
    told = {"image": "sha256:1234", "names": ["app:latest"], "seconds": 1, "cached": 2, "steps": 3}
    conversation.event("finished", **told)
    metadata = {"image.digest": "sha256:5678", "image.names": ["app:latest"]}
    conversation.done(**metadata)


def test_a_build(
    build: Build, engine: FakeEngine, context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-t", "app", "--iidfile", "iid", "--metadata-file", "meta", "ctx"]
    assert build(succeed, *words) == 0
    assert {key: value for key, value in engine.request.items() if value} == {
        "type": "build", "context": "local", "dockerfile": "Dockerfile",
        "dockerfile_text": "\n".join([*STEPS, ""]), "scope": str(context), "tags": ["app"],
    }  # fmt: skip
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("#1 [1/3] FROM scratch\n#1 CACHED\n")
    assert shown.err.endswith(
        "writing image sha256:1234 done\n#4 naming to app:latest done\n#4 DONE\n\n"
    )
    assert Path("iid").read_text() == "sha256:1234"
    assert json.loads(Path("meta").read_text())["containerimage.digest"] == "sha256:5678"


@pytest.mark.parametrize("verb", ["build", "image build", "builder build", "buildx build"])
@pytest.mark.parametrize("flags", [["-q"], ["--progress=quiet"]])
def test_quiet_prints_the_id(
    build: Build, context: Path, capsys: pytest.CaptureFixture[str], verb: str, flags: list[str]
) -> None:
    assert build(succeed, *flags, "ctx", verb=verb) == 0
    assert capsys.readouterr() == ("sha256:1234\n", "")


def test_raw_events(build: Build, context: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(succeed, "--progress", "rawjson", "ctx") == 0
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == [
        "planned", *("began", "ended") * 3, "finished",
    ]  # fmt: skip


def test_a_context_is_sent_without_what_is_ignored(
    build: Build, context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (context / ".dockerignore").write_text("*\n!main.c\n")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(context)
        (context / ".dockerignore").write_text("*\n!main.c\n!s\n")
        listener.bind("s")
        os.chdir(context.parent)
    received = []

    def script(conversation: Conversation) -> None:
        received.append(conversation.want("main"))
        conversation.done()

    assert build(script, "ctx") == 0
    with tarfile.open(fileobj=io.BytesIO(received[0])) as archive:
        assert archive.getnames() == ["main.c"]
    shown = capsys.readouterr().err
    assert shown == "#1 sending context\n#1 DONE 0.0s\n\nsockets are not sent: s\n"


def test_named_contexts_and_one_that_is_not_here(
    build: Build, context: Path, engine: FakeEngine
) -> None:
    Path("other").mkdir()
    Path("other/.dockerignore").write_text("out\n")
    Path("other/in").touch()
    Path("other/out").touch()
    received, refused = [], []

    def script(conversation: Conversation) -> None:
        received.append(conversation.want("extra"))
        conversation.tell(type="want", channel=2, context="unknown")
        refused.append(conversation.message())
        conversation.done()

    assert build(script, "--build-context", "extra=other", "ctx") == 0
    assert engine.request["contexts"] == {"extra": "context:extra"}
    with tarfile.open(fileobj=io.BytesIO(received[0])) as archive:
        assert archive.getnames() == [".dockerignore", "in"]
    assert refused == [
        {"type": "refused", "channel": 2,
         "message": "no context unknown: add --build-context unknown=…"}
    ]  # fmt: skip


def test_a_file_that_cannot_be_sent_ends_the_build(
    build: Build, engine: FakeEngine, context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (context / "log").write_bytes(bytes(20_000_000))

    def script(conversation: Conversation) -> None:
        conversation.tell(type="want", channel=1, context="main")
        conversation.next()
        os.truncate(context / "log", 0)
        while True:
            conversation.next()

    assert build(script, "ctx") == 1
    assert engine.gone.wait(30)
    assert f"error checking context: '{context}/log' changed" in capsys.readouterr().err


def test_a_step_that_fails(build: Build, context: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def script(conversation: Conversation) -> None:
        conversation.plan(*STEPS)
        conversation.event("began", number=2)
        conversation.wrote(2, b"cc main.c\nmain.c: no such luck\n")
        error = "The command '/bin/sh -c make' returned a non-zero code: 2"
        conversation.event("ended", number=2, seconds=1, error=error)
        conversation.tell(type="failed", message=error)

    Path("iid").write_text("stale")
    assert build(script, "--iidfile", "iid", "ctx") == 1
    shown = capsys.readouterr().err
    lines = [line.partition(" ")[2] for line in shown.splitlines()]
    assert "main.c: no such luck" in lines
    tail = shown.partition("------\n")[2].partition("------\n")
    assert tail[0].startswith(" > [3/3] RUN make:\n")
    assert tail[2] == (
        "Dockerfile:3\n--------------------\n   1 |     FROM scratch\n   2 |     COPY . /\n"
        "   3 | >>> RUN make\n   4 |\n--------------------\n"
        "ERROR: failed to solve: The command '/bin/sh -c make' returned a non-zero code: 2\n"
    )
    assert not Path("iid").exists()


def test_a_build_without_files(engine: FakeEngine, context: Path) -> None:
    received = []

    def script(conversation: Conversation) -> None:
        received.append(conversation.want("main"))
        conversation.done()

    engine.play(script)
    text = (context / "Dockerfile").read_bytes()
    subprocess.run(program(engine, "-"), input=text, check=True)
    engine.check()
    assert (engine.request["context"], engine.request["dockerfile_text"]) == (
        "none", "\n".join([*STEPS, ""]),
    )  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(received[0])) as archive:
        assert archive.getnames() == []


def test_an_archive_is_passed_on(engine: FakeEngine, context: Path) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        archive.add(context, ".")
    received = []

    def script(conversation: Conversation) -> None:
        received.append(conversation.want("main"))
        conversation.done()

    engine.play(script)
    done = subprocess.run(
        program(engine, "-q", "-"), input=sink.getvalue(), check=True, capture_output=True
    )
    engine.check()
    assert received == [sink.getvalue()]
    assert done.stdout == b"sha256:1234\n"
    assert engine.request["dockerfile_text"] is None


def program(engine: FakeEngine, *words: str) -> list[str]:
    return [sys.executable, "-m", "wherry.cli.main", "-H", engine.host, "build", *words]


def tar(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def test_outputs_arrive_where_they_were_asked_for(
    build: Build, engine: FakeEngine, context: Path
) -> None:
    data = tar(one=b"1", two=b"2" * 100_000)

    def script(conversation: Conversation) -> None:
        conversation.give(0, data, channel=1)
        conversation.give(1, data, channel=2)
        conversation.done("")

    assert build(script, "-o", "out", "-o", "type=tar,dest=x.tar", "ctx") == 0
    assert engine.request["outputs"] == [
        {"kind": "local", "attributes": {"dest": "out"}},
        {"kind": "tar", "attributes": {"dest": "x.tar"}},
    ]
    assert Path("out/one").read_bytes() == b"1"
    assert Path("x.tar").read_bytes() == data


def test_an_output_on_standard_output(engine: FakeEngine, context: Path) -> None:
    data = tar(one=b"1" * 1_000_000)

    def script(conversation: Conversation) -> None:
        conversation.give(0, data)
        conversation.done("")

    engine.play(script)
    done = subprocess.run(program(engine, "-o", "-", "ctx"), check=True, capture_output=True)
    engine.check()
    assert done.stdout == data


def test_half_an_output_leaves_nothing(
    build: Build, context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.tell(type="output", channel=1, index=0)
        conversation.send(DATA, 1, b"half")
        conversation.tell(type="failed", message="no space left on device")

    assert build(script, "-o", "type=tar,dest=x.tar", "ctx") == 1
    assert capsys.readouterr().err == "ERROR: failed to solve: no space left on device\n"
    assert sorted(os.listdir()) == ["ctx"]


def test_an_agent_is_reached(
    build: Build, context: Path, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine
) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("agent")
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", "agent")

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                while data := connection.recv(100):
                    connection.sendall(b"answer to " + data)

        thread = threading.Thread(target=answer)
        thread.start()
        answers = []

        def script(conversation: Conversation) -> None:
            conversation.tell(type="ssh", channel=5, id="default")
            conversation.send(DATA, 5, message(LIST_KEYS))
            answers.append(conversation.next().data)
            conversation.send(END, 5)
            assert conversation.next().kind == END
            conversation.done()

        assert build(script, "--ssh", "default", "-q", "ctx") == 0
        thread.join(30)
    assert answers == [b"answer to " + message(LIST_KEYS)]
    assert engine.request["ssh"] == ["default"]


def test_interrupted(engine: FakeEngine, context: Path) -> None:
    begun = threading.Event()

    def script(conversation: Conversation) -> None:
        conversation.tell(type="output", channel=1, index=0)
        conversation.send(DATA, 1, b"half")
        conversation.event("said", text="at work")
        begun.set()
        conversation.next()

    engine.play(script)
    command = program(engine, "-o", "type=tar,dest=x.tar", "ctx")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert begun.wait(30)
        assert process.stderr is not None
        assert process.stderr.readline() == "at work\n"
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert (process.returncode, rest) == (130, "canceled\n")
    engine.check()
    assert engine.gone.is_set()
    assert os.listdir() == ["ctx"]


def test_an_engine_that_goes_away(
    build: Build, context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build(lambda conversation: None, "ctx") == 1
    assert "the engine ended the connection in the middle of the build" in capsys.readouterr().err


FOUND: dict[str, Any] = {
    "rule": "FromAsCasing", "message": "casing", "first": 1, "last": 1, "url": "https://x",
    "description": "", "snippet": "",
}  # fmt: skip


def test_findings_are_listed_after_a_build(
    build: Build, context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(conversation: Conversation) -> None:
        conversation.event("found", **FOUND)
        conversation.done()

    assert build(script, "ctx") == 0
    assert capsys.readouterr().err == (
        "\n 1 warning found (use --check to expand):\n - FromAsCasing: casing (line 1)\n"
    )


@pytest.mark.parametrize(
    ("words", "fails", "status", "begins"),
    [
        (["--check"], False, 1, "Check complete, 1 warning has been found!\n"),
        (["--check"], True, 1, "Check complete, 1 warning has been found!\n"),
        (["--call", "check,ignorestatus=true"], False, 0, "Check complete, 1 warning"),
        (["--call", "check,format=json"], False, 1, '{\n  "warnings": [\n'),
    ],
)
def test_checks(
    build: Build, context: Path, engine: FakeEngine, capsys: pytest.CaptureFixture[str],
    words: list[str], fails: bool, status: int, begins: str,
) -> None:  # fmt: skip
    def script(conversation: Conversation) -> None:
        conversation.event("found", **FOUND)
        if fails:
            conversation.tell(type="failed", message="lint violation found for rules: FromAsCasing")
        else:
            conversation.done("")

    assert build(script, *words, "ctx") == status
    assert engine.request["check"] is True
    shown = capsys.readouterr()
    assert shown.out.startswith(begins)
    assert shown.err == ""


def test_a_dockerfile_is_described_without_an_engine(
    context: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = ["-H", "unix:///nowhere/x.sock", "build"]
    assert main.run([*host, "--call=targets", "ctx"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "(default)"
    assert main.run([*host, "--call=targets,format=json", "ctx"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"][0]["default"] is True
    (context / "Dockerfile").write_text("ARG A=1\nFROM scratch AS x\n")
    assert main.run([*host, "--call=outline", "ctx"]) == 0
    assert "A           1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["--progress", "x", "ctx"], 1, "invalid progress type 'x': use auto, plain"),
        (
            ["-q", "--progress", "plain", "ctx"],
            1,
            "progress=plain and quiet cannot be used together",
        ),
        (["--progress", "tty", "ctx"], 1, "--progress=tty wants a terminal"),
        (["nope"], 1, 'unable to prepare context: path "nope" not found'),
        ([], 1, "'wherry build' requires 1 argument"),
        (["--nope", "ctx"], 125, "unknown flag: --nope"),
        (["ctx"], 1, "Cannot connect to the wherry engine at unix:///nowhere/x.sock"),
    ],
)
def test_mistakes(
    context: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, complaint: str
) -> None:
    assert main.run(["-H", "unix:///nowhere/x.sock", "build", *words]) == status
    assert complaint in capsys.readouterr().err


def test_credentials_and_proxies_of_the_configuration(
    build: Build, engine: FakeEngine, context: Path, tmp_path: Path
) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(
        json.dumps(
            {
                "auths": {
                    "https://index.docker.io/v1/": {"auth": "dTpw"},
                    "https://r.example/v2/": {"auth": "dTpw"},
                },
                "credHelpers": {"other.example": "that-is-not-there"},
                "proxies": {"default": {"httpProxy": "http://p"}},
            }
        )
    )
    assert build(succeed, "-q", "ctx") == 0
    found = engine.request["credentials"]
    assert sorted(found) == ["https://index.docker.io/v1/", "r.example"]
    assert found["r.example"]["username"] == "u"
    assert engine.request["arguments"] == {"HTTP_PROXY": "http://p", "http_proxy": "http://p"}


def test_a_build_loads_nothing_heavy() -> None:
    code = "import sys, wherry.cli.build.perform; print(*sys.modules)"
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    heavy = {"asyncio", "msgspec", "aiohttp", "ssl", "http", "tarfile", "tempfile", "subprocess"}
    assert heavy & set(done.stdout.split()) == set()
