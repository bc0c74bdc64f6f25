"""Templates made into responses, with the headers that every page has.

Everything is escaped unless a template says otherwise, and none does. The headers let a page load
nothing but our own style, script and icon: if markup of a stranger ever got through, a browser
would not run it, nor send anything anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from wherry.base.errors import NotFoundError
from wherry.registry.server.pages import routes, text

_FOLDER = Path(__file__).parent
_CSP = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "script-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
# Not `no-referrer`, with which browsers send forms from nowhere (`Origin: null`).
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_YEAR = 365 * 24 * 3600
_DAY = 24 * 3600


class StaticUnknownError(NotFoundError):
    """No static file has this name."""

    def __init__(self) -> None:
        super().__init__("there is no such file")


class Renderer:
    """The templates and static files, read once."""

    def __init__(self) -> None:
        found = sorted((_FOLDER / "static").iterdir())
        self._files = {file.name: file.read_bytes() for file in found if file.suffix in _TYPES}
        mark = hashlib.sha256(b"\0".join(self._files.values())).hexdigest()[:12]
        self._static = f"/static/{mark}/"
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "size": text.size_words,
            "share": text.share_words,
            "line": text.line,
            "block": text.block,
            "short": text.short_digest,
            "instruction": text.instruction,
        }
        self._environment.globals |= {
            "static": self._static,
            "count": text.count_words,
            "repository_path": routes.repository_path,
            "image_path": routes.image_path,
            "raw_path": routes.raw_path,
            "delete_path": routes.delete_path,
            "login_path": routes.login_path,
            "with_query": routes.with_query,
        }

    def page(
        self, template: str, context: Mapping[str, Any], now: float, status: int = 200
    ) -> web.Response:
        """Return a page; times in it are told as they look `now`."""
        times = {
            "moment": partial(text.moment, now=now),
            "moment_of": partial(text.moment_of, now=now),
        }
        body = self._environment.get_template(template).render({**context, **times})
        return web.Response(status=status, text=body, content_type="text/html", charset="utf-8")

    def static(self, path: str, name: str) -> web.Response:
        """Return a static file; raises StaticUnknownError."""
        body = self._files.get(name)
        if body is None:
            raise StaticUnknownError
        seconds = _YEAR if path.startswith(self._static) else _DAY
        return web.Response(
            body=body,
            headers={
                "Content-Type": _TYPES[Path(name).suffix],
                "Cache-Control": f"public, max-age={seconds}",
            },
        )


def lead_to(path: str) -> web.Response:
    """Return what leads a browser on to another page, whatever it has just sent."""
    return web.Response(status=303, headers={"Location": path})


def secured(response: web.Response, *, private: bool) -> web.Response:
    """Return a response with the headers of every page; a private one is kept by nobody."""
    response.headers.update(_HEADERS)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if private else "private, no-cache"
        response.headers["Vary"] = "Cookie, Authorization"
    return response
