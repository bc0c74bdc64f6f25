from __future__ import annotations

import pytest

from fixtures.hosted_parts import push_image
from fixtures.page_visits import Visitor
from wherry.registry.server.backend import ManifestUnknownError


async def asked(visitor: Visitor, name: str, reference: str) -> dict[str, str]:
    """Return the form of the page that asks."""
    answer = await visitor.get(f"/delete?repository={name}&reference={reference}")
    assert answer.status == 200
    return answer.fields()


async def test_a_tag_is_deleted_and_its_manifest_stays(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    digest = await push_image(backend, "app", "1")
    await push_image(backend, "app", "2", b"other")
    answer = await visitor.post("/delete", await asked(visitor, "app", "1"))
    assert (answer.status, answer.location) == (303, "/r/app?message=tag-deleted")
    assert await backend.tags("app", "", 10) == ["2"]
    assert (await backend.manifest("app", digest)).digest == digest
    exchange = visitor.exchanges[-1]
    told = exchange.action, exchange.repository, exchange.reference
    assert told == ("delete", "app", "1")


async def test_a_manifest_is_deleted_with_its_tags(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    digest = await push_image(backend, "app", "1")
    await push_image(backend, "app", "2", b"other")
    answer = await visitor.post("/delete", await asked(visitor, "app", digest))
    assert answer.location == "/r/app?message=manifest-deleted"
    with pytest.raises(ManifestUnknownError):
        await backend.manifest("app", digest)
    assert visitor.exchanges[-1].digest == digest


async def test_with_the_last_manifest_the_repository_is_gone(visitor: Visitor) -> None:
    digest = await push_image(visitor.parts.backend(), "app", "1")
    answer = await visitor.post("/delete", await asked(visitor, "app", digest))
    assert answer.location == "/?message=manifest-deleted"


async def test_to_look_deletes_nothing(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    await push_image(backend, "app", "1")
    await asked(visitor, "app", "1")
    assert await backend.tags("app", "", 10) == ["1"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": ""},
    ],
)
async def test_other_sites_delete_nothing(visitor: Visitor, headers: dict[str, str]) -> None:
    backend = visitor.parts.backend()
    await push_image(backend, "app", "1")
    form = await asked(visitor, "app", "1")
    assert (await visitor.post("/delete", form, **headers)).status == 403
    assert await backend.tags("app", "", 10) == ["1"]


@pytest.mark.parametrize(
    "change", [{"token": ""}, {"token": "x"}, {"reference": "2"}, {"repository": "other"}]
)
async def test_a_form_deletes_what_its_page_asked_about(
    visitor: Visitor, change: dict[str, str]
) -> None:
    backend = visitor.parts.backend()
    for name in ("app", "other"):
        for tag in ("1", "2"):
            await push_image(backend, name, tag)
    form = await asked(visitor, "app", "1")
    assert (await visitor.post("/delete", {**form, **change})).status == 403
    visitor.client.cookie_jar.clear()
    assert (await visitor.post("/delete", form)).status == 403
    assert await backend.tags("app", "", 10) == ["1", "2"]


async def test_what_is_gone_already_is_told(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    await push_image(backend, "app", "1")
    form = await asked(visitor, "app", "1")
    await backend.delete_tag("app", "1", "")
    answer = await visitor.post("/delete", form)
    assert answer.status == 404
    assert "manifest 1 is unknown in app" in answer.text


@pytest.mark.parametrize("query", ["", "repository=A&reference=1", "repository=a&reference=%00"])
async def test_what_cannot_be_there_is_told(visitor: Visitor, query: str) -> None:
    assert (await visitor.get(f"/delete?{query}")).status == 400


async def test_a_stranger_deletes_nothing_and_learns_nothing(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "public/app", "1")
    for name in ("public/app", "secret/plan"):
        answer = await stranger.get(f"/delete?repository={name}&reference=1")
        assert answer.status == 303
        assert answer.location.startswith("/login?next=%2Fdelete%3Frepository")


async def test_whoever_may_not_delete_is_refused(stranger: Visitor) -> None:
    backend = stranger.parts.backend()
    await push_image(backend, "public/app", "1")
    await stranger.log_in("bob")
    assert (await stranger.get("/delete?repository=public/app&reference=1")).status == 403
    fields = {"repository": "public/app", "reference": "1", "token": "x"}
    assert (await stranger.post("/delete", fields)).status == 403
    assert await backend.tags("public/app", "", 10) == ["1"]


async def test_who_deletes_is_written_down(stranger: Visitor) -> None:
    seen = await stranger.parts.catalog.cursor("somebody who wants events")
    await push_image(stranger.parts.backend(), "public/app", "1")
    await stranger.log_in("ann")
    await stranger.post("/delete", await asked(stranger, "public/app", "1"))
    events = await stranger.parts.catalog.events(seen, 100)
    assert [(one.action, one.by) for one in events if one.action == "delete"] == [("delete", "ann")]


async def test_what_is_never_deleted_says_so(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "team/app", "v1")
    await stranger.log_in("ann")
    answer = await stranger.post("/delete", await asked(stranger, "team/app", "v1"))
    assert answer.status == 403
    assert "v1" in answer.text
