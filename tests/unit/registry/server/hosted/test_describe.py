from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any, cast

import pytest

from wherry.oci import image
from wherry.oci.digest import Digest, digest_bytes
from wherry.registry.blobdrivers.driver import Arriving, LocalFile, Redirect, Source, Streamed
from wherry.registry.server.backend import (
    Backend,
    Blob,
    BlobUnknownError,
    ManifestUnknownError,
    StoredManifest,
)
from wherry.registry.server.hosted.describe import describe, read_config

CONFIG = {
    "created": "2024-05-06T07:08:09Z",
    "author": "somebody",
    "os": "linux",
    "architecture": "arm64",
    "variant": "v8",
    "config": {
        "User": "nobody",
        "Env": ["A=b"],
        "Entrypoint": ["/bin/app"],
        "Cmd": ["--serve"],
        "WorkingDir": "/srv",
        "StopSignal": "SIGINT",
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "Labels": {"version": "1"},
    },
    "history": [
        {"created": "2024-05-06T07:08:09Z", "created_by": "COPY", "comment": "copied"},
        {"created_by": "ENV", "empty_layer": True},
    ],
}


class Kept:
    """The two methods of a backend that a description needs."""

    def __init__(self) -> None:
        self.manifests: dict[str, StoredManifest] = {}
        self.blobs: dict[str, tuple[bytes, Source]] = {}

    async def manifest(self, name: str, reference: str) -> StoredManifest:
        if reference not in self.manifests:
            raise ManifestUnknownError(name, reference)
        return self.manifests[reference]

    async def blob(self, name: str, digest: Digest) -> Blob:
        if digest not in self.blobs:
            raise BlobUnknownError(digest)
        data, source = self.blobs[digest]
        return Blob(digest, len(data), source)

    def put(self, document: Any, media_type: str, tag: str = "tag") -> Digest:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        made = StoredManifest(digest_bytes(body), media_type, body)
        self.manifests[tag] = self.manifests[made.digest] = made
        return made.digest

    def put_blob(self, data: bytes, kind: str = "file") -> dict[str, Any]:
        self.blobs[digest_bytes(data)] = (data, source_of(data, kind))
        return {"mediaType": image.OCI_CONFIG, "digest": digest_bytes(data), "size": len(data)}


def source_of(data: bytes, kind: str) -> Source:
    def read(start: int, length: int) -> Iterator[bytes]:
        yield data[start : start + length]

    async def arriving() -> AsyncGenerator[bytes, None]:
        yield data[:10]
        yield data[10:]

    sources: dict[str, Source] = {
        "file": LocalFile(lambda: io.BytesIO(data)),
        "streamed": Streamed(read),
        "redirect": Redirect("http://elsewhere", read),
        "redirect alone": Redirect("http://elsewhere"),
        "arriving": Arriving(arriving),
    }
    return sources[kind]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def image_of(config: dict[str, Any]) -> dict[str, Any]:
    layer = {
        "mediaType": image.OCI_LAYER_GZIP,
        "digest": digest_bytes(b"layer"),
        "size": 5000,
        "annotations": {"org.opencontainers.image.title": "data.tar"},
    }
    return {"schemaVersion": 2, "config": config, "layers": [layer], "annotations": {"a": "b"}}


@pytest.mark.parametrize("kind", ["file", "streamed", "redirect", "arriving"])
async def test_an_image(kept: Kept, kind: str) -> None:
    config = kept.put_blob(json.dumps(CONFIG).encode(), kind)
    digest = kept.put(image_of(config), image.OCI_MANIFEST)
    found = await describe(cast(Backend, kept), "team/app", "tag")
    assert found.digest == digest
    assert found.size == len(found.body) + config["size"] + 5000
    assert found.annotations == {"a": "b"}
    assert [(layer.size, layer.title) for layer in found.layers] == [(5000, "data.tar")]
    told = found.config
    assert told is not None
    assert told.platform == "linux/arm64/v8"
    assert (told.user, told.working_dir, told.stop_signal) == ("nobody", "/srv", "SIGINT")
    assert (told.env, told.entrypoint, told.cmd) == (("A=b",), ("/bin/app",), ("--serve",))
    assert (told.ports, told.volumes) == (("80/tcp",), ("/data",))
    assert told.labels == {"version": "1"}
    assert [(step.created_by, step.empty) for step in told.history] == [
        ("COPY", False),
        ("ENV", True),
    ]


async def test_a_configuration_that_is_elsewhere_is_left_out(kept: Kept) -> None:
    config = kept.put_blob(json.dumps(CONFIG).encode(), "redirect alone")
    kept.put(image_of(config), image.OCI_MANIFEST)
    assert (await describe(cast(Backend, kept), "app", "tag")).config is None


async def test_an_index_with_the_sizes_of_its_images(kept: Kept) -> None:
    child = kept.put(image_of(kept.put_blob(b"{}")), image.OCI_MANIFEST, "child")
    entry = {"mediaType": image.OCI_MANIFEST, "digest": child, "size": 1}
    entries = [
        {**entry, "platform": {"os": "linux", "architecture": "amd64"}},
        {**entry, "digest": digest_bytes(b"not here"), "artifactType": "a/b"},
    ]
    kept.put({"schemaVersion": 2, "manifests": entries}, image.OCI_INDEX)
    first, second = (await describe(cast(Backend, kept), "app", "tag")).children
    assert first.platform == "linux/amd64"
    assert first.size == len(kept.manifests[child].body) + 2 + 5000
    assert (second.size, second.artifact_type) == (None, "a/b")


async def test_an_artifact_is_told_by_its_type(kept: Kept) -> None:
    config = {**kept.put_blob(b"{}"), "mediaType": "application/vnd.example.chart"}
    kept.put({**image_of(config), "subject": config}, image.OCI_MANIFEST)
    found = await describe(cast(Backend, kept), "app", "tag")
    assert found.artifact_type == "application/vnd.example.chart"
    assert found.subject == config["digest"]
    assert found.config is None


async def test_what_is_no_manifest_is_shown_as_it_is(kept: Kept) -> None:
    kept.put(b"{", "application/x+json")
    found = await describe(cast(Backend, kept), "app", "tag")
    assert (found.body, found.layers, found.children) == (b"{", (), ())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"a":' * 50_000,
        b'{"config":[],"history":{},"os":1,"created":{}}',
        b'{"config":{"Env":"a","Cmd":[1],"Labels":{"a":1},"ExposedPorts":[]},"history":[1,[]]}',
    ],
)
def test_a_hostile_configuration_is_left_out(data: bytes) -> None:
    found = read_config(data)
    if found is not None:
        assert (found.os, found.created, found.env, found.cmd) == ("", "", (), ())
        assert (found.ports, dict(found.labels)) == ((), {})


def test_a_long_configuration_is_cut() -> None:
    data = json.dumps({"config": {"Env": ["A=b"] * 5000}, "history": [{}] * 5000}).encode()
    found = read_config(data)
    assert found is not None
    assert len(found.env) == len(found.history) == 1000
