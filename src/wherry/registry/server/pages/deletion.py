"""Deleting a tag or a manifest: a page that asks, and the form on it that does it."""

from __future__ import annotations

from aiohttp import web

from wherry.oci.digest import parse_digest
from wherry.registry.server.backend import RepositoryUnknownError, check_name
from wherry.registry.server.pages.forms import check_origin, read_form
from wherry.registry.server.pages.render import lead_to
from wherry.registry.server.pages.routes import HOME, check_reference, repository_path, with_query
from wherry.registry.server.pages.visit import Visit


async def ask(visit: Visit) -> web.Response:
    """Return the page that asks; raises as the guard does, and as `Backend.manifest`."""
    name, reference = visit.query("repository"), visit.query("reference")
    _require(visit, name, reference)
    manifest = await visit.shop.backend.manifest(name, reference)
    return visit.page(
        "delete.html",
        name=name,
        reference=reference,
        digest=manifest.digest,
        by_tag=":" not in reference,
        token=visit.form_token(_purpose(name, reference)),
    )


async def perform(visit: Visit) -> web.Response:
    """Delete, and lead back; raises ForeignFormError, ImmutableError, as the guard and `read_form`
    do, and as `Backend.manifest`."""
    check_origin(visit.peer)
    fields = await read_form(visit.exchange)
    name, reference = fields.get("repository", ""), fields.get("reference", "")
    visit.check_token(fields.get("token", ""), _purpose(name, reference))
    _require(visit, name, reference)
    exchange, backend = visit.exchange, visit.shop.backend
    exchange.action, exchange.reference = "delete", reference
    if ":" in reference:
        exchange.digest = reference
        await backend.delete_manifest(name, parse_digest(reference), visit.caller.name)
        message = "manifest-deleted"
    else:
        await backend.delete_tag(name, reference, visit.caller.name)
        message = "tag-deleted"
    return lead_to(with_query(await _left(visit, name), message=message))


def _require(visit: Visit, name: str, reference: str) -> None:
    check_name(name)
    check_reference(reference)
    visit.require(name, "pull")
    visit.require(name, "delete")


def _purpose(name: str, reference: str) -> str:
    return f"delete {name} {reference}"


async def _left(visit: Visit, name: str) -> str:
    """Return where to go on: the repository is gone when it was its last manifest."""
    try:
        await visit.shop.backend.tags(name, "", 1)
    except RepositoryUnknownError:
        return HOME
    return repository_path(name)
