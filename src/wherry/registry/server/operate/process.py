"""What the kernel knows of this process, under the names that Prometheus' own clients give it."""

from __future__ import annotations

import contextlib
import os
import time

from wherry.linux.process import start_ticks
from wherry.registry.server.operate.exposition import Family, Sample

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def process_families() -> list[Family]:
    """Return memory, descriptors, processor time and start; what cannot be read is left out."""
    figures = (
        ("process_resident_memory_bytes", "gauge", "Resident memory size.", _memory()),
        ("process_open_fds", "gauge", "Open file descriptors.", _descriptors()),
        ("process_cpu_seconds_total", "counter", "Processor time spent.", time.process_time()),
        ("process_start_time_seconds", "gauge", "Start, since the epoch.", _START),
    )
    return [
        Family(name, kind, text, [Sample(value)])
        for name, kind, text, value in figures
        if value is not None
    ]


def _memory() -> float | None:
    with contextlib.suppress(OSError), open("/proc/self/statm", "rb") as source:
        return float(int(source.read().split()[1]) * _PAGE)
    return None


def _descriptors() -> float | None:
    with contextlib.suppress(OSError):
        # One of them is the one by which they are counted.
        return float(len(os.listdir("/proc/self/fd")) - 1)
    return None


def _started() -> float | None:
    ticks = start_ticks(os.getpid())
    if ticks is None:
        return None
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / _TICKS


_START = _started()
