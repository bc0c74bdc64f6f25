"""The flags of `build`, each with a build in which it makes a difference."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.engine import Engine
from fixtures.registry import running_registry
from fixtures.wherry_client import WHERRY, environment, wherry

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a Dockerfile into a directory of the test's own, and return the directory."""

    def written(text: str) -> Path:
        folder = tmp_path / "context"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(f"FROM busybox\n{text}\n")
        return folder

    return written


@pytest.fixture(autouse=True)
def clean(engine: Engine) -> Iterator[None]:
    """The image of a test is gone when it ends."""
    yield
    engine.docker("rmi", "-f", "built", check=False)


def output(engine: Engine, *words: str) -> str:
    """Run the image that was built."""
    return engine.docker("run", "--rm", "built", *words).stdout


def configuration(engine: Engine) -> dict[str, object]:
    """Return what `inspect` says of the image that was built."""
    [found] = json.loads(engine.docker("image", "inspect", "built").stdout)
    return dict(found)


def test_names_of_hosts(engine: Engine, write: Write) -> None:
    folder = write("RUN grep printer /etc/hosts > /hosts")
    wherry(engine, "build", "--add-host", "printer:10.1.2.3", "-t", "built", str(folder))
    assert output(engine, "cat", "/hosts").split() == ["10.1.2.3", "printer"]


def test_arguments_and_labels(engine: Engine, write: Write) -> None:
    folder = write("ARG A\nARG B\nENV ALL=$A-$B")
    wherry(engine, "build", "--build-arg", "A=1", "--build-arg", "B", "--label", "x=y",
           "--tag", "built", str(folder), more={"B": "from outside"})  # fmt: skip
    config = configuration(engine)["Config"]
    assert isinstance(config, dict)
    assert "ALL=1-from outside" in config["Env"]
    assert config["Labels"] == {"x": "y"}


def test_another_file_and_stage_and_context(engine: Engine, write: Write, tmp_path: Path) -> None:
    folder = write("")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "data").write_text("more data")
    (folder / "Other").write_text(
        "FROM busybox AS wanted\nCOPY --from=more data /data\nFROM wanted\nRUN false\n"
    )
    wherry(
        engine, "build", "--file", str(folder / "Other"), "--target", "wanted",
        "--build-context", f"more={tmp_path}/more", "-t", "built", str(folder),
    )  # fmt: skip
    assert output(engine, "cat", "/data") == "more data"


def test_limits_reach_the_processes(engine: Engine, write: Write) -> None:
    folder = write(
        "RUN ulimit -n > /files; df -m /dev/shm | tail -n 1 > /shm; cat /proc/self/cgroup > /own\n"
        "RUN cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
        " > /memory 2> /dev/null; grep Cpus_allowed_list /proc/self/status > /cpus;"
        " cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.shares"
        " /sys/fs/cgroup/cpu.max > /quota 2> /dev/null; true"
    )
    parent = f"/flags-build-{os.getpid()}"
    try:
        wherry(
            engine, "build", "--ulimit", "nofile=333:444", "--shm-size", "5m", "--memory", "64m",
            "--memory-swap", "80m", "--cpuset-cpus", "0", "--cpuset-mems", "0", "--cpu-period",
            "50000", "--cpu-quota", "25000", "--cpu-shares", "512", "--cgroup-parent", parent,
            "-t", "built", str(folder),
        )  # fmt: skip
    finally:
        remove_cgroup(parent)
    told = output(engine, "sh", "-c", "cat /files /shm /memory /cpus /quota")
    assert told.startswith("333\n")
    assert " 5 " in told.split("\n")[1]
    assert str(64 << 20) in told
    assert "Cpus_allowed_list:\t0\n" in told
    assert "25000" in told


def remove_cgroup(parent: str) -> None:
    """Remove a cgroup that a flag has made; the engine removes only its own."""
    for top in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()):
        if (top / parent[1:]).is_dir():
            (top / parent[1:]).rmdir()


def test_limits_in_one_flag(engine: Engine, write: Write) -> None:
    folder = write("RUN grep Cpus_allowed_list /proc/self/status > /cpus")
    wherry(engine, "build", "--resource", "memory=64m,cpuset-cpus=0", "-t", "built", str(folder))
    assert output(engine, "cat", "/cpus").split() == ["Cpus_allowed_list:", "0"]


def test_the_network_of_the_processes(engine: Engine, write: Write) -> None:
    folder = write("RUN ls /sys/class/net > /links")
    wherry(engine, "build", "--network", "none", "-t", "built", str(folder))
    assert output(engine, "cat", "/links").split() == ["lo"]


def test_what_needs_to_be_allowed(engine: Engine, write: Write) -> None:
    folder = write("RUN --security=insecure grep CapEff /proc/self/status > /caps")
    assert "security.insecure" in wherry(engine, "build", "-t", "built", str(folder), status=1)
    wherry(engine, "build", "--allow", "security.insecure", "-t", "built", str(folder))
    assert int(output(engine, "cat", "/caps").split()[1], 16) >> 21 & 1  # CAP_SYS_ADMIN


