"""The build cache as its users see it: what counts, what is listed, what is removed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.contexts import classic, context
from fixtures.engine import Engine, program, running_engine
from fixtures.waiting import eventually

TEXT = "FROM busybox\nCOPY file /file\nRUN echo made >/made\n"


def cached(engine: Engine, folder: Path, *words: str) -> int:
    """Build and return how many steps were in the cache."""
    return classic(engine, folder, *words).stdout.count("Using cache")


def listed(engine: Engine) -> list[dict[str, Any]]:
    shown = engine.docker("system", "df", "-v", "--format", "{{json .BuildCache}}").stdout
    return list(json.loads(shown))


def test_times_do_not_count_and_modes_do(own_engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, TEXT, {"file": "x"})
    assert cached(own_engine, folder) == 0
    os.utime(folder / "file", (1, 1))
    assert cached(own_engine, folder) == 2
    (folder / "file").chmod(0o755)
    assert cached(own_engine, folder) == 0
    (folder / "file").chmod(0o644)
    assert cached(own_engine, folder) == 2
    (folder / "file").write_text("y")
    assert cached(own_engine, folder) == 0
    (folder / "other").write_text("not copied")
    assert cached(own_engine, folder) == 2


def test_owners_of_a_sent_archive_do_not_count(own_engine: Engine) -> None:
    def build(uid: int) -> str:
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            for name, data in (("Dockerfile", TEXT.encode()), ("file", b"x")):
                entry = tarfile.TarInfo(name)
                entry.size, entry.uid = len(data), uid
                archive.addfile(entry, io.BytesIO(data))
        done = subprocess.run(
            ["docker", "-H", own_engine.host, "build", "-"],
            env={**os.environ, "DOCKER_BUILDKIT": "0"}, input=sink.getvalue(),
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout.decode()

    build(0)
    assert build(1234).count("Using cache") == 2


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ("FROM busybox\nLABEL a=b\nCOPY file /file\nRUN echo made >/made\n", 2),
        ("FROM busybox\nENV A=b\nCOPY file /file\nRUN echo made >/made\n", 1),
        ("FROM busybox\nARG A=b\nCOPY file /file\nRUN echo made >/made\n", 1),
        ("FROM busybox\nUSER nobody\nCOPY file /file\nUSER root\nRUN echo made >/made\n", 1),
        ("FROM busybox\nCOPY file /file\nRUN echo made  >/made\n", 1),
        ("FROM busybox\nCOPY --chown=1 file /file\nRUN echo made >/made\n", 0),
        ("FROM busybox\nCOPY file /other\nRUN echo made >/made\n", 0),
    ],
)
def test_what_counts(engine: Engine, tmp_path: Path, change: str, count: int) -> None:
    classic(engine, context(tmp_path, TEXT, {"file": "x"}))
    assert cached(engine, context(tmp_path, change), "--label", "x=y") >= count
    told = classic(engine, context(tmp_path, change)).stdout
    assert told.count("Using cache") == 2


def test_no_cache_and_a_stage_without(own_engine: Engine, tmp_path: Path) -> None:
    text = (
        "FROM busybox AS a\nRUN cat /proc/sys/kernel/random/uuid >/a\n"
        "FROM busybox AS b\nRUN echo b >/b\nCOPY --from=a /a /a\n"
    )
    folder = context(tmp_path, text)

    def build(*words: str) -> str:
        done = subprocess.run(
            [program("wherry"), "-H", own_engine.host, "build", "--progress", "plain", *words,
             str(folder)],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr

    assert build().count("CACHED") == 0
    assert build().count("CACHED") == 3
    assert build("--no-cache").count("CACHED") == 0
    told = build("--no-cache-filter", "a", "--why")
    assert told.count("CACHED") == 1
    assert "the cache was not to be used" in told
    assert "1 file changed" in told


def test_it_is_listed_and_removed(own_engine: Engine, tmp_path: Path) -> None:
    text = TEXT + "RUN --mount=type=cache,id=kept,target=/c head -c 100000 /dev/zero >/c/f\n"
    classic(own_engine, context(tmp_path, text, {"file": "x" * 1000}), "-t", "kept")
    kinds = {one["CacheType"] for one in listed(own_engine)}
    assert kinds == {"regular", "exec.cachemount"}
    assert [one for one in listed(own_engine) if one["InUse"] != "false"] == []
    removed = own_engine.docker("builder", "prune", "-f").stdout
    assert "Total reclaimed space" in removed
    assert {one["CacheType"] for one in listed(own_engine)} == {"regular"}
    own_engine.docker("rmi", "kept")
    own_engine.docker("builder", "prune", "-af")
    assert listed(own_engine) == []
    assert own_engine.docker("run", "--rm", "busybox", "echo", "fine").stdout == "fine\n"
    assert cached(own_engine, tmp_path) == 0


def test_an_image_keeps_its_layers_when_the_cache_goes(own_engine: Engine, tmp_path: Path) -> None:
    classic(own_engine, context(tmp_path, TEXT, {"file": "x"}), "-t", "kept")
    own_engine.docker("builder", "prune", "-af")
    assert own_engine.docker("run", "--rm", "kept", "cat", "/file", "/made").stdout == "xmade\n"
    own_engine.docker("save", "kept", "-o", str(tmp_path / "saved.tar"))
    own_engine.docker("rmi", "kept")
    own_engine.docker("load", "-i", str(tmp_path / "saved.tar"))
    assert own_engine.docker("run", "--rm", "kept", "cat", "/made").stdout == "made\n"


def test_the_budget_holds(tmp_path: Path) -> None:
    with running_engine("--build-cache", "300k") as engine:
        for number in range(6):
            folder = context(tmp_path, f"FROM busybox\nCOPY f /f{number}\n", {"f": "x" * 100_000})
            classic(engine, folder)
            engine.docker("image", "prune", "-f")
        classic(engine, context(tmp_path, "FROM busybox\nCOPY f /g\n", {"f": "y"}))

        def within() -> bool:
            told = engine.docker("system", "df", "--format", "{{.Type}} {{.Size}}").stdout
            (line,) = [one for one in told.splitlines() if one.startswith("Build Cache")]
            size = line.split()[-1]
            return not size.endswith("MB") and float(size.removesuffix("kB")) <= 307.2

        eventually(within)
