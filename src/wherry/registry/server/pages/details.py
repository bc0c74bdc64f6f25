"""The page of an image, by tag or digest, and its manifest as it was pushed."""

from __future__ import annotations

from aiohttp import web

from wherry.registry.server.hosted.describe import describe
from wherry.registry.server.pages.image import cut, is_attestation, referrer_kind, show_image
from wherry.registry.server.pages.repository import tag_detail
from wherry.registry.server.pages.visit import Visit


async def show(visit: Visit) -> web.Response:
    """Return the page; raises as `Backend.manifest` and as the guard does."""
    name, reference = visit.target.name, visit.target.reference
    visit.require(name, "pull")
    detail = await describe(visit.shop.backend, name, reference)
    by_tag = ":" not in reference
    tag = await tag_detail(visit, name, reference) if by_tag else None
    referrers = await visit.shop.backend.referrers(name, detail.digest)
    visit.exchange.reference, visit.exchange.digest = reference, detail.digest
    return visit.page(
        "image.html",
        name=name,
        reference=reference,
        by_tag=by_tag,
        tag=tag,
        detail=detail,
        shown=show_image(detail),
        referrers=cut([(referrer_kind(one), one) for one in referrers]),
        is_attestation=is_attestation,
        may_delete=visit.may(name, "delete"),
    )


async def raw(visit: Visit) -> web.Response:
    """Return a manifest as it was pushed, as text: no browser takes it for a page."""
    name, reference = visit.target.name, visit.target.reference
    visit.require(name, "pull")
    manifest = await visit.shop.backend.manifest(name, reference)
    return web.Response(body=manifest.body, content_type="text/plain", charset="utf-8")
