"""The distribution protocol as data: routes, media types, error codes, and bodies of errors.

Pure, and made for both sides: a client makes paths with the functions that end in `_route`, and a
server understands them with `find_route`; a server answers with the codes and statuses of
`ERROR_CODES`, and a client reads them back with `read_failure`. The table is that of the OCI
distribution-spec with the codes that Docker's own registry adds. `Failure.words` is
`code: message` with the code in lower case and its underscores as spaces, which is what Docker's
clients have always shown.

The body of an error comes from a server that nobody vouches for: it is cut, and control characters
are taken out, before a user's terminal sees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from wherry.base.values import dataclass
from wherry.oci import image
from wherry.oci.digest import Digest
from wherry.oci.reading import read

DIGEST_HEADER = "Docker-Content-Digest"
UPLOAD_HEADER = "Docker-Upload-UUID"
VERSION_HEADER = "Docker-Distribution-Api-Version"
VERSION = "registry/2.0"
OCTETS = "application/octet-stream"
JSON_TYPES = frozenset({"application/json", "application/vnd.api+json"})
GENERIC_TYPES = frozenset({"", OCTETS, "application/json", "text/plain", "text/html"})

MANIFEST_ACCEPT = ", ".join(
    (
        image.DOCKER_MANIFEST,
        image.DOCKER_MANIFEST_LIST,
        image.OCI_INDEX,
        image.OCI_MANIFEST,
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    )
)

MAX_WORDS = 1024

UNAUTHORIZED = "UNAUTHORIZED"
DENIED = "DENIED"
UNKNOWN = "UNKNOWN"
UNSUPPORTED = "UNSUPPORTED"
UNAVAILABLE = "UNAVAILABLE"
TOO_MANY_REQUESTS = "TOOMANYREQUESTS"
NAME_UNKNOWN = "NAME_UNKNOWN"
MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
BLOB_UNKNOWN = "BLOB_UNKNOWN"
MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
MANIFEST_INVALID = "MANIFEST_INVALID"
UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
DIGEST_INVALID = "DIGEST_INVALID"
NAME_INVALID = "NAME_INVALID"
SIZE_INVALID = "SIZE_INVALID"
TAG_INVALID = "TAG_INVALID"
RANGE_INVALID = "RANGE_INVALID"
PAGE_INVALID = "PAGINATION_NUMBER_INVALID"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A code of the protocol: its usual words and the HTTP status that goes with it."""

    message: str
    status: int


ERROR_CODES: Mapping[str, ErrorCode] = {
    UNKNOWN: ErrorCode("unknown error", 500),
    UNSUPPORTED: ErrorCode("The operation is unsupported.", 405),
    UNAUTHORIZED: ErrorCode("authentication required", 401),
    DENIED: ErrorCode("requested access to the resource is denied", 403),
    UNAVAILABLE: ErrorCode("service unavailable", 503),
    TOO_MANY_REQUESTS: ErrorCode("too many requests", 429),
    DIGEST_INVALID: ErrorCode("provided digest did not match uploaded content", 400),
    SIZE_INVALID: ErrorCode("provided length did not match content length", 400),
    NAME_INVALID: ErrorCode("invalid repository name", 400),
    TAG_INVALID: ErrorCode("manifest tag did not match URI", 400),
    NAME_UNKNOWN: ErrorCode("repository name not known to registry", 404),
    MANIFEST_UNKNOWN: ErrorCode("manifest unknown", 404),
    MANIFEST_INVALID: ErrorCode("manifest invalid", 400),
    "MANIFEST_UNVERIFIED": ErrorCode("manifest failed signature verification", 400),
    MANIFEST_BLOB_UNKNOWN: ErrorCode("blob unknown to registry", 400),
    BLOB_UNKNOWN: ErrorCode("blob unknown to registry", 404),
    UPLOAD_UNKNOWN: ErrorCode("blob upload unknown to registry", 404),
    UPLOAD_INVALID: ErrorCode("blob upload invalid", 404),
    RANGE_INVALID: ErrorCode("invalid content range", 416),
    PAGE_INVALID: ErrorCode("invalid number of results requested", 400),
}

_STATUS_CODES = {401: UNAUTHORIZED, 403: DENIED, 429: TOO_MANY_REQUESTS}
_BEARER_ERRORS = {"invalid_token": UNAUTHORIZED, "insufficient_scope": DENIED}

RouteKind = Literal["base", "catalog", "manifest", "blob", "upload", "tags", "referrers"]
_READ = ("GET", "HEAD")
METHODS: Mapping[RouteKind, tuple[str, ...]] = {
    "base": _READ,
    "catalog": _READ,
    "manifest": (*_READ, "PUT", "DELETE"),
    "blob": (*_READ, "DELETE"),
    "upload": (*_READ, "PATCH", "PUT", "DELETE"),
    "tags": _READ,
    "referrers": _READ,
}
START_METHODS = ("POST",)  # of the route where uploads begin


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the protocol. `name` is a repository's, unchecked; `reference` is what follows: a
    tag or digest, an upload's id, or "" where uploads begin."""

    kind: RouteKind
    name: str = ""
    reference: str = ""

    @property
    def methods(self) -> tuple[str, ...]:
        """What can be done there."""
        return START_METHODS if self.kind == "upload" and not self.reference else METHODS[self.kind]


