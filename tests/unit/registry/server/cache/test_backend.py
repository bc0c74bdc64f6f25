"""Which requests are the cache's and which are our own, and what a cache refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from fixtures.upstream import NAME
from wherry.oci.digest import digest_bytes
from wherry.oci.image import OCI_MANIFEST, Descriptor
from wherry.registry.server.backend import (
    Backend,
    ImmutableError,
    ManifestUnknownError,
    RepositoryUnknownError,
)
from wherry.registry.server.cache.upstream import UpstreamAwayError

from .conftest import HERE, Case

DIGEST = digest_bytes(b"x")


async def nothing() -> AsyncIterator[bytes]:
    for chunk in ():
        yield chunk


Change = Callable[[Backend, str], Coroutine[Any, Any, object]]
CHANGES: list[Change] = [
    lambda backend, name: backend.put_manifest(name, "1", OCI_MANIFEST, b"{}", "ann"),
    lambda backend, name: backend.mount(name, DIGEST, None),
    lambda backend, name: backend.begin_upload(name),
    lambda backend, name: backend.upload_size(name, "upload-1"),
    lambda backend, name: backend.write_upload(name, "upload-1", 0, nothing()),
    lambda backend, name: backend.cancel_upload(name, "upload-1"),
]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_cache_cannot_be_pushed_to(case: Case, change: Change) -> None:
    with pytest.raises(ImmutableError, match=f"^{HERE} is a cache of {NAME} at 127.0.0.1"):
        await change(case.backend, HERE)
    await change(case.backend, "team/app")


async def test_finishing_an_upload(case: Case) -> None:
    with pytest.raises(ImmutableError):
        await case.backend.finish_upload(HERE, "upload-1", DIGEST, None, nothing())
    upload = await case.backend.begin_upload("team/app")
    empty = digest_bytes(b"")
    assert await case.backend.finish_upload("team/app", upload, empty, None, nothing()) == 0
    assert (await case.backend.blob("team/app", empty)).size == 0


async def test_what_is_our_own_is_not_asked_for_elsewhere(case: Case) -> None:
    with pytest.raises(RepositoryUnknownError):
        await case.backend.manifest("team/app", "1")
    await case.backend.put_manifest("team/app", "1", OCI_MANIFEST, b"{}", "ann")
    assert (await case.backend.manifest("team/app", "1")).body == b"{}"
    assert await case.backend.tags("team/app", "", 5) == ["1"]
    assert await case.backend.referrers("team/app", DIGEST) == [
        Descriptor("application/x-own", DIGEST, 1)
    ]
    assert case.upstream.server.seen == []


async def test_tags_are_the_upstreams_and_without_it_what_is_kept(case: Case) -> None:
    case.upstream.push("1", "a")
    case.upstream.push("2", "b")
    await case.tag("2")
    assert await case.backend.tags(HERE, "", 5) == ["1", "2"]
    with pytest.raises(RepositoryUnknownError):
        await case.backend.tags("hub/other/thing", "", 5)
    case.upstream.status = 503
    assert await case.backend.tags(HERE, "", 5) == ["2"]
    with pytest.raises(UpstreamAwayError):
        await case.backend.tags("hub/other/thing", "", 5)


async def test_referrers(case: Case) -> None:
    assert await case.backend.referrers(HERE, DIGEST) == []
    case.upstream.status = 503
    own = [Descriptor("application/x-own", DIGEST, 1)]
    assert await case.backend.referrers(HERE, DIGEST) == own


async def test_lists_for_people_show_what_is_kept(case: Case) -> None:
    case.upstream.push("1", "a")
    assert await case.backend.repositories("", 5, lambda _: True) == []
    await case.tag("1")
    assert await case.backend.repositories("", 5, lambda _: True) == [HERE]
    assert await case.backend.search("", 5, lambda _: True) == []
    assert await case.backend.tag_details(HERE, "", 5) == []
    await case.backend.check()


async def test_names_of_containerd(case: Case) -> None:
    assert case.backend.name_for(case.upstream.server.address, NAME) == HERE
    assert case.backend.name_for("docker.io", NAME) is None


async def test_deleting_what_is_not_kept(case: Case) -> None:
    case.upstream.push("1", "a")
    await case.tag("1")
    with pytest.raises(ManifestUnknownError):
        await case.backend.delete_tag(HERE, "2", "ann")
