"""What registries have, in the API's shapes. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.api.ports import RemoteImage, SearchResult


def result(found: SearchResult) -> dict[str, Any]:
    """Return one line of GET /images/search; nothing is automated any more."""
    return {
        "star_count": found.star_count,
        "is_official": found.is_official,
        "name": found.name,
        "is_automated": False,
        "description": found.description,
    }


def remote(found: RemoteImage) -> dict[str, Any]:
    """Return GET /distribution/{name}/json."""
    named = {"architecture": "", "os": ""}
    platforms = [{**named, **msgspec.to_builtins(one)} for one in found.platforms]
    return {"Descriptor": msgspec.to_builtins(found.descriptor), "Platforms": platforms or None}
