"""Measure `docker build` with wherryd and dockerd in one run and print ratios.

    python benchmarks/build.py                   uncached and cached
    python benchmarks/build.py cached --rounds 9

A Dockerfile of two stages and 12 steps, with a context of 2,000 files and 50 MB, through the stock
client without BuildKit. The engines take turns, so that whatever else the machine does hits both.
The client needs a part of each time to pack and send the context: no engine can be faster.
Needs root, Debian's docker.io and busybox-static.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.compare import Result, alternate, print_table
from benchmarks.engines import Engine, both_engines

DOCKERFILE = """\
FROM busybox AS build
ENV PREFIX=/opt/app
WORKDIR /src
COPY . .
RUN mkdir -p $PREFIX/lib && for n in 0 1 2 3 4; do cat package-$n/*.src >$PREFIX/lib/$n.a; done
RUN mkdir $PREFIX/share && for i in $(seq 300); do echo "page $i" >$PREFIX/share/$i.txt; done
FROM busybox
LABEL org.example.name=app org.example.version=1.0
RUN echo 'app:x:100:100:app:/opt/app:/bin/sh' >>/etc/passwd && rm -r /var
COPY --from=build --chown=100:100 /opt/app /opt/app
USER app
CMD ["/opt/app/bin/app", "--serve"]
"""
PACKAGES, FILES_IN_EACH, FILE_BYTES = 20, 100, 25_000
# What a build has to be faster by: a third of dockerd's time, a quarter when all is cached.
UNCACHED_GOAL, CACHED_GOAL = 3, 4


def write_context(root: Path) -> None:
    """Write the Dockerfile and files that neither compress well nor differ between runs."""
    source = random.Random(7)
    (root / "Dockerfile").write_text(DOCKERFILE)
    for package in range(PACKAGES):
        folder = root / f"package-{package}"
        folder.mkdir()
        for number in range(FILES_IN_EACH):
            (folder / f"{number:03}.src").write_bytes(source.randbytes(FILE_BYTES))


def measure(engines: tuple[Engine, Engine], context: Path, rounds: int, *, cached: bool) -> Result:
    """Time whole processes of the client; with `cached`, the first try has made everything."""
    flags = () if cached else ("--no-cache",)
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}

    def once(engine: Engine) -> float:
        began = time.perf_counter()
        engine.docker("build", "-t", "app", *flags, str(context), env=environment)
        return time.perf_counter() - began

    ours, theirs = alternate(engines, once, rounds)
    what = f"docker build, {'all cached' if cached else 'nothing cached'}, median"
    return Result(what, "s", ours, theirs, "less", CACHED_GOAL if cached else UNCACHED_GOAL)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", choices=["uncached", "cached", []])
    parser.add_argument("--rounds", type=int, default=5, help="samples of each engine")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wherry-context.") as folder:
        context = Path(folder)
        write_context(context)
        with both_engines() as engines:
            measures: dict[str, Callable[[], Result]] = {
                "uncached": lambda: measure(engines, context, options.rounds, cached=False),
                "cached": lambda: measure(engines, context, options.rounds, cached=True),
            }
            results = [measures[name]() for name in options.what or measures]
    if options.format == "json":
        print(json.dumps([asdict(result) | {"ratio": result.ratio} for result in results]))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
