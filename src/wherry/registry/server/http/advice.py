"""What is told to those who push manifests that work, but not well everywhere. Pure.

The words go into Warning headers, which clients show to their users (distribution-spec, Warnings).
"""

from __future__ import annotations

import msgspec

from wherry.oci import image
from wherry.oci.reading import read

_KNOWN = image.INDEX_TYPES | image.MANIFEST_TYPES
_LONGEST = 400


class _Said(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str = ""


def advice(announced: str, body: bytes) -> list[str]:
    """Return what there is to say of a manifest that was pushed with this Content-Type."""
    found = []
    try:
        said = read(body, _Said).media_type
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return []
    kind, _, parameters = announced.partition(";")
    kind = kind.strip()
    if not kind:
        found.append("the push has no Content-Type: set it to the mediaType of the manifest")
    if parameters.strip():
        found.append("the Content-Type of the push has parameters, which are ignored")
    if not said:
        found.append("the manifest has no mediaType, so clients have to guess what it is")
    if (said or kind) not in _KNOWN:
        found.append(
            f"{said or kind or 'this'} is no known type of manifest, and may not be pulled"
        )
    return found


def warning(words: str) -> str:
    """Return the value of a Warning header; what a client wrote may be among the words."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in words[:_LONGEST])
    return f'299 - "{plain}"'