def test_the_cache_and_how_to_do_without(engine: Engine, write: Write) -> None:
    folder = write("RUN head -c 8 /dev/urandom | od -x > /number")

    def number(*words: str) -> str:
        wherry(engine, "build", *words, "-t", "built", str(folder))
        return output(engine, "cat", "/number")

    first = number("--progress", "plain")
    assert number("--cache-from", "busybox", "--rm", "--force-rm", "--compress") == first
    wherry(engine, "build", "--cache-from", "busybox", "--rm", "--force-rm", "--compress",
           "--disable-content-trust", "--builder", "default", "--isolation", "default",
           "-t", "built", str(folder))  # fmt: skip
    assert output(engine, "cat", "/number") == first
    wherry(engine, "build", "--no-cache", "-t", "built", str(folder))
    second = output(engine, "cat", "/number")
    assert second != first
    (folder / "Dockerfile").write_text(
        (folder / "Dockerfile").read_text().replace("busybox", "busybox AS one")
    )
    wherry(engine, "build", "--no-cache-filter", "one", "-t", "built", str(folder))
    assert output(engine, "cat", "/number") not in (first, second)


def test_why_a_step_was_not_cached(engine: Engine, write: Write) -> None:
    folder = write("COPY file /\nRUN true")
    (folder / "file").write_text("1")
    wherry(engine, "build", "-t", "built", str(folder))
    (folder / "file").write_text("2")
    told = wherry(engine, "build", "--why", "--progress", "plain", "-t", "built", str(folder),
                  more={"NO_COLOR": "1"})  # fmt: skip
    both = told + wherry(engine, "build", "--why", "--check", str(folder))
    assert both  # the words are those of tests/compat/test_wherry_build.py; here: both flags work


def test_a_pull_of_what_is_here(engine: Engine, write: Write, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as address:
        engine.docker("tag", "busybox", f"{address}/base")
        engine.docker("push", f"{address}/base")
        folder = write("")
        (folder / "Dockerfile").write_text(f"FROM {address}/base\nENV A=1\n")
        wherry(engine, "build", "--pull", "-t", "built", str(folder))
        wherry(engine, "build", "--push", "-t", f"{address}/made", str(folder))
        engine.docker("rmi", f"{address}/made", f"{address}/base")
        engine.docker("pull", f"{address}/made")
        engine.docker("rmi", f"{address}/made")
    assert wherry(engine, "build", "--pull", "-t", "built", str(folder), status=1)


def test_results(engine: Engine, write: Write, tmp_path: Path) -> None:
    folder = write("ENV A=1")
    identity = wherry(
        engine, "build", "--quiet", "--load", "--iidfile", str(tmp_path / "id"),
        "--metadata-file", str(tmp_path / "metadata"), "--annotation", "a=b",
        "--platform", "linux/amd64", "-t", "built", str(folder),
    )  # fmt: skip
    assert identity.strip() == (tmp_path / "id").read_text() == configuration(engine)["Id"]
    assert "containerimage.config.digest" in json.loads((tmp_path / "metadata").read_text())


def test_only_looking(engine: Engine, write: Write) -> None:
    folder = write("ARG A=1")
    told = wherry(engine, "build", "--call", "targets", str(folder))
    assert "TARGET" in told.upper()
    assert wherry(engine, "build", "--check", str(folder))


@pytest.mark.parametrize("flag", ["--sbom", "--provenance"])
def test_attestations_can_be_refused(engine: Engine, write: Write, flag: str) -> None:
    folder = write("ENV A=1")
    wherry(engine, "build", "--sbom", "false", "--provenance", "false", "--attest",
           "type=sbom,disabled=true", "-t", "built", str(folder))  # fmt: skip
    told = wherry(engine, "build", flag, "true", str(folder), status=1)
    assert f"{flag} is not supported: attestations are not made" in told


def test_what_is_not_supported_says_so(engine: Engine, write: Write) -> None:
    folder = write("ENV A=1")
    told = wherry(engine, "build", "--squash", str(folder), status=1)
    assert "--squash is not supported" in told
    told = wherry(engine, "build", "--policy", "x", str(folder), status=1)
    assert "--policy is not supported" in told
    told = wherry(engine, "build", "--isolation", "hyperv", str(folder), status=1)
    assert "invalid isolation" in told
    told = wherry(engine, "build", "--builder", "other", str(folder), status=1)
    assert "no builder 'other' found" in told


def test_what_has_no_effect_says_so(engine: Engine, write: Write) -> None:
    folder = write("ENV A=1")
    done = subprocess.run(
        [WHERRY, "build", "--cache-to", "type=inline", "--security-opt", "x", "-t", "built",
         str(folder)],
        capture_output=True, text=True, check=True, env=environment(engine),
    )  # fmt: skip
    assert "--cache-to is not supported" in done.stderr
    assert "--security-opt has no effect" in done.stderr
