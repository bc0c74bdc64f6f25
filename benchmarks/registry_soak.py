"""Push, pull and delete for long, with collection running all the time, and compare at the end.

    python benchmarks/registry_soak.py                            ten minutes, 20 clients
    python benchmarks/registry_soak.py --seconds 60 --clients 50

What the registry has acknowledged is pulled and compared in the end, and what was deleted has to be
gone from the disk. Any difference ends the run with status 1. The figures are of everything
together: the clients are in Python too, and take their part of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fixtures.registry_ledger import BROKEN, Load, digests_on_disk, session
from fixtures.waiting import eventually
from fixtures.wherry_registry import WherryRegistry, running_wherry_registry

GRACE = 5.0
TEXT = """
[listen]
address = "127.0.0.1"
port = {port}
workers = 2

[operation]
access_log = ""

[collection]
interval = 0.5
grace = 5

[[collection.retention]]
repositories = ["*"]
keep_untagged = 0
"""
REPORTS = 10
KIBIBYTE = 1024


def memory(registry: WherryRegistry) -> int:
    """Return the resident bytes of the registry's processes."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            session = os.getsid(int(entry.name))
            status = (entry / "status").read_text()
        except OSError:
            continue
        if session == registry.pid and "VmRSS:" in status:
            total += int(status.split("VmRSS:")[1].split()[0]) * KIBIBYTE
    return total


def figures(load: Load, registry: WherryRegistry, seconds: float) -> str:
    """Return a line of what was done so far."""
    objects = list((registry.root / "objects").glob("*/*"))
    acts = "  ".join(f"{act} {count:,}" for act, count in sorted(load.log.items()))
    rate = sum(load.log.values()) / seconds
    return (
        f"{seconds:6.0f} s  {rate:6.1f}/s  {memory(registry) / (1 << 20):6.1f} MiB  "
        f"{len(objects):,} objects  {acts}"
    )


async def soak(registry: WherryRegistry, seconds: float, clients: int) -> Load:
    """Run the clients, print how it goes, and let them compare; returns what they know."""
    load = Load(registry.url, seed=int(time.time()), grace=GRACE)
    print(f"seed {load.seed}")
    began = time.monotonic()
    async with session() as connections:
        load.join(connections, clients)
        for _ in range(REPORTS):
            await load.run(seconds / REPORTS)
            print(figures(load, registry, time.monotonic() - began), flush=True)
        await load.verify()
    return load


def main() -> int:
    """Run it and say whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=20)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="wherry-soak.") as folder,
        running_wherry_registry(Path(folder), TEXT) as registry,
    ):
        return soaked(registry, options.seconds, options.clients)


def soaked(registry: WherryRegistry, seconds: float, clients: int) -> int:
    """Soak, compare what is left, and return the status of the program."""
    try:
        load = asyncio.run(soak(registry, seconds, clients))
        needed = sorted(load.needed)
        eventually(lambda: digests_on_disk(registry.root) == needed, 60)
    except (AssertionError, *BROKEN) as error:
        print(f"{type(error).__name__}: {error}\n{registry.logged()}", file=sys.stderr)
        return 1
    checked = registry.run("check", "--read")
    print(checked.stdout + checked.stderr)
    return checked.returncode


if __name__ == "__main__":
    sys.exit(main())
