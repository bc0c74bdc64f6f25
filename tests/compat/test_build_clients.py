"""Builds by clients that people have: docker's classic builder, docker-py, docker-compose 1.29."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
import uuid
from pathlib import Path

import docker
import docker.errors
import pytest

from fixtures.contexts import classic, context
from fixtures.engine import Engine

TWO_STAGES = """
FROM busybox AS maker
ARG WORD=nothing
WORKDIR /made
RUN echo "$WORD" >out
FROM busybox
COPY --from=maker /made/out /out
CMD ["cat", "/out"]
"""


def image_of(engine: Engine, name: str) -> str:
    return str(json.loads(engine.docker("image", "inspect", name).stdout)[0]["Id"])


def test_the_stock_client_builds_and_runs(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, TWO_STAGES)
    words = ["-t", "two:stages", "-t", "two:again", "--build-arg", "WORD=hello", "--label", "a=b"]
    told = classic(engine, folder, *words).stdout
    steps = re.findall(r"^Step (\d+)/7 : (\w+)", told, re.MULTILINE)
    assert steps == [
        (str(n), keyword)
        for n, keyword in enumerate(["FROM", "ARG", "WORKDIR", "RUN", "FROM", "COPY", "CMD"], 1)
    ]
    built = re.search(r"^Successfully built ([0-9a-f]{12})$", told, re.MULTILINE)
    assert built
    assert "Successfully tagged two:stages\nSuccessfully tagged two:again\n" in told
    assert image_of(engine, "two:again").removeprefix("sha256:").startswith(built[1])
    assert engine.docker("run", "--rm", "two:stages").stdout == "hello\n"
    shown = json.loads(engine.docker("image", "inspect", "two:stages").stdout)[0]
    assert shown["Config"]["Labels"] == {"a": "b"}


def test_a_second_build_is_cached_and_gives_the_same_image(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, TWO_STAGES)
    first = classic(engine, folder, "-q").stdout.strip()
    told = classic(engine, folder).stdout
    assert told.count(" ---> Using cache") == 3
    assert classic(engine, folder, "-q").stdout.strip() == first
    assert re.fullmatch("sha256:[0-9a-f]{64}", first)


def test_a_failing_step_says_which_and_gives_its_code(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, "FROM busybox\nRUN echo before; echo why >&2; exit 42\n")
    done = classic(engine, folder, check=False)
    assert done.returncode == 42
    assert "Step 2/2 : RUN echo before" in done.stdout
    assert "before\n" in done.stdout
    assert "why" in done.stdout + done.stderr
    assert "The command '/bin/sh -c echo before; echo why >&2; exit 42' returned a non-zero" in (
        done.stderr
    )


def test_what_is_wrong_with_a_dockerfile_is_named(engine: Engine, tmp_path: Path) -> None:
    done = classic(engine, context(tmp_path, "FROM busybox\nRUNN x\n"), check=False)
    assert done.returncode == 1
    assert "dockerfile parse error on line 2: unknown instruction: RUNN" in done.stderr
    assert "did you mean RUN?" in done.stderr


def test_a_dockerfile_on_standard_input(engine: Engine) -> None:
    done = subprocess.run(
        ["docker", "-H", engine.host, "build", "-q", "-"],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        input="FROM busybox\nRUN echo from stdin >/x\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = engine.docker("run", "--rm", done.stdout.strip(), "cat", "/x").stdout
    assert told == "from stdin\n"


def test_limits_reach_the_process(engine: Engine, tmp_path: Path) -> None:
    script = (
        'ulimit -n >/n; cat /etc/hosts >/h; df -k /dev/shm | tail -n 1 | awk "{print \\$2}" >/s'
    )
    folder = context(tmp_path, f"FROM busybox\nRUN {script}\n")
    words = ["--ulimit", "nofile=77:88", "--add-host", "there:10.9.8.7", "--shm-size", "32m"]
    name = classic(engine, folder, "-q", *words).stdout.strip()
    told = engine.docker("run", "--rm", name, "cat", "/n", "/h", "/s").stdout
    assert told.startswith("77\n")
    assert "10.9.8.7\tthere" in told
    assert told.endswith("\n32768\n")


def test_docker_py_streams_and_returns(engine: Engine, tmp_path: Path) -> None:
    client = docker.DockerClient(base_url=engine.host)
    folder = context(tmp_path, TWO_STAGES)
    image, lines = client.images.build(
        path=str(folder), tag="by:py", buildargs={"WORD": "py"}, labels={"x": "y"}, rm=True
    )
    told = list(lines)
    assert image.tags == ["by:py"]
    assert image.labels == {"x": "y"}
    assert {"aux": {"ID": image.id}} in told
    assert any(line.get("stream", "").startswith("Step 4/7 : RUN") for line in told)
    assert client.containers.run("by:py", remove=True) == b"py\n"
    with pytest.raises(docker.errors.BuildError, match="non-zero code: 3") as failure:
        client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo no; exit 3\n"))
    assert any("no\n" in line.get("stream", "") for line in failure.value.build_log)
    with pytest.raises(docker.errors.APIError, match="unknown instruction"):
        list(client.api.build(fileobj=io.BytesIO(b"NOPE\n"), decode=True))
    client.close()


def test_a_context_that_is_an_archive_of_docker_py(engine: Engine) -> None:
    client = docker.DockerClient(base_url=engine.host)
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for name, data in (("sub/My.Dockerfile", b"FROM busybox\nCOPY f /f\n"), ("f", b"x")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    sink.seek(0)
    image, _ = client.images.build(
        fileobj=sink, custom_context=True, encoding="gzip", dockerfile="sub/My.Dockerfile"
    )
    assert client.containers.run(image.id, ["cat", "/f"], remove=True) == b"x"
    client.close()


COMPOSE = """
version: "2.4"
services:
  store:
    build:
      context: store
      args: {WORD: kept}
    command: sh -c 'cp /out /www/word; exec httpd -f -p 80 -h /www'
  front:
    build: front
    depends_on: [store]
    command: sh -c 'until wget -qO- http://store/word; do usleep 100000; done; exec sleep 600'
"""


def test_compose_builds_and_runs_a_project(engine: Engine, tmp_path: Path) -> None:
    for name in ("store", "front"):
        context(tmp_path / name, TWO_STAGES + "RUN mkdir /www\n")
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    project = f"b{uuid.uuid4().hex[:8]}"

    def compose(*words: str) -> str:
        done = subprocess.run(
            ["docker-compose", "-p", project, *words],
            cwd=tmp_path,
            env={**os.environ, "DOCKER_HOST": engine.host},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    try:
        assert "Successfully built" in compose("build")
        compose("up", "-d")
        fetched = compose("exec", "-T", "front", "wget", "-qO-", "http://store/word")
        assert fetched == "kept\n"
        compose("up", "-d", "--build", "--force-recreate", "-t", "0")
    finally:
        compose("down", "-v", "-t", "0", "--rmi", "local")
    assert project not in engine.docker("images").stdout
