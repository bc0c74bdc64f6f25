"""Collection runs all the time, with a grace of two seconds, beside pushes, pulls and deletes."""

from __future__ import annotations

from pathlib import Path

from fixtures.registry_ledger import Load, digests_on_disk, session
from fixtures.waiting import eventually
from fixtures.wherry_registry import running_wherry_registry

GRACE = 2.0
TEXT = """
[listen]
address = "127.0.0.1"
port = {port}
workers = 2

[collection]
interval = 0.1
grace = 2

[[collection.retention]]
repositories = ["*"]
keep_untagged = 0
"""


async def test_images_stay_and_what_was_deleted_goes(tmp_path: Path) -> None:
    with running_wherry_registry(tmp_path, TEXT) as registry:
        load = Load(registry.url, seed=1, grace=GRACE)
        async with session() as connections:
            load.join(connections, 20)
            await load.run(15)
            await load.verify()
        needed = sorted(load.needed)
        eventually(lambda: digests_on_disk(registry.root) == needed, 30)
        checked = registry.run("check", "--read")
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert min(load.log[act] for act in ("push", "pull", "delete", "pull_of_others")) > 20
    assert load.log["broken off"] == load.log["refused for now"] == 0
