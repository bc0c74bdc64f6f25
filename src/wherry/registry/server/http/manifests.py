"""Manifests, by tag and by digest: GET, HEAD, PUT, DELETE.

What is stored is what is given, whatever `Accept` says: a registry does not convert, and clients
read the type of what they get. To get one is what a registry does most, so nothing is done for it
that need not be.
"""

from __future__ import annotations

from aiohttp import hdrs, web

from wherry.oci.digest import Digest, algorithm_of, parse_digest
from wherry.registry.protocol import DIGEST_HEADER, manifest_route
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.backend import (
    Backend,
    ManifestUnknownError,
    StoredManifest,
    TagNameError,
    check_tag,
)
from wherry.registry.server.http.advice import advice, warning
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.conditions import etag, unchanged
from wherry.registry.server.http.receive import read_body
from wherry.registry.server.settings import Limits


class Manifests:
    """Answers `/v2/<name>/manifests/<reference>`."""

    def __init__(self, backend: Backend, guard: Guard, limits: Limits) -> None:
        self._backend = backend
        self._guard = guard
        self._limits = limits

    async def get(self, call: Call) -> web.Response:
        """GET and HEAD."""
        exchange = call.exchange
        call.require(self._guard, "pull", done="pull" if call.request.method == "GET" else "")
        manifest = await self._backend.manifest(call.name, _wanted(call))
        exchange.digest = manifest.digest
        exchange.media_type = manifest.media_type
        headers = _headers(manifest)
        if unchanged(call.request, manifest.digest):
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = manifest.media_type
        return web.Response(body=manifest.body, headers=headers)

    async def put(self, call: Call) -> web.Response:
        """PUT, by digest also with tags in the query."""
        exchange, name, reference = call.exchange, call.name, call.reference
        call.require(self._guard, "push", done="push")
        if ":" in reference:
            parse_digest(reference)
        else:
            check_tag(reference)
        tags = [check_tag(tag) for tag in call.query.all("tag")] if ":" in reference else []
        announced = call.request.headers.get(hdrs.CONTENT_TYPE, "")
        exchange.media_type = media_type = announced.partition(";")[0].strip()
        body = await read_body(exchange, self._limits.stall, self._limits.manifest_bytes)
        put = await self._backend.put_manifest(name, reference, media_type, body, call.by)
        for tag in tags:
            await self._backend.put_manifest(
                name, _tagged(tag, put.digest), media_type, body, call.by
            )
        exchange.digest = put.digest
        headers = [
            (hdrs.LOCATION, manifest_route(name, put.digest)),
            (DIGEST_HEADER, put.digest),
            *(("OCI-Tag", tag) for tag in tags),
            *(("Warning", warning(words)) for words in advice(announced, body)),
        ]
        if put.subject is not None:
            headers.append(("OCI-Subject", put.subject))
        return web.Response(status=201, headers=headers)

    async def delete(self, call: Call) -> web.Response:
        """DELETE: a tag and nothing else, or a manifest with all its tags."""
        call.require(self._guard, "delete", done="delete")
        reference = _wanted(call)
        if ":" in reference:
            call.exchange.digest = reference
            await self._backend.delete_manifest(call.name, Digest(reference), call.by)
        else:
            await self._backend.delete_tag(call.name, reference, call.by)
        return web.Response(status=202)


def _wanted(call: Call) -> str:
    """Return the reference of a manifest; what cannot be a tag is none that is there."""
    reference = call.reference
    if ":" in reference:
        return parse_digest(reference)
    try:
        return check_tag(reference)
    except TagNameError:
        raise ManifestUnknownError(call.name, reference[:128]) from None


def _tagged(tag: str, digest: Digest) -> str:
    """Return the reference that lets a tag lead to a manifest that was just put by digest."""
    return tag if algorithm_of(digest) == "sha256" else f"{tag}@{digest}"


def _headers(manifest: StoredManifest) -> dict[str, str]:
    return {DIGEST_HEADER: manifest.digest, hdrs.ETAG: etag(manifest.digest)}
