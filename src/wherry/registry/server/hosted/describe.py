"""An image for people: what its manifest and its configuration say, over any backend.

Whoever pushed wrote all of it, so nothing is taken for granted: sizes and counts are bounded, and
what has another type than it should is left out. Text is given as it is: pages escape it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import aclosing, suppress
from typing import Any

import msgspec

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.base.values import dataclass, field
from wherry.oci import image
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.oci.platform import format_platform
from wherry.registry.blobdrivers.driver import Arriving, LocalFile, Redirect, Source, Streamed
from wherry.registry.server.backend import Backend
from wherry.registry.server.hosted.document import Document, read_document, size_of

MAX_CONFIG = 4 << 20
MAX_ENTRIES = 1000
_SIZED_CHILDREN = 32


@dataclass(frozen=True, slots=True)
class HistoryDetail:
    """One step of how an image was made; `empty`: it added no layer."""

    created: str = ""
    created_by: str = ""
    comment: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class ConfigDetail:
    """What an image's configuration says; `created` as it is there (RFC 3339)."""

    created: str = ""
    author: str = ""
    os: str = ""
    architecture: str = ""
    variant: str = ""
    user: str = ""
    working_dir: str = ""
    stop_signal: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[HistoryDetail, ...] = ()

    @property
    def platform(self) -> str:
        """`os/architecture[/variant]`."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


@dataclass(frozen=True, slots=True)
class LayerDetail:
    """A layer, or another blob of an artifact; `size` in bytes, as it is sent."""

    digest: Digest
    media_type: str
    size: int
    title: str = ""


@dataclass(frozen=True, slots=True)
class ChildDetail:
    """A manifest of an index. `size`: what it takes to pull, in bytes; None where not known."""

    digest: Digest
    media_type: str
    platform: str = ""
    artifact_type: str = ""
    size: int | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageDetail:
    """A manifest, and what it leads to. `size`: what it takes to pull, in bytes, without children.

    `config` is None for an index, for an artifact, and where it cannot be read.
    """

    digest: Digest
    media_type: str
    size: int
    body: bytes
    artifact_type: str = ""
    subject: Digest | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    config: ConfigDetail | None = None
    layers: tuple[LayerDetail, ...] = ()
    children: tuple[ChildDetail, ...] = ()


async def describe(backend: Backend, name: str, reference: str) -> ImageDetail:
    """Return what there is to say of a manifest; raises as `Backend.manifest`."""
    manifest = await backend.manifest(name, reference)
    try:
        document = await in_thread(read_document, manifest.body)
    except WherryError:  # kept by an earlier version, or by a cache: shown as it is
        document = Document()
    layers = [*(document.layers or []), *(document.blobs or [])]
    config = document.config
    return ImageDetail(
        manifest.digest,
        manifest.media_type,
        len(manifest.body) + size_of([*([config] if config else []), *layers]),
        manifest.body,
        artifact_type=document.artifact_type or _artifact_type(config),
        subject=document.subject.digest if document.subject else None,
        annotations=document.annotations or {},
        config=await _config(backend, name, config),
        layers=tuple(map(_layer, layers[:MAX_ENTRIES])),
        children=await _children(backend, name, document.manifests or []),
    )


def _artifact_type(config: Descriptor | None) -> str:
    if config is None or config.media_type in (image.OCI_CONFIG, image.DOCKER_CONFIG):
        return ""
    return config.media_type


def _layer(descriptor: Descriptor) -> LayerDetail:
    title = (descriptor.annotations or {}).get("org.opencontainers.image.title", "")
    return LayerDetail(descriptor.digest, descriptor.media_type, descriptor.size, title)


async def _children(
    backend: Backend, name: str, entries: list[Descriptor]
) -> tuple[ChildDetail, ...]:
    found = []
    for number, entry in enumerate(entries[:MAX_ENTRIES]):
        size = await _pulled_size(backend, name, entry.digest) if number < _SIZED_CHILDREN else None
        platform = format_platform(entry.platform) if entry.platform else ""
        notes = entry.annotations or {}
        child = ChildDetail(
            entry.digest, entry.media_type, platform, entry.artifact_type, size, notes
        )
        found.append(child)
    return tuple(found)


async def _pulled_size(backend: Backend, name: str, digest: Digest) -> int | None:
    with suppress(WherryError):
        body = (await backend.manifest(name, digest)).body
        document = read_document(body)
        config = [document.config] if document.config else []
        return len(body) + size_of([*config, *(document.layers or []), *(document.blobs or [])])
    return None


async def _config(
    backend: Backend, name: str, descriptor: Descriptor | None
) -> ConfigDetail | None:
    if descriptor is None or _artifact_type(descriptor):
        return None
    with suppress(WherryError):
        blob = await backend.blob(name, descriptor.digest)
        if blob.size <= MAX_CONFIG and (data := await _bytes_of(blob.source, blob.size)):
            return read_config(data)
    return None


async def _bytes_of(source: Source, size: int) -> bytes:
    if isinstance(source, Arriving):
        async with aclosing(source.open()) as pieces:
            return b"".join([piece async for piece in pieces])
    return await in_thread(_read, source, size)


def _read(source: LocalFile | Redirect | Streamed, size: int) -> bytes:
    match source:
        case LocalFile():
            with source.open() as file:
                return file.read(size)
        case Streamed(read):
            return b"".join(read(0, size))
        case Redirect(_, read):
            return b"".join(read(0, size)) if read else b""


def read_config(data: bytes) -> ConfigDetail | None:
    """Read an image's configuration; None when it is not JSON at all."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    run = _mapping(found.get("config"))
    return ConfigDetail(
        created=_text(found.get("created")),
        author=_text(found.get("author")),
        os=_text(found.get("os")),
        architecture=_text(found.get("architecture")),
        variant=_text(found.get("variant")),
        user=_text(run.get("User")),
        working_dir=_text(run.get("WorkingDir")),
        stop_signal=_text(run.get("StopSignal")),
        entrypoint=_texts(run.get("Entrypoint")),
        cmd=_texts(run.get("Cmd")),
        env=_texts(run.get("Env")),
        ports=tuple(_mapping(run.get("ExposedPorts"))),
        volumes=tuple(_mapping(run.get("Volumes"))),
        labels={k: v for k, v in _mapping(run.get("Labels")).items() if isinstance(v, str)},
        history=tuple(_history(found.get("history"))),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else []
    return tuple(one for one in entries[:MAX_ENTRIES] if isinstance(one, str))


def _mapping(value: object) -> dict[str, Any]:
    return dict(list(value.items())[:MAX_ENTRIES]) if isinstance(value, dict) else {}


def _history(value: object) -> Iterator[HistoryDetail]:
    for entry in value[:MAX_ENTRIES] if isinstance(value, list) else []:
        step = _mapping(entry)
        yield HistoryDetail(
            _text(step.get("created")),
            _text(step.get("created_by")),
            _text(step.get("comment")),
            step.get("empty_layer") is True,
        )
