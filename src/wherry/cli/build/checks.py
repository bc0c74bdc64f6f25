"""`build --check`: what the checks have found, as buildx prints it, or as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wherry.cli.build.source import Source


def lines(found: Sequence[Mapping[str, Any]], source: Source) -> Iterator[str]:
    """Yield what is printed; the snippets come from the engine."""
    if not found:
        yield "Check complete, no warnings found."
        return
    count = "1 warning has" if len(found) == 1 else f"{len(found)} warnings have"
    yield f"Check complete, {count} been found!"
    for one in sorted(found, key=lambda one: int(one.get("first") or 0)):
        yield ""
        url = one.get("url")
        yield f"WARNING: {one.get('rule')}" + (f" - {url}" if url else "")
        yield str(one.get("message", ""))
        if snippet := one.get("snippet"):
            yield f"{source.dockerfile}:{one.get('first')}"
            yield str(snippet)


def as_json(found: Sequence[Mapping[str, Any]], source: Source) -> str:
    """Return the same as BuildKit's JSON."""
    text = base64.b64encode((source.text or "").encode()).decode()
    warnings = [
        {
            "ruleName": one.get("rule"),
            "description": one.get("description", ""),
            "url": one.get("url", ""),
            "detail": one.get("message"),
            "location": {
                "sourceIndex": 0,
                "ranges": [{"start": {"line": one.get("first")}, "end": {"line": one.get("last")}}],
            },
        }
        for one in found
    ]
    sources = [{"filename": source.dockerfile, "language": "Dockerfile", "data": text}]
    return json.dumps({"warnings": warnings or None, "sources": sources}, indent=2)
