from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.hosted_parts import index_body, manifest_body, push_blob, push_image
from fixtures.page_visits import Visitor
from wherry.oci import image
from wherry.oci.digest import digest_bytes

EVIL = '"><script>alert(1)</script>\u202e\x1b[31m'
SHOWN = "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\x1b[31m"


def configuration(**run: Any) -> bytes:
    """Return the configuration of an image."""
    plain = {"os": "linux", "architecture": "amd64", "created": "1970-01-12T00:00:00Z"}
    history = [{"created_by": "RUN /bin/sh -c make # buildkit"}]
    return json.dumps({**plain, "config": run, "history": history}).encode()


async def test_an_image_is_told_by_tag_and_by_digest(visitor: Visitor) -> None:
    config = configuration(
        Entrypoint=["/bin/app"],
        Cmd=["--serve"],
        Env=["PATH=/usr/bin", "EMPTY="],
        Labels={"a.label": "its value"},
        ExposedPorts={"8080/tcp": {}},
        User="app",
    )
    digest = await push_image(visitor.parts.backend(), "app", "1", b"x" * 2000, config=config)
    by_tag, by_digest = await visitor.get("/r/app/tags/1"), await visitor.get(f"/r/app/@{digest}")
    for answer in (by_tag, by_digest):
        assert answer.status == 200
        for words in ("linux/amd64", "/bin/app", "--serve", "8080/tcp", "its value", "EMPTY"):
            assert words in answer.text
        assert "RUN make" in answer.text
        assert "2.0 kB" in answer.text
        assert digest in answer.text
    assert "/app:1<" in by_tag.text
    assert f"/app@{digest}<" in by_digest.text
    assert "Pushed" in by_tag.text


