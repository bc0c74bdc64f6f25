"""Removing names and images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.images import add_image, archive
from wherry.base.errors import ConflictError
from wherry.base.ids import ContainerId, new_id
from wherry.engine.containers.record import Container, State, Status
from wherry.engine.containers.table import ContainerTable
from wherry.engine.events import Events
from wherry.engine.images.remove import RemoveImage
from wherry.oci.reference import parse_reference
from wherry.store.images import Image, ImageNotFoundError
from wherry.store.store import Store
from wherry.wire.container_config import Config, HostConfig

DATA = archive({"f": b"x" * 5000})
OTHER = archive({"g": b"y" * 5000})


class Bench:
    """A store, a table and the verb."""

    def __init__(self, root: Path) -> None:
        self.store = Store.open(str(root), sync=False)
        self.table = ContainerTable(self.store.metadata.records("containers"))
        self.events = Events()
        self.verb = RemoveImage(self.store, self.table, self.events)

    async def remove(self, name: str, *, force: bool = False, prune: bool = True) -> list[str]:
        done = await self.verb(name, force=force, prune=prune)
        return [f"{what} {of if what == 'Untagged' else of[:12]}" for what, of in done]

    def use(self, image: Image, status: Status = Status.EXITED) -> None:
        identifier = ContainerId(new_id())
        self.table.insert(
            Container(
                identifier, identifier[:6], 1, Config(), HostConfig(), image.id, "i", "sh", [],
                State(status), layers=image.diff_ids,
            )
        )  # fmt: skip

    def tag(self, name: str, image: Image) -> None:
        self.store.images.tag(parse_reference(name).with_default_tag(), image.id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


async def test_the_image_goes_with_its_last_name(bench: Bench) -> None:
    image = add_image(bench.store, "one", DATA)
    bench.tag("two", image)
    assert await bench.remove("one") == ["Untagged one:latest"]
    done = await bench.remove("two")
    assert done[0] == "Untagged two:latest"
    assert [one.split()[0] for one in done[1:]] == ["Deleted", "Deleted"]
    assert list(bench.store.content.walk()) == []
    assert bench.store.layers.all() == []
    with pytest.raises(ImageNotFoundError):
        await bench.remove("two")


async def test_by_id_all_names_go_if_they_are_of_one_repository(bench: Bench) -> None:
    image = add_image(bench.store, "one:1", DATA)
    bench.tag("one:2", image)
    assert (await bench.remove(image.id[7:19]))[:2] == ["Untagged one:1", "Untagged one:2"]
    image = add_image(bench.store, "one", DATA)
    bench.tag("two", image)
    with pytest.raises(ConflictError, match="referenced in multiple repositories"):
        await bench.remove(image.id)
    assert len(await bench.remove(image.id, force=True)) == 4


async def test_what_a_container_uses_stays(bench: Bench) -> None:
    image = add_image(bench.store, "one", DATA)
    bench.use(image)
    with pytest.raises(ConflictError, match=r"unable to remove repository reference .one:latest."):
        await bench.remove("one")
    with pytest.raises(ConflictError, match="being used by stopped container"):
        await bench.remove(image.id)
    assert await bench.remove("one", force=True) == ["Untagged one:latest"]
    assert bench.store.images.get(image.id)
    bench.use(image, Status.RUNNING)
    with pytest.raises(ConflictError, match=r"cannot be forced.*running container"):
        await bench.remove(image.id, force=True)


async def test_parents_without_a_name_go_too_and_named_ones_stay(bench: Bench) -> None:
    base = add_image(bench.store, "base", DATA)
    between = add_image(bench.store, "", OTHER, parent=base)
    last = add_image(bench.store, "last", parent=between)
    with pytest.raises(ConflictError, match="has dependent child"):
        await bench.remove(base.id, force=True)
    await bench.remove("last")
    left = [image.id for image in bench.store.images.list()]
    assert left == [base.id]
    assert between.id not in left
    assert last.id not in left


async def test_prune_takes_what_has_no_name_or_no_use(bench: Bench) -> None:
    used, unused = add_image(bench.store, "used", DATA), add_image(bench.store, "unused", OTHER)
    nameless = add_image(bench.store, "gone", archive({"h": b"z" * 100}))
    bench.store.images.untag(parse_reference("gone").with_default_tag())
    bench.use(used)
    done, freed = await bench.verb.prune({})
    assert ("Deleted", nameless.id) in done
    assert freed == 100
    assert {image.id for image in bench.store.images.list()} == {used.id, unused.id}
    done, freed = await bench.verb.prune({"dangling": ["false"]})
    assert done[:2] == [("Untagged", "unused:latest"), ("Deleted", unused.id)]
    assert [image.id for image in bench.store.images.list()] == [used.id]
    assert [(event.action) for event in bench.events._past] == ["delete", "untag", "delete"]
