"""Measure wherryd and dockerd in one run and print ratios.

    python benchmarks/compare.py                 everything
    python benchmarks/compare.py run start       only these (run, start, burst, memory)

The two take turns within every measurement, so that whatever else the machine does hits both.
Needs root, Debian's docker.io and busybox-static.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.engines import Engine, both_engines

MEBIBYTE = 1 << 20
# What is in use and cannot be given back without ending something (proc(5), /proc/meminfo).
UNRECLAIMABLE = ("AnonPages", "Shmem", "SUnreclaim", "KernelStack", "PageTables", "Percpu")


@dataclass(frozen=True)
class Result:
    """One line of the table; `better` says which direction is good, `goal` the wanted ratio."""

    what: str
    unit: str
    wherryd: float
    dockerd: float
    better: str
    goal: float

    @property
    def ratio(self) -> float:
        """How many times better wherryd is."""
        if self.better == "less":
            return self.dockerd / self.wherryd
        return self.wherryd / self.dockerd


def measure_run(engines: tuple[Engine, Engine], rounds: int) -> Result:
    """Time `docker run --rm busybox true` as a whole process, default bridge."""

    def once(engine: Engine) -> float:
        began = time.perf_counter()
        engine.docker("run", "--rm", "busybox", "true")
        return (time.perf_counter() - began) * 1000

    ours, theirs = alternate(engines, once, rounds)
    return Result("docker run --rm busybox true, median", "ms", ours, theirs, "less", 6)


def measure_start(engines: tuple[Engine, Engine], rounds: int) -> Result:
    """Time the API's start alone, of a container created before, on the default bridge."""

    def once(engine: Engine) -> float:
        api = engine.connect()
        container = api.create("sleep", "60")
        began = time.perf_counter()
        api.start(container)
        elapsed = (time.perf_counter() - began) * 1000
        api.remove(container)
        api.close()
        return elapsed

    ours, theirs = alternate(engines, once, rounds)
    return Result("API start, median", "ms", ours, theirs, "less", 10.5)


def measure_burst(engines: tuple[Engine, Engine], count: int, callers: int = 8) -> Result:
    """Create and start `count` containers with several callers at once: containers a second."""
    rates = []
    for engine in engines:
        began = time.perf_counter()
        with ThreadPoolExecutor(callers) as pool:
            made = list(pool.map(lambda _, engine=engine: _create_and_start(engine), range(count)))
        rates.append(count / (time.perf_counter() - began))
        _remove_all(engine, made)
    what = f"{count} containers, {callers} callers"
    return Result(what, "per second", rates[0], rates[1], "more", 8)


def measure_memory(engines: tuple[Engine, Engine], count: int) -> Result:
    """Memory that each idle container takes, of all processes and the kernel, in MB."""
    taken = []
    for engine in engines:
        warm = _create_and_start(engine)
        before = _settled()
        made = [_create_and_start(engine) for _ in range(count)]
        taken.append((_settled() - before) / count / MEBIBYTE)
        _remove_all(engine, [*made, warm])
    return Result("memory for each idle container", "MB", taken[0], taken[1], "less", 5.25)


def alternate(
    engines: tuple[Engine, Engine], once: Callable[[Engine], float], rounds: int
) -> tuple[float, float]:
    """Return the medians of `rounds` samples of each engine, taken in turns after a first try."""
    for engine in engines:
        once(engine)
    samples = [[once(engine) for engine in engines] for _ in range(rounds)]
    ours, theirs = zip(*samples, strict=True)
    return statistics.median(ours), statistics.median(theirs)


def _create_and_start(engine: Engine) -> str:
    api = engine.connect()
    container = api.create("sleep", "3600")
    api.start(container)
    api.close()
    return container


def _remove_all(engine: Engine, containers: list[str]) -> None:
    api = engine.connect()
    for container in containers:
        api.remove(container)
    api.close()


def _settled() -> int:
    """Return the bytes in use once two readings a second apart agree to within a megabyte."""
    last = _in_use()
    for _ in range(20):
        time.sleep(1)  # the kernel gives memory back by and by, and tells nobody
        now = _in_use()
        if abs(now - last) < MEBIBYTE:
            return now
        last = now
    return last


def _in_use() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    fields = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return sum(fields[name] for name in UNRECLAIMABLE)


def print_table(results: list[Result]) -> None:
    """Print one line for each result."""
    print(f"{'':40} {'wherryd':>10} {'dockerd':>10} {'':11} {'ratio':>7} {'goal':>6}")
    for result in results:
        print(
            f"{result.what:40} {result.wherryd:10.2f} {result.dockerd:10.2f} {result.unit:11}"
            f" {result.ratio:6.1f}x {result.goal:5.1f}x"
        )


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=["run", "start", "burst", "memory", []])
    parser.add_argument("--rounds", type=int, default=20, help="samples of each engine")
    parser.add_argument("--count", type=int, default=100, help="containers in burst and memory")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    wanted = options.what or ["run", "start", "burst", "memory"]
    with both_engines() as engines:
        measures: dict[str, Callable[[], Result]] = {
            "run": lambda: measure_run(engines, options.rounds),
            "start": lambda: measure_start(engines, options.rounds),
            "burst": lambda: measure_burst(engines, options.count),
            "memory": lambda: measure_memory(engines, options.count),
        }
        results = [measures[name]() for name in wanted]
    if options.format == "json":
        print(json.dumps([asdict(result) | {"ratio": result.ratio} for result in results]))
    else:
        print_table(results)


if __name__ == "__main__":
    main()
