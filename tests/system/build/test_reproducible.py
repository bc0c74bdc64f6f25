"""The same input gives the same image: on another engine, at another time, from other metadata."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fixtures.contexts import classic, context
from fixtures.engine import Engine

TEXT = """
FROM busybox AS made
WORKDIR /src
COPY . .
RUN mkdir -p out/deep && date >out/deep/file && ln out/deep/file out/hard && ln -s file out/link
FROM busybox
COPY --from=made /src/out /out
COPY <<EOF /heredoc
text
EOF
RUN rm /bin/vi && touch /etc/new
"""
EPOCH = ["--build-arg", "SOURCE_DATE_EPOCH=1700000000"]


def digests(engine: Engine, name: str) -> tuple[str, list[str]]:
    shown = json.loads(engine.docker("image", "inspect", name).stdout)[0]
    return shown["Id"], shown["RootFS"]["Layers"]


def test_two_engines_make_the_same_image(
    engine: Engine, own_engine: Engine, tmp_path: Path
) -> None:
    # Where the process writes the time into a file, nothing can help: it does not here.
    text = TEXT.replace("date >", "echo fixed >")
    made = []
    for number, builder in enumerate((engine, own_engine)):
        folder = context(tmp_path / str(number), text, {"a": "1", "b/c": "2"})
        os.utime(folder / "a", (1.6e9 + number, 1.6e9 + number))
        name = classic(builder, folder, "-q", *EPOCH).stdout.strip()
        made.append(digests(builder, name))
    assert made[0] == made[1]


def test_nothing_in_it_is_younger_than_the_epoch(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, TEXT, {"a": "1"})
    name = classic(engine, folder, "-q", *EPOCH).stdout.strip()
    shown = json.loads(engine.docker("image", "inspect", name).stdout)[0]
    assert shown["Created"] == "2023-11-14T22:13:20Z"
    listing = "stat -c %Y /out /out/deep /out/deep/file /heredoc /etc/new /etc /bin"
    told = engine.docker("run", "--rm", name, "sh", "-c", listing).stdout.split()
    # /etc is touched by what a container mounts there.
    assert all(int(time) <= 1700000000 for time in [*told[:5], told[6]])


def test_a_cached_build_gives_the_same_image(engine: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, TEXT, {"a": "1"})
    first = classic(engine, folder, "-q").stdout
    os.utime(folder / "a", (1, 1))
    assert classic(engine, folder, "-q").stdout == first


def test_a_step_that_changes_nothing_keeps_what_follows(engine: Engine, tmp_path: Path) -> None:
    text = "FROM busybox\nRUN {}\nRUN echo x >/x\n"
    classic(engine, context(tmp_path, text.format("true")))
    told = classic(engine, context(tmp_path, text.format("test 1 = 1"))).stdout
    assert told.count("Using cache") == 1
