from __future__ import annotations

import json
from typing import Any

import pytest

from wherry.oci import image
from wherry.oci.digest import digest_bytes
from wherry.registry.server.backend import ManifestInvalidError
from wherry.registry.server.hosted.understand import Understood, understand

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"


def named(media_type: str, content: str, size: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "mediaType": media_type,
        "digest": digest_bytes(content.encode()),
        "size": size,
        **more,
    }


CONFIG = named(image.OCI_CONFIG, "config")
LAYER = named(image.OCI_LAYER_GZIP, "layer", 1000)
CHILD = named(image.OCI_MANIFEST, "child")


def manifest(**fields: Any) -> dict[str, Any]:
    base = {"schemaVersion": 2, "mediaType": image.OCI_MANIFEST, "config": CONFIG}
    found = {**base, "layers": [LAYER], **fields}
    return {key: value for key, value in found.items() if value is not ...}


def index(**fields: Any) -> dict[str, Any]:
    base = {"schemaVersion": 2, "mediaType": image.OCI_INDEX, "manifests": [CHILD]}
    return {key: value for key, value in {**base, **fields}.items() if value is not ...}


def read(document: dict[str, Any], announced: str = "") -> Understood:
    body = json.dumps(document).encode()
    return understand(announced or document.get("mediaType", ""), body, digest_bytes(body))


def test_an_image_needs_its_configuration_and_its_layers() -> None:
    body = json.dumps(manifest()).encode()
    entry = read(manifest()).entry
    assert entry.blobs == (CONFIG["digest"], LAYER["digest"])
    assert entry.children == ()
    assert entry.size == 1010 + len(body)
    assert entry.manifest.body == body
    assert entry.manifest.media_type == image.OCI_MANIFEST
    assert entry.descriptor.digest == entry.manifest.digest == digest_bytes(body)
    assert entry.descriptor.size == len(body)


def test_docker_s_image_is_an_image() -> None:
    document = manifest(mediaType=image.DOCKER_MANIFEST, config=named(image.DOCKER_CONFIG, "c"))
    assert len(read(document).entry.blobs) == 2


def test_a_layer_that_is_there_twice_is_needed_once() -> None:
    assert len(read(manifest(layers=[LAYER, LAYER])).entry.blobs) == 2


def test_an_index_needs_its_manifests_and_tells_their_platforms() -> None:
    entries = [
        named(image.OCI_MANIFEST, "1", platform={"os": "linux", "architecture": "amd64"}),
        named(image.OCI_MANIFEST, "2", platform={"os": "linux", "architecture": "arm"}),
        named(image.OCI_MANIFEST, "3", platform={"os": "unknown", "architecture": "unknown"}),
        named(image.OCI_INDEX, "4"),
    ]
    entry = read(index(manifests=entries)).entry
    assert entry.children == tuple(one["digest"] for one in entries)
    assert entry.blobs == ()
    assert entry.platforms == ("linux/amd64", "linux/arm/v7")


def test_a_manifest_list_is_an_index() -> None:
    document = index(mediaType=image.DOCKER_MANIFEST_LIST)
    assert read(document).entry.children == (CHILD["digest"],)


def test_an_index_of_layers_needs_them_as_blobs() -> None:
    """Caches of builds are such indexes."""
    cache = named("application/vnd.buildkit.cacheconfig.v0", "cache")
    entry = read(index(manifests=[LAYER, cache])).entry
    assert entry.blobs == (LAYER["digest"], cache["digest"])
    assert entry.children == ()


@pytest.mark.parametrize("layer", [named(FOREIGN, "w"), {**LAYER, "urls": ["https://x/y"]}])
def test_a_foreign_layer_need_not_be_there(layer: dict[str, Any]) -> None:
    found = read(manifest(layers=[layer, named(image.OCI_LAYER, "own")]))
    assert found.foreign == (layer["digest"],)
    assert layer["digest"] not in found.entry.blobs
    assert len(found.entry.blobs) == 2


def test_a_referrer_says_what_it_is_about() -> None:
    document = manifest(subject=CHILD, artifactType="example/sbom", annotations={"a": "b"})
    entry = read(document).entry
    assert entry.subject == CHILD["digest"]
    assert entry.descriptor.artifact_type == "example/sbom"
    assert entry.descriptor.annotations == {"a": "b"}


def test_the_type_of_an_artifact_is_its_configuration_s_when_it_says_none() -> None:
    document = manifest(subject=CHILD, config=named("example/signature", "s"))
    assert read(document).entry.descriptor.artifact_type == "example/signature"
    assert read(index(subject=CHILD)).entry.descriptor.artifact_type == ""
    assert read(index(artifactType="example/set")).entry.descriptor.artifact_type == "example/set"


def test_any_other_json_is_an_artifact() -> None:
    document = {"mediaType": ARTIFACT, "blobs": [LAYER], "subject": CHILD, "artifactType": "a/b"}
    entry = read(document).entry
    assert entry.blobs == (LAYER["digest"],)
    assert entry.subject == CHILD["digest"]
    assert entry.descriptor.artifact_type == "a/b"
    assert read({"mediaType": "application/vnd.example+json"}).entry.blobs == ()


def test_oci_s_types_need_not_be_said() -> None:
    assert read(manifest(mediaType=...)).entry.manifest.media_type == image.OCI_MANIFEST
    assert read(index(mediaType=...)).entry.manifest.media_type == image.OCI_INDEX
    assert read(manifest(), "application/json").entry.manifest.media_type == image.OCI_MANIFEST


def test_a_type_may_have_parameters_where_it_is_announced() -> None:
    announced = image.OCI_MANIFEST + "; charset=utf-8"
    assert read(manifest(), announced).entry.manifest.media_type == image.OCI_MANIFEST


REFUSED = {
    "another type than announced": (manifest(), image.OCI_INDEX),
    "an index announced, an image without a type": (manifest(mediaType=...), image.OCI_INDEX),
    "Docker's type that is not said": (manifest(mediaType=...), image.DOCKER_MANIFEST),
    "no type at all": ({"schemaVersion": 2}, ""),
    "schema 1": ({"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+json"),
    "signed schema 1": ({}, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
    "schema 1 as something else": (manifest(fsLayers=[]), ""),
    "another version": (manifest(schemaVersion=1), ""),
    "no version": (index(schemaVersion=...), ""),
    "no configuration": (manifest(config=...), ""),
    "image and index at once": (manifest(manifests=[CHILD]), ""),
    "index and image at once": (index(layers=[LAYER]), ""),
    "index with a configuration": (index(config=CONFIG), ""),
    "not JSON by its type": ({"mediaType": "text/html"}, "text/html"),
    "a type with more in it": ({"mediaType": "application/x+json\r\nX: y"}, ""),
    "a type that is too long": ({"mediaType": f"application/{'x' * 300}+json"}, ""),
    "a layer as a manifest": ({"mediaType": image.OCI_LAYER_GZIP}, ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_two_programs_could_read_in_two_ways_is_refused(case: str) -> None:
    document, announced = REFUSED[case]
    with pytest.raises(ManifestInvalidError):
        read(document, announced)


def test_sizes_that_add_up_to_too_much_stay_numbers_of_63_bits() -> None:
    layers = [named(image.OCI_LAYER, str(number), (1 << 63) - 1) for number in range(3)]
    assert read(manifest(layers=layers)).entry.size == (1 << 63) - 1
