"""Pulling: side by side, cancelled, failing."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.images import FakeRegistry, archive, leases
from fixtures.layers import adopted, image_of
from wherry.base.errors import DataLossError, InvalidError, UnavailableError, WherryError
from wherry.engine.events import Events
from wherry.engine.images.pull import PullImage
from wherry.engine.images.transfer import TransferStep
from wherry.oci.digest import InvalidDigestError, digest_bytes
from wherry.store.manifests import manifest_of
from wherry.store.store import Store

ONE = archive({"one": b"1" * 5000})
TWO = archive({"two": b"2" * 5000})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(str(tmp_path), sync=False)
    yield opened
    opened.close()


@pytest.fixture
def registry() -> FakeRegistry:
    made = FakeRegistry()
    made.offer("1", ONE, TWO)
    made.offer("2", ONE)
    return made


class Bench:
    """A verb and what it told."""

    def __init__(self, store: Store, registry: FakeRegistry) -> None:
        self.verb = PullImage(store, registry.client(), Events())
        self.told: list[TransferStep] = []

    async def pull(self, tag: str = "1") -> None:
        await self.pull_name(f"r.test/i:{tag}")

    async def pull_name(self, name: str) -> None:
        await self.verb(name, platform=None, credentials=None, progress=self.told.append)


@pytest.fixture
def bench(store: Store, registry: FakeRegistry) -> Bench:
    return Bench(store, registry)


async def test_an_image_comes_once(store: Store, registry: FakeRegistry, bench: Bench) -> None:
    await bench.pull()
    assert len(registry.fetched) == 3
    assert "Downloaded newer image" in bench.told[-1].status
    await bench.pull()
    assert len(registry.fetched) == 3
    assert "Image is up to date" in bench.told[-1].status
    assert leases(store) == []
    assert len(bench.verb._fetching) == 0
    store.collect()
    assert store.images.resolve("r.test/i:1").size == 10_000


async def test_a_name_without_a_tag_is_every_tag_of_it(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    await bench.pull_name("r.test/i")
    names = {one.familiar for each in store.images.all_references().values() for one in each}
    assert {"r.test/i:1", "r.test/i:2"} < names
    told = [step.status for step in bench.told]
    assert told.count("Pulling from i") == 2
    assert told[-1] == "Status: Downloaded newer image for r.test/i"
    registry.offer("3", TWO)
    await bench.pull_name("r.test/i")
    assert bench.told[-1].status == "Status: Downloaded newer image for r.test/i"
    await bench.pull_name("r.test/i")
    assert bench.told[-1].status == "Status: Image is up to date for r.test/i"


async def test_a_tag_that_fails_takes_none_of_those_before_it(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    registry.manifests["2"] = b"{"
    with pytest.raises(InvalidError):
        await bench.pull_name("r.test/i")
    assert store.images.resolve("r.test/i:1")
    assert leases(store) == []


async def test_many_pulls_at_once_fetch_each_blob_once(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    await asyncio.gather(*(bench.pull("1") for _ in range(5)), *(bench.pull("2") for _ in range(5)))
    assert sorted(registry.fetched) == sorted(set(registry.fetched))
    assert store.images.resolve("r.test/i:1").layers
    assert store.images.resolve("r.test/i:2").layers
    assert leases(store) == []


async def test_one_that_fails_does_not_spoil_those_that_wait(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    failures = ["once"]

    async def before(digest: str) -> None:
        await asyncio.sleep(0)
        if digest == digest_bytes(ONE) and failures:
            failures.pop()
            raise UnavailableError("the registry is tired")

    registry.before = before
    done = await asyncio.gather(*(bench.pull("1") for _ in range(6)), return_exceptions=True)
    assert [type(one) for one in done if one is not None] == [UnavailableError]
    assert store.images.resolve("r.test/i:1")
    assert leases(store) == []


@pytest.mark.parametrize("after", range(1, 14, 2))
async def test_a_cancelled_pull_leaves_what_the_next_one_goes_on_with(
    store: Store, registry: FakeRegistry, bench: Bench, after: int
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    seen, here = [], asyncio.Event()

    async def watch(digest: str) -> None:
        seen.append(digest)
        if len(seen) == after:
            here.set()
        await asyncio.sleep(0)

    registry.before = watch
    pulling = asyncio.ensure_future(bench.pull())
    await asyncio.wait([pulling, asyncio.ensure_future(here.wait())], return_when="FIRST_COMPLETED")
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    assert leases(store) == []
    assert store.content._busy == set()
    assert len(os.listdir("/proc/self/fd")) == before
    await bench.pull()
    store.collect()
    assert store.images.resolve("r.test/i:1").size == 10_000
    assert os.listdir(store.layout.partials) == []


async def test_what_is_not_what_was_announced_is_thrown_away(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    registry.blobs[digest_bytes(ONE)] = ONE[:-1] + b"!"
    with pytest.raises(DataLossError):
        await bench.pull("2")
    assert list(store.content.walk()) == []
    assert store.layers.all() == []
    assert leases(store) == []
    assert os.listdir(store.layout.partials) == []


async def test_what_was_kept_of_a_blob_and_is_spoilt_is_fetched_anew(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    """A power cut leaves holes in a file that nobody has brought to the disk."""
    with store.content.writer(expected=digest_bytes(ONE), size=len(ONE)) as writer:
        writer.write(bytes(3000))
    await bench.pull("2")
    assert registry.fetched.count(digest_bytes(ONE)) == 2
    assert store.images.resolve("r.test/i:2").layers
    assert os.listdir(store.layout.partials) == []
    assert leases(store) == []


async def test_a_source_that_is_spoilt_as_well_is_asked_no_third_time(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    registry.blobs[digest_bytes(ONE)] = ONE[:-1] + b"!"
    with store.content.writer(expected=digest_bytes(ONE), size=len(ONE)) as writer:
        writer.write(bytes(3000))
    with pytest.raises(DataLossError, match="verification failed"):
        await bench.pull("2")
    assert registry.fetched.count(digest_bytes(ONE)) == 2
    assert os.listdir(store.layout.partials) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"schemaVersion":2}', b"\xff", b"null"])
async def test_a_manifest_that_is_none_is_an_error(
    store: Store, registry: FakeRegistry, bench: Bench, body: bytes
) -> None:
    registry.manifests["1"] = body
    with pytest.raises(InvalidError, match="invalid manifest"):
        await bench.pull()
    assert leases(store) == []


@pytest.mark.parametrize("size", [-1, 0, 9 << 20])
async def test_a_configuration_of_a_strange_size_is_not_fetched(
    registry: FakeRegistry, bench: Bench, size: int
) -> None:
    told = json.loads(registry.manifests["1"])
    told["config"]["size"] = size
    registry.manifests["1"] = json.dumps(told).encode()
    with pytest.raises(InvalidError, match=f"a configuration of {size} bytes"):
        await bench.pull()
    assert registry.fetched == []


async def test_a_digest_that_is_a_path_leads_nowhere(
    store: Store, registry: FakeRegistry, bench: Bench, tmp_path: Path
) -> None:
    """It would be unpacked beside the store, or read from anywhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    path = f"sha256:../../{outside.name}/evil"
    seen: list[str] = []

    async def watch(_: str) -> None:
        seen.extend(os.listdir(outside))

    registry.before = watch
    honest = registry.manifests["1"]
    for part in ("config", "layers"):
        told = json.loads(honest)
        (told[part] if part == "config" else told[part][0])["digest"] = path
        registry.manifests["1"] = json.dumps(told).encode()
        registry.blobs[path] = ONE
        with pytest.raises(InvalidDigestError):
            await bench.pull()
    registry.offer("1", ONE, diff_ids=[path])
    with pytest.raises(InvalidDigestError):
        await bench.pull()
    assert seen == os.listdir(outside) == []
    assert leases(store) == []


async def test_a_platform_that_the_image_is_not_for_leaves_nothing(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    with pytest.raises(WherryError, match="does not match the specified platform"):
        await bench.verb(
            "r.test/i:1", platform="linux/s390x", credentials=None, progress=bench.told.append
        )
    assert list(store.images.all_references()) == []
    assert leases(store) == []


async def test_too_many_layers_are_refused(registry: FakeRegistry, bench: Bench) -> None:
    registry.offer("1", *[ONE] * 501)
    with pytest.raises(InvalidError, match="too many"):
        await bench.pull()


async def test_what_can_be_made_again_here_is_not_fetched(
    store: Store, registry: FakeRegistry, bench: Bench
) -> None:
    """A pull from the engine's own registry of an image that a build has made."""
    sealed = adopted(store, {"f": b"x" * 5000})
    image = image_of(store, sealed)
    described, body = manifest_of(image, store.content)
    registry.manifests["1"] = body
    before = [blob.digest for blob in store.content.walk()]
    await bench.pull()
    assert registry.fetched == []
    assert [blob.digest for blob in store.content.walk()] == before
    assert store.images.resolve("r.test/i:1").manifest is None
    assert store.images.resolve(f"r.test/i@{described.digest}").id == image.id
