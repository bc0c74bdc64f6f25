"""The keeper with the real runtime: what a container inherits of it, which is nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fixtures.busybox import BUSYBOX
from fixtures.keepers import Bench
from wherry.keeper import start
from wherry.keeper.client import Exited, KeeperClient
from wherry.keeper.protocol import CreateContainer
from wherry.logs.reader import Query, lines
from wherry.runtime import cgroups

CGROUPS = f"/wherry-keeper-test-{os.getpid()}"


def container(bench: Bench, name: str, *command: str) -> CreateContainer:
    """Return a request for a container with busybox in a root of its own."""
    request = bench.container(name, *command)
    root = Path(request.bundle, "rootfs")
    for folder in ("bin", "dev", "proc"):
        (root / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    kinds = ("pid", "ipc", "uts", "mount", "network")
    config = {
        "ociVersion": "1.0.2",
        "root": {"path": str(root)},
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": command,
            "env": ["PATH=/bin"],
            "cwd": "/",
        },
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {
            "namespaces": [{"type": kind} for kind in kinds],
            "cgroupsPath": f"{CGROUPS}/{name}",
        },
    }
    Path(request.bundle, "config.json").write_text(json.dumps(config))
    return request


@pytest.fixture
async def real(bench: Bench) -> AsyncIterator[KeeperClient]:
    interpreter = start.sealed_interpreter()
    spawned = start.spawn(bench.exec_root, 0, interpreter)
    os.close(interpreter)
    client = await KeeperClient.connect(spawned.path, bench.events.put_nowait)
    yield client
    for held in (await client.hello()).held:
        await client.forget(held.id)
    assert await client.retire()
    os.waitpid(spawned.pid, 0)
    client.close()


async def test_nothing_of_the_keeper_gets_in(bench: Bench, real: KeeperClient) -> None:
    script = (
        "busybox ls -l /proc/self/fd /proc/self/exe; busybox grep Sig /proc/self/status; exit 3"
    )
    custody = await real.create(container(bench, "c", "busybox", "sh", "-c", script))
    assert os.readlink(f"/proc/{custody.pid}/exe").startswith("/memfd:wherry-keeper")
    await real.start("c")
    exited = await bench.event()
    assert isinstance(exited, Exited)
    custody.close()
    cgroups.remove(f"{CGROUPS}/c")
    cgroups.remove(CGROUPS)
    text = [line.data.decode().strip() for line in lines(bench.log_directory("c"), Query())]
    assert exited.wait_status == 3 << 8, text
    links = [line.split(" -> ")[1] for line in text if " -> " in line]
    assert "/dev/null" in links
    assert "/bin/busybox" in links
    assert sum(link.startswith("pipe:[") for link in links) == 2
    assert not any("memfd" in link or "socket" in link for link in links)
    assert "SigIgn:\t0000000000000000" in text
    assert "SigBlk:\t0000000000000000" in text