# What a path ends with, before its last segment; the longer ending first.
_ENDINGS: tuple[tuple[str, RouteKind], ...] = (
    ("/manifests", "manifest"),
    ("/blobs/uploads", "upload"),
    ("/blobs", "blob"),
    ("/referrers", "referrers"),
)


def find_route(path: str) -> Route | None:
    """Return the route that a path, percent-decoded and without its query, leads to.

    A repository may be called as parts of routes are: the last ones in a path count.
    """
    if not path.startswith("/v2/"):
        return Route("base") if path == "/v2" else None
    if path == "/v2/":
        return Route("base")
    rest, _, last = path[4:].rpartition("/")
    for ending, kind in _ENDINGS:
        if rest.endswith(ending):
            if kind == "blob" and last == "uploads":
                return Route("upload", rest.removesuffix(ending))
            return Route(kind, rest.removesuffix(ending), last)
    if last == "list" and rest.endswith("/tags"):
        return Route("tags", rest.removesuffix("/tags"))
    return Route("catalog") if last == "_catalog" and not rest else None


def base_route() -> str:
    """Return the route that tells whether this is a registry, and how to authenticate."""
    return "/v2/"


def manifest_route(name: str, wanted: str) -> str:
    """Return the route of a manifest, by tag or digest."""
    return f"/v2/{name}/manifests/{quote(wanted, safe=':')}"


def blob_route(name: str, digest: Digest) -> str:
    """Return the route of a blob."""
    return f"/v2/{name}/blobs/{digest}"


def uploads_route(name: str, **query: str) -> str:
    """Return the route where uploads begin; `mount` and `from` ask for another repository's."""
    return f"/v2/{name}/blobs/uploads/" + (f"?{urlencode(query)}" if query else "")


def upload_route(name: str, upload: str) -> str:
    """Return the route of an upload that has begun."""
    return f"/v2/{name}/blobs/uploads/{quote(upload, safe='')}"


def tags_route(name: str) -> str:
    """Return the route of a repository's list of tags."""
    return f"/v2/{name}/tags/list"


def referrers_route(name: str, digest: Digest) -> str:
    """Return the route of the list of a manifest's referrers."""
    return f"/v2/{name}/referrers/{digest}"


def catalog_route() -> str:
    """Return the route of the list of repositories."""
    return "/v2/_catalog"


def repository_scope(name: str, *actions: str) -> str:
    """Return the scope of a token: what it lets its bearer do with one repository."""
    return f"repository:{name}:{','.join(actions)}"


def status_line(status: int) -> str:
    """Return a status as `502 Bad Gateway`, in the standard's words and not the server's."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a registry said when it refused: HTTP status, code of the protocol, message."""

    status: int
    code: str
    message: str

    @property
    def words(self) -> str:
        """`code: message` as Docker's clients show it."""
        return f"{self.code.lower().replace('_', ' ')}: {self.message}"


class _Entry(msgspec.Struct, frozen=True):
    code: str = UNKNOWN
    message: str | None = None


class _Body(msgspec.Struct, frozen=True):
    errors: list[_Entry] | None = None
    details: str | None = None


def read_failure(
    status: int, content_type: str, body: bytes, bearer: Mapping[str, str] | None = None
) -> Failure:
    """Understand a refusal (4xx).

    `bearer` are the parameters of the response's Bearer challenge: its `error` (RFC 6750) goes
    before the body, since a token that lacks a right is answered with 401, which alone would read
    as if nobody had logged in. Of several errors the first is told.
    """
    bearer = bearer or {}
    if code := _BEARER_ERRORS.get(bearer.get("error", "")):
        return _failure(status, code, bearer.get("error_description", ""))
    by_status = _STATUS_CODES.get(status, UNKNOWN)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in JSON_TYPES:
        words = printable(body.decode(errors="replace"))
        return _failure(status, by_status, words)
    try:
        decoded = read(body, _Body)
    except msgspec.MsgspecError as error:
        return _unreadable(status, by_status, str(error), body)
    if decoded.details:
        return _failure(status, by_status, decoded.details)
    if not decoded.errors:
        reason = "no error details found in HTTP response body"
        return _unreadable(status, by_status, reason, body)
    first = decoded.errors[0]
    code = first.code if first.code in ERROR_CODES else UNKNOWN
    return _failure(status, code, first.message or "")


def _failure(status: int, code: str, message: str) -> Failure:
    return Failure(status, code, printable(message) or ERROR_CODES[code].message)


def _unreadable(status: int, code: str, reason: str, body: bytes) -> Failure:
    if code != UNKNOWN:
        return _failure(status, code, "")
    told = json.dumps(printable(body.decode(errors="replace")))
    return _failure(status, code, f"error parsing HTTP {status} response body: {reason}: {told}")


def printable(text: str) -> str:
    """Return what a stranger wrote in one line that a terminal can show, cut to MAX_WORDS."""
    shown = "".join(c if c.isprintable() else " " for c in text[: 2 * MAX_WORDS])
    return " ".join(shown.split())[:MAX_WORDS]