async def test_an_index_is_told_by_its_platforms(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    bodies = []
    for architecture in ("amd64", "arm64"):
        config = json.dumps({"os": "linux", "architecture": architecture}).encode()
        await push_image(backend, "app", "", b"layer", config=config)
        bodies.append(manifest_body(b"layer", config=config))
    index = json.loads(index_body(*bodies))
    for entry, architecture in zip(index["manifests"], ("amd64", "arm64"), strict=True):
        entry["platform"] = {"os": "linux", "architecture": architecture}
    body = json.dumps(index).encode()
    await backend.put_manifest("app", "1", image.OCI_INDEX, body, "")
    answer = await visitor.get("/r/app/tags/1")
    for body, architecture in zip(bodies, ("amd64", "arm64"), strict=True):
        assert f"linux/{architecture}" in answer.text
        assert f'href="/r/app/@{digest_bytes(body)}"' in answer.text
    assert "OCI index" in answer.text


async def test_signatures_and_sboms_are_listed(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    await push_image(backend, "app", "1", b"layer")
    stored = await backend.manifest("app", "1")
    subject = {"mediaType": image.OCI_MANIFEST, "digest": stored.digest, "size": len(stored.body)}
    sbom = await push_image(
        backend, "app", "", b"{}", subject=subject, artifactType="application/spdx+json"
    )
    answer = await visitor.get("/r/app/tags/1")
    assert "SBOM (SPDX)" in answer.text
    assert f'href="/r/app/@{sbom}"' in answer.text
    attached = await visitor.get(f"/r/app/@{sbom}")
    assert f'href="/r/app/@{stored.digest}"' in attached.text
    assert "oras pull" in attached.text


async def test_the_raw_manifest_is_text(visitor: Visitor) -> None:
    digest = await push_image(
        visitor.parts.backend(), "app", "1", annotations={"a": "<script>alert(1)</script>"}
    )
    answer = await visitor.get(f"/r/app/@{digest}/raw")
    assert digest_bytes(answer.text.encode()) == digest
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_whatever_a_pusher_writes_is_text(visitor: Visitor) -> None:
    run = {
        "Entrypoint": [EVIL],
        "Cmd": [EVIL],
        "Env": [EVIL, f"{EVIL}={EVIL}"],
        "Labels": {EVIL: EVIL},
        "ExposedPorts": {EVIL: {}},
        "Volumes": {EVIL: {}},
        "User": EVIL,
        "WorkingDir": EVIL,
        "StopSignal": EVIL,
    }
    config = json.dumps(
        {
            "os": EVIL,
            "architecture": EVIL,
            "created": EVIL,
            "author": EVIL,
            "config": run,
            "history": [{"created_by": EVIL, "comment": EVIL}, {"created_by": EVIL}],
        }
    ).encode()
    notes = {"annotations": {EVIL: EVIL}}
    await push_image(visitor.parts.backend(), "app", "1", b"x", config=config, **notes)
    for path in ("/r/app/tags/1", "/r/app", "/"):
        answer = await visitor.get(path)
        assert answer.status == 200
        assert "<script>alert" not in answer.text
        assert "\u202e" not in answer.text
        assert "\x1b" not in answer.text
    assert (await visitor.get("/r/app/tags/1")).text.count(SHOWN) > 15


async def test_ten_megabytes_of_labels_are_left_out(visitor: Visitor) -> None:
    config = configuration(Labels={f"l{number}": "x" * 1000 for number in range(10_000)})
    assert len(config) > 10_000_000
    await push_image(visitor.parts.backend(), "app", "1", b"x", config=config)
    answer = await visitor.get("/r/app/tags/1")
    assert answer.status == 200
    assert "too large to show" in answer.text


@pytest.mark.parametrize("size", [3_900_000, 20_000])
async def test_what_is_shown_of_a_configuration_is_bounded(visitor: Visitor, size: int) -> None:
    long = "<" * (size // 20)
    run = {"Env": [long] * 4, "Labels": {"a": long, "b": long}, "Entrypoint": [long] * 4}
    config = configuration(**run)
    await push_image(visitor.parts.backend(), "app", "1", b"x", config=config)
    answer = await visitor.get("/r/app/tags/1")
    assert answer.status == 200
    assert len(answer.text) < 100_000


@pytest.mark.parametrize("config", [b"", b"[]", b"{", b'{"config": [], "history": {}}', b"\xff"])
async def test_a_configuration_that_is_none_is_no_hindrance(
    visitor: Visitor, config: bytes
) -> None:
    await push_image(visitor.parts.backend(), "app", "1", b"x", config=config)
    assert (await visitor.get("/r/app/tags/1")).status == 200


async def test_a_configuration_that_is_not_there_is_no_hindrance(visitor: Visitor) -> None:
    backend = visitor.parts.backend()
    await push_blob(backend, "app", b"{}")
    body = manifest_body(config=b"{}")
    await backend.put_manifest("app", "1", image.OCI_MANIFEST, body, "")
    for object_key in visitor.parts.objects():
        visitor.parts.driver.delete([object_key])
    answer = await visitor.get("/r/app/tags/1")
    assert answer.status in (200, 404)


async def test_what_is_not_there_is_told(visitor: Visitor) -> None:
    await push_image(visitor.parts.backend(), "app", "1")
    for path in ("/r/app/tags/2", f"/r/app/@sha256:{'a' * 64}", f"/r/app/@sha256:{'a' * 64}/raw"):
        assert (await visitor.get(path)).status == 404


async def test_a_stranger_is_led_to_the_login_whatever_is_there(stranger: Visitor) -> None:
    digest = await push_image(stranger.parts.backend(), "secret/plan", "1")
    for name in ("secret/plan", "secret/none", "nothing"):
        for path in (f"/r/{name}", f"/r/{name}/tags/1", f"/r/{name}/@{digest}/raw"):
            answer = await stranger.get(path)
            assert answer.status == 303
            assert answer.text == ""
            assert answer.location.startswith("/login?next=%2Fr%2F")


async def test_whoever_may_not_pull_learns_nothing(stranger: Visitor) -> None:
    await push_image(stranger.parts.backend(), "secret/plan", "1")
    await stranger.log_in("bob")
    there = await stranger.get("/r/secret/plan/tags/1")
    missing = await stranger.get("/r/secret/none/tags/1")
    assert there.status == missing.status == 403
    hidden = [
        one.text.replace("secret/plan", "X").replace("secret/none", "X") for one in (there, missing)
    ]
    assert hidden[0] == hidden[1]
