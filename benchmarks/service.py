"""Measure what a user waits for and what an idle engine takes; prints medians beside the goals.

    python benchmarks/service.py                  everything
    python benchmarks/service.py client start     only these (client, start, memory)

    client   whole processes: `wherry --help` and `wherry ps`, beside docker's and bare Python
    start    from the start of wherryd to its first answer, with 500 stopped containers
    memory   of all processes of an idle engine; what they share is divided among those who share it

Samples are taken in turns. Needs root, Debian's docker.io and busybox-static.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engines import Engine, both_engines
from fixtures.busybox import busybox_archive

BIN = Path(sys.executable).parent
START_SECONDS = 60.0
SETTLE_SECONDS = 5.0


@dataclass(frozen=True)
class Result:
    """One line of the table; `goal` is None where there is none."""

    what: str
    unit: str
    value: float
    goal: float | None = None


@dataclass(frozen=True)
class Wherryd:
    """A wherryd below a root of its own, started and stopped as often as is wanted."""

    root: Path

    @property
    def engine(self) -> Engine:
        """What talks to it."""
        return Engine("wherryd", str(self.root / "wherry.sock"))

    @contextlib.contextmanager
    def running(self) -> Iterator[float]:
        """Run it; yields the milliseconds from its start to its first answer."""
        command = [
            str(BIN / "wherryd"), "-H", f"unix://{self.engine.socket}",
            "--data-root", str(self.root / "data"), "--exec-root", str(self.root / "run"),
            "--pidfile", str(self.root / "pid"),
        ]  # fmt: skip
        began = time.perf_counter()
        with (self.root / "log").open("ab") as log:
            process = subprocess.Popen(command, stderr=log, start_new_session=True)
        try:
            self._await_answer(process)
            yield (time.perf_counter() - began) * 1000
        finally:
            process.terminate()
            process.wait(START_SECONDS)

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), contextlib.closing(self.engine.connect()) as api:
                api.request("GET", "/_ping")
                if api.getresponse().status == 200:
                    return
            time.sleep(0.002)  # the first answer is what is measured, and nobody announces it
        raise RuntimeError(f"wherryd did not start:\n{(self.root / 'log').read_text()}")


@contextlib.contextmanager
def own_wherryd() -> Iterator[Wherryd]:
    """Yield a wherryd that is not running yet."""
    root = Path(tempfile.mkdtemp(prefix="wherry-bench."))
    try:
        yield Wherryd(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure_client(rounds: int) -> list[Result]:
    """Time whole processes."""
    with own_wherryd() as wherryd, wherryd.running():
        host = ("-H", f"unix://{wherryd.engine.socket}")
        commands = {
            "python3 -c pass": [sys.executable, "-c", "pass"],
            "docker --help": ["docker", "--help"],
            "wherry --help": [str(BIN / "wherry"), "--help"],
            "docker ps": ["docker", *host, "ps"],
            "wherry ps": [str(BIN / "wherry"), *host, "ps"],
        }
        times = in_turns({name: _process(words) for name, words in commands.items()}, rounds)
    goals = {"wherry --help": 60.0, "wherry ps": 80.0}
    return [Result(name, "ms", value, goals.get(name)) for name, value in times.items()]


def measure_start(rounds: int, count: int) -> list[Result]:
    """Time wherryd from its start to its first answer."""
    with own_wherryd() as wherryd:
        with wherryd.running():
            archive = wherryd.root / "busybox.tar"
            archive.write_bytes(busybox_archive())
            wherryd.engine.docker("load", "-i", str(archive))
            api = wherryd.engine.connect()
            for _ in range(count):
                api.create("true")
            api.close()
        times = []
        for _ in range(rounds):
            with wherryd.running() as milliseconds:
                times.append(milliseconds)
    what = f"wherryd answers, {count} stopped containers"
    return [Result(what, "ms", statistics.median(times), 300.0)]


def measure_memory() -> list[Result]:
    """Sum the proportional set sizes of each engine's processes, in MB."""
    with both_engines() as engines:
        time.sleep(SETTLE_SECONDS)  # nothing tells when an engine has come to rest
        ours, theirs = (_memory(str(Path(engine.socket).parent)) for engine in engines)
    return [
        Result("wherryd and its keepers, idle", "MB", ours, theirs / 2),
        Result("dockerd and containerd, idle", "MB", theirs),
    ]


def in_turns(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the medians of `rounds` samples of each, taken in turns after a first try."""
    for measure in measures.values():
        measure()
    samples = [{name: measure() for name, measure in measures.items()} for _ in range(rounds)]
    return {name: statistics.median(one[name] for one in samples) for name in measures}


def _process(words: Sequence[str]) -> Callable[[], float]:
    def once() -> float:
        began = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return (time.perf_counter() - began) * 1000

    return once


def _memory(root: str) -> float:
    """Return what the processes take that were started with paths below `root`."""
    total = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{name}/cmdline").read_text().split("\0")
            if any(word.startswith((root, f"unix://{root}")) for word in words):
                rollup = Path(f"/proc/{name}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return total / 1024


def print_table(results: Sequence[Result]) -> None:
    """Print one line for each result."""
    print(f"{'':44} {'median':>8} {'':3} {'goal':>8}")
    for one in results:
        goal = "" if one.goal is None else f"{one.goal:8.1f}"
        print(f"{one.what:44} {one.value:8.1f} {one.unit:3} {goal}".rstrip())


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=["client", "start", "memory", []])
    parser.add_argument("--rounds", type=int, default=21, help="samples of each")
    parser.add_argument("--count", type=int, default=500, help="stopped containers")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    wanted = options.what or ["client", "start", "memory"]
    measures: dict[str, Callable[[], list[Result]]] = {
        "client": lambda: measure_client(options.rounds),
        "start": lambda: measure_start(options.rounds, options.count),
        "memory": measure_memory,
    }
    results = [result for name in wanted for result in measures[name]()]
    if options.format == "json":
        print(json.dumps([asdict(result) for result in results]))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
