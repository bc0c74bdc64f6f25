"""Events in the form of Docker's notifications."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from fixtures.exchanges import exchange
from wherry.registry.server.catalog.catalog import Event
from wherry.registry.server.operate.envelope import (
    Interest,
    Origin,
    body_of,
    of_event,
    of_pull,
    signature,
)
from wherry.registry.server.settings import Webhook

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def test_a_push() -> None:
    event = Event(7, "push", "team/app", "1", "sha256:abc", MANIFEST, "ann", 1_700_000_000.5)
    assert of_event(event, Origin("node", "https://r.example.com")) == {
        "id": "node-7",
        "timestamp": "2023-11-14T22:13:20.500000Z",
        "action": "push",
        "target": {
            "mediaType": MANIFEST,
            "digest": "sha256:abc",
            "repository": "team/app",
            "url": "https://r.example.com/v2/team/app/manifests/sha256:abc",
            "tag": "1",
        },
        "actor": {"name": "ann"},
        "source": {"addr": "node"},
    }


def test_what_is_not_known_is_left_out() -> None:
    made = of_event(Event(7, "delete", "team/app", "1", "", "", "", 0), Origin("node"))
    assert made["target"] == {"repository": "team/app", "tag": "1"}
    assert made["actor"] == {}


@pytest.mark.parametrize(("reference", "tag"), [("1", "1"), ("sha256:abc", "")])
def test_a_pull(reference: str, tag: str) -> None:
    pulled = exchange(
        "GET", f"/v2/team/app/manifests/{reference}",
        {"host": "registry.test", "user-agent": "docker/1", "authorization": "Basic hush"},
        caller="ann", repository="team/app", reference=reference, digest="sha256:abc",
        media_type=MANIFEST, sent=708,
    )  # fmt: skip
    made = of_pull(pulled, 0.0, Origin("node"))
    assert made["request"] == {
        "id": "id-1", "addr": "192.0.2.1", "host": "registry.test", "method": "GET",
        "useragent": "docker/1",
    }  # fmt: skip
    assert made["target"].get("tag", "") == tag
    assert made["target"]["size"] == made["target"]["length"] == 708
    assert made["target"]["url"] == "http://registry.test/v2/team/app/manifests/sha256:abc"
    assert "hush" not in json.dumps(made)


def test_the_signature_is_over_the_body() -> None:
    body = body_of([{"id": "1"}])
    assert json.loads(body) == {"events": [{"id": "1"}]}
    assert (
        signature("word", body) == "sha256=" + hmac.new(b"word", body, hashlib.sha256).hexdigest()
    )


def test_interest() -> None:
    interest = Interest(Webhook("http://x", ("push",), ("team/*", "base")))
    assert interest.has("push", "team/app")
    assert interest.has("push", "base")
    assert not interest.has("delete", "team/app")
    assert not interest.has("push", "other/app")
