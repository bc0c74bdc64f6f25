"""Manifests as JSON: read strictly, since different programs have to see the same in them. Pure.

JSON leaves room for documents that one program reads in one way and another in another: a key given
twice, or in two spellings (Go's decoder does not tell capitals), lone surrogates, numbers beyond 64
bits. Whoever checks an image and whoever runs it must not see different layers, so all of these are
refused, as is NUL, which no database stores as text.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from wherry.oci.digest import Digest, InvalidDigestError, parse_digest
from wherry.oci.image import Descriptor
from wherry.oci.reading import read
from wherry.registry.server.backend import ManifestInvalidError

MAX_SIZE = (1 << 63) - 1


class Document(msgspec.Struct, frozen=True, rename="camel"):
    """All that any kind of manifest has; `None` is what is not there, or null."""

    schema_version: int | None = None
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    blobs: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None
    fs_layers: msgspec.Raw | None = None


def read_document(body: bytes) -> Document:
    """Read a manifest; raises ManifestInvalidError whatever is wrong with it."""
    try:
        text = body.decode()
        document = read(text, Document)
        top = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise ManifestInvalidError("the manifest is nested too deeply") from None
    except (ValueError, msgspec.MsgspecError) as error:
        raise ManifestInvalidError(f"the manifest cannot be read: {error}") from None
    if len({key.casefold() for key in top}) != len(top):
        raise ManifestInvalidError("the manifest has one key in two spellings")
    for descriptor in _descriptors(document):
        _check_descriptor(descriptor)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ManifestInvalidError("the manifest has a key twice in one object")
    for key, value in pairs:
        if "\0" in key or (isinstance(value, str) and "\0" in value):
            raise ManifestInvalidError("the manifest has a NUL character in it")
    return made


def _no_constant(name: str) -> NoReturn:
    raise ManifestInvalidError(f"the manifest has {name} in it, which is not JSON")


def _descriptors(document: Document) -> list[Descriptor]:
    found = [one for one in (document.config, document.subject) if one is not None]
    for several in (document.layers, document.blobs, document.manifests):
        found += several or []
    return found


def _check_descriptor(descriptor: Descriptor) -> None:
    if not descriptor.media_type:
        raise ManifestInvalidError(f"the descriptor of {descriptor.digest[:160]} has no mediaType")
    if not 0 <= descriptor.size <= MAX_SIZE:
        raise ManifestInvalidError(f"{descriptor.digest[:160]} cannot have {descriptor.size} bytes")
    try:
        parse_digest(descriptor.digest)
    except InvalidDigestError as error:
        raise ManifestInvalidError(f"the manifest names content by an {error}") from None


def digests_of(descriptors: list[Descriptor]) -> tuple[Digest, ...]:
    """Return their digests, each once, in their order."""
    return tuple(dict.fromkeys(one.digest for one in descriptors))


def size_of(descriptors: list[Descriptor]) -> int:
    """Return the bytes of all, each digest once."""
    return sum({one.digest: one.size for one in descriptors}.values())
