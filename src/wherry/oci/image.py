"""Descriptors, manifests, indexes and image configurations.

Shapes of the OCI image-spec 1.1 and of Docker's schema 2, which differ in media types only.
Unknown keys are ignored when decoding: whoever needs the exact bytes keeps the bytes, since the
digest is of them. Use `wherry.oci.reading.read(data, Manifest)`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.oci.digest import Digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_MANIFEST_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})


class Platform(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an image runs on; `os` and `architecture` in Go's words (`linux`, `amd64`)."""

    architecture: str = ""
    os: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    os_features: list[str] = msgspec.field(default_factory=list, name="os.features")
    variant: str = ""


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Names content by digest: `size` is in bytes."""

    media_type: str
    digest: Digest
    size: int
    urls: list[str] | None = None
    annotations: dict[str, str] | None = None
    data: str | None = None
    platform: Platform | None = None
    artifact_type: str = ""


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One image: its configuration and its layers, lowest first."""

    schema_version: int
    config: Descriptor
    layers: list[Descriptor]
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


class Index(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Several manifests under one name, one for each platform."""

    schema_version: int
    manifests: list[Descriptor]
    media_type: str = ""
    annotations: dict[str, str] | None = None


class Healthcheck(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """Docker's health check; durations in nanoseconds."""

    test: list[str] | None = None
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


class ImageRunConfig(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """The part of an image's configuration that becomes a container's defaults."""

    user: str = ""
    exposed_ports: dict[str, Any] | None = None
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    volumes: dict[str, Any] | None = None
    working_dir: str = ""
    labels: dict[str, str] | None = None
    stop_signal: str = ""
    stop_timeout: int | None = None
    shell: list[str] | None = None
    healthcheck: Healthcheck | None = None
    on_build: list[str] | None = None
    args_escaped: bool = False


class RootFs(msgspec.Struct, frozen=True):
    """The uncompressed layers, lowest first, by the digest of their tar (diff ID)."""

    diff_ids: list[Digest] = msgspec.field(default_factory=list)
    type: str = "layers"


class HistoryEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one step of the image was made; `empty_layer` when it added no layer."""

    created: str | None = None
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image's configuration; the digest of its bytes is the image ID."""

    architecture: str = ""
    os: str = ""
    variant: str = ""
    os_version: str = msgspec.field(default="", name="os.version")
    created: str | None = None
    author: str = ""
    config: ImageRunConfig | None = None
    rootfs: RootFs = msgspec.field(default_factory=RootFs)
    history: list[HistoryEntry] | None = None
    docker_version: str = ""
    container: str = ""
