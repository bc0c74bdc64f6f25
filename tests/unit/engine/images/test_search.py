"""Search with dockerd's rules, and what a name is at its registry."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

import pytest

from fixtures.images import FakeRegistry, archive
from wherry.base.errors import InvalidError
from wherry.engine.images.search import InspectRemote, SearchImages, split_term
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_INDEX, Platform
from wherry.registry.client import FetchedManifest, RegistryClient
from wherry.registry.client.search import SearchResult

RESULTS = [
    SearchResult("debian", "official", 100, is_official=True),
    SearchResult("team/debian", "", 5),
    SearchResult("old/debian", "", 0),
]


class Index:
    """A client that knows three repositories and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    async def search(
        self, domain: str, term: str, limit: int, credentials: object
    ) -> list[SearchResult]:
        self.asked.append((domain, term, limit))
        return RESULTS


async def search(
    index: Index, term: str = "debian", limit: int = 0, **filters: str
) -> Sequence[str]:
    listed = {name.replace("_", "-"): [value] for name, value in filters.items()}
    verb = SearchImages(cast(RegistryClient, index))
    found = await verb(term, limit=limit, filters=listed, credentials=None)
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("term", "domain", "rest"),
    [
        ("debian", "docker.io", "debian"),
        ("library/debian", "docker.io", "debian"),
        ("team/app", "docker.io", "team/app"),
        ("docker.io/library/debian", "docker.io", "debian"),
        ("index.docker.io/team/app", "docker.io", "team/app"),
        ("localhost/app", "localhost", "app"),
        ("localhost:5001/team/app", "localhost:5001", "team/app"),
        ("localhost:5001/", "localhost:5001", ""),
        ("registry.example/library/app", "registry.example", "library/app"),
        ("localhost", "docker.io", "localhost"),
    ],
)
def test_a_term_may_begin_with_a_registry(term: str, domain: str, rest: str) -> None:
    assert split_term(term) == (domain, rest)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["debian", "team/debian", "old/debian"]),
        ({"is_official": "true"}, ["debian"]),
        ({"is_official": "0"}, ["team/debian", "old/debian"]),
        ({"stars": "5"}, ["debian", "team/debian"]),
        ({"is_automated": "true"}, []),
        ({"is_automated": "false"}, ["debian", "team/debian", "old/debian"]),
    ],
)
async def test_filters(filters: dict[str, str], found: list[str]) -> None:
    assert await search(Index(), **filters) == found


async def test_the_limit() -> None:
    index = Index()
    await search(index)
    await search(index, "r.test/debian", 100)
    assert index.asked == [("docker.io", "debian", 25), ("r.test", "debian", 100)]


@pytest.mark.parametrize(
    ("term", "limit", "filters", "words"),
    [
        ("x", 101, {}, "limit 101 is outside the range of [1, 100]"),
        ("x", 1, {"stars": "a"},
         "invalid filter 'stars=a': strconv.Atoi: parsing \"a\": invalid syntax"),
        ("x", 1, {"is_official": "maybe"}, "invalid filter 'is-official=[maybe]'"),
        ("http://x/y", 1, {},
         "invalid repository name: repository name (http://x/y) should not have a scheme"),
    ],
)  # fmt: skip
async def test_words_for_what_makes_no_sense(
    term: str, limit: int, filters: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        await search(Index(), term, limit, **filters)
    assert str(caught.value) == words


async def test_what_a_name_is_at_its_registry() -> None:
    registry = FakeRegistry()
    registry.offer("1", archive({"f": b"x"}))
    verb = InspectRemote(registry.client())
    found = await verb("r.test/app:1", credentials=None)
    body = registry.manifests["1"]
    assert (found.descriptor.digest, found.descriptor.size) == (digest_bytes(body), len(body))
    assert found.platforms == [Platform("amd64", "linux")]


async def test_an_index_has_the_platforms_of_its_entries() -> None:
    entry = {"mediaType": "m", "digest": digest_bytes(b""), "size": 0}
    platform = {"architecture": "arm", "os": "linux", "variant": "v7"}
    told = {"schemaVersion": 2, "manifests": [entry | {"platform": platform}, entry]}

    class Indexed(FakeRegistry):
        async def manifest(self, wanted: str) -> FetchedManifest:
            body = json.dumps(told).encode()
            return FetchedManifest(OCI_INDEX, digest_bytes(body), body)

    found = await InspectRemote(Indexed().client())("r.test/app", credentials=None)
    assert found.platforms == [Platform("arm", "linux", variant="v7"), Platform()]
