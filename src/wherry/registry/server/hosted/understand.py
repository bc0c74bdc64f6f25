"""What a manifest is, and what it needs: from its bytes to a `ManifestEntry`. Pure.

Images and indexes, OCI's and Docker's, are known. Any other JSON type is kept as well, as an
artifact: what it needs is taken from the fields that OCI uses (`config`, `layers`, `blobs`,
`manifests`, `subject`), and of anything else that it may name the registry knows nothing. Schema 1
is refused: its clients are gone, and its digest is not that of its bytes.

A manifest's type follows from its bytes alone (its `mediaType`, or for OCI's two its fields), so
that a body cached by digest has one type wherever it is stored.
"""

from __future__ import annotations

import re

from wherry.base.values import dataclass
from wherry.oci import image
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.oci.platform import format_platform, normalised
from wherry.registry.server.backend import ManifestInvalidError, StoredManifest
from wherry.registry.server.catalog.catalog import ManifestEntry
from wherry.registry.server.hosted.document import (
    MAX_SIZE,
    Document,
    digests_of,
    read_document,
    size_of,
)

_JSON_TYPE = re.compile(r"application/(?:[\w!#$&^.+-]+\+)?json", re.ASCII)
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"
_NOT_SAID = frozenset({"", "application/json"})
_CONFIG_TYPES = frozenset({image.OCI_CONFIG, image.DOCKER_CONFIG})
_FOREIGN_LAYERS = (
    "application/vnd.docker.image.rootfs.foreign.",
    "application/vnd.oci.image.layer.nondistributable.",
)
_MAX_TYPE = 255
_MAX_PLATFORMS = 64
_UNKNOWN = "unknown"  # the platform of what only accompanies images, such as attestations


@dataclass(frozen=True, slots=True)
class Understood:
    """A manifest to store. `foreign` are layers that the repository need not have; those that it
    has all the same are the manifest's like any other. `config` is the image's, if it has one."""

    entry: ManifestEntry
    foreign: tuple[Digest, ...] = ()
    config: Descriptor | None = None


def understand(media_type: str, body: bytes, digest: Digest) -> Understood:
    """Return what a manifest says; raises ManifestInvalidError.

    `media_type` is what it was announced as, with or without parameters.
    """
    announced = media_type.partition(";")[0].strip()
    if announced.startswith(_SCHEMA_1):
        raise ManifestInvalidError("manifests of schema 1 are not kept here: push schema 2 or OCI")
    document = read_document(body)
    kind = _kind(announced, document)
    if kind in image.INDEX_TYPES:
        _check_index(document)
    elif kind in image.MANIFEST_TYPES:
        _check_manifest(document)
    return _understood(StoredManifest(digest, kind, body), document)


def _kind(announced: str, document: Document) -> str:
    """Return the manifest's type; what was announced has to agree with it."""
    kind = document.media_type or _kind_of_fields(document)
    if not kind:
        raise ManifestInvalidError("the manifest does not say its mediaType")
    if announced not in _NOT_SAID and announced != kind:
        raise ManifestInvalidError(
            f"{announced[:_MAX_TYPE]} was announced, {kind[:_MAX_TYPE]} came"
        )
    if len(kind) > _MAX_TYPE or not _JSON_TYPE.fullmatch(kind):
        raise ManifestInvalidError(f"{kind[:_MAX_TYPE]!r} is not the type of a manifest")
    return kind


def _kind_of_fields(document: Document) -> str:
    if document.schema_version != 2:
        return ""
    if document.manifests is not None:
        return image.OCI_INDEX
    return image.OCI_MANIFEST if document.config is not None else ""


def _check_index(document: Document) -> None:
    _check_version(document)
    if document.config or document.layers or document.fs_layers is not None:
        raise ManifestInvalidError("the index has fields of an image: it could be taken for one")


def _check_manifest(document: Document) -> None:
    _check_version(document)
    if document.config is None:
        raise ManifestInvalidError("the manifest has no config")
    if document.manifests or document.fs_layers is not None:
        raise ManifestInvalidError("the manifest has fields of an index: it could be taken for one")


def _check_version(document: Document) -> None:
    if document.schema_version != 2:
        raise ManifestInvalidError(f"schemaVersion is {document.schema_version}, not 2")


def _understood(manifest: StoredManifest, document: Document) -> Understood:
    config = [document.config] if document.config else []
    layers = [*(document.layers or []), *(document.blobs or [])]
    foreign = [layer for layer in layers if _is_foreign(layer)]
    children = [child for child in document.manifests or [] if _is_manifest(child.media_type)]
    # Caches of builds are indexes whose entries are layers.
    others = [child for child in document.manifests or [] if not _is_manifest(child.media_type)]
    own = [layer for layer in layers if not _is_foreign(layer)]
    entry = ManifestEntry(
        manifest,
        _described(manifest, document),
        blobs=digests_of([*config, *own, *others]),
        children=digests_of(children),
        subject=document.subject.digest if document.subject else None,
        size=min(len(manifest.body) + size_of([*config, *layers, *others]), MAX_SIZE),
        platforms=_platforms(document),
    )
    return Understood(entry, digests_of(foreign), document.config)


def _is_foreign(layer: Descriptor) -> bool:
    return bool(layer.urls) or layer.media_type.startswith(_FOREIGN_LAYERS)


def _is_manifest(media_type: str) -> bool:
    return media_type not in _CONFIG_TYPES and _JSON_TYPE.fullmatch(media_type) is not None


def _described(manifest: StoredManifest, document: Document) -> Descriptor:
    """Return the manifest as the distribution-spec has it in a list of referrers."""
    artifact_type = document.artifact_type
    if not artifact_type and document.config is not None:
        artifact_type = document.config.media_type
    return Descriptor(
        manifest.media_type,
        manifest.digest,
        len(manifest.body),
        annotations=document.annotations or None,
        artifact_type=artifact_type,
    )


def _platforms(document: Document) -> tuple[str, ...]:
    found = [entry.platform for entry in document.manifests or [] if entry.platform is not None]
    words = [format_platform(normalised(one)) for one in found if one.os != _UNKNOWN]
    return tuple(dict.fromkeys(word[:_MAX_TYPE] for word in words if word))[:_MAX_PLATFORMS]
