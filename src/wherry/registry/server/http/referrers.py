"""The list of manifests that refer to another one (OCI 1.1), as an index.

It is cut into pages by its bytes, since annotations can be large and clients read no index beyond
a few megabytes. A page begins behind the digest that the one before ended with.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiohttp import web

from wherry.oci.image import OCI_INDEX, Descriptor
from wherry.registry.protocol import referrers_route
from wherry.registry.server.access.guard import Guard
from wherry.registry.server.backend import Backend
from wherry.registry.server.http.call import Call
from wherry.registry.server.http.paging import next_link

PAGE_BYTES = 3 << 20
_FILTER = "artifactType"
_HEAD = b'{"schemaVersion":2,"mediaType":"' + OCI_INDEX.encode() + b'","manifests":['
_TAIL = b"]}"


class Referrers:
    """Answers `/v2/<name>/referrers/<digest>`."""

    def __init__(self, backend: Backend, guard: Guard) -> None:
        self._backend = backend
        self._guard = guard

    async def get(self, call: Call) -> web.Response:
        """GET and HEAD; what nobody refers to, or is not there, has an empty list."""
        call.require(self._guard, "pull")
        digest = call.digest()
        found: Sequence[Descriptor] = await self._backend.referrers(call.name, digest)
        headers = {"Content-Type": OCI_INDEX}
        following: dict[str, object] = {}
        if wanted := call.query.first(_FILTER):
            found = [one for one in found if one.artifact_type == wanted]
            following[_FILTER] = wanted
            headers["OCI-Filters-Applied"] = _FILTER
        shown, last = page_of(found, call.query.first("last"))
        if last:
            following["last"] = last
            headers["Link"] = next_link(referrers_route(call.name, digest), following)
        return web.Response(body=_HEAD + b",".join(shown) + _TAIL, headers=headers)


def page_of(found: Sequence[Descriptor], after: str) -> tuple[list[bytes], str]:
    """Return encoded descriptors, and the digest that the next page begins behind, "" for none.

    When `after` has been deleted meanwhile the list begins anew: better one twice than one missing.
    """
    begin = next((i + 1 for i, one in enumerate(found) if one.digest == after), 0)
    shown: list[bytes] = []
    size = 0
    for index in range(begin, len(found)):
        encoded = msgspec.json.encode(found[index])
        size += len(encoded) + 1
        if shown and size > PAGE_BYTES:
            return shown, found[index - 1].digest
        shown.append(encoded)
    return shown, ""
