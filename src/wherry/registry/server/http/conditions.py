"""Conditional requests (RFC 9110, section 13): what a digest names never changes. Pure."""

from __future__ import annotations

from aiohttp import hdrs, web

from wherry.oci.digest import Digest


def etag(digest: Digest) -> str:
    """Return the entity tag of what has this digest."""
    return f'"{digest}"'


def unchanged(request: web.BaseRequest, digest: Digest) -> bool:
    """Tell whether the client says that it has this already: 304."""
    header = request.headers.get(hdrs.IF_NONE_MATCH)
    if header is None:
        return False
    # Clients write it with quotes and without, and in lists; a digest is in no other text.
    return digest in header or header.strip() == "*"


def range_counts(request: web.BaseRequest, digest: Digest) -> bool:
    """Tell whether a range is wanted of just this (If-Range), and not the whole of another."""
    header = request.headers.get(hdrs.IF_RANGE)
    return header is None or header.strip() == etag(digest)
