"""Routes and refusals as data."""

from __future__ import annotations

import json

import pytest

from wherry.oci.digest import Digest
from wherry.registry import protocol
from wherry.registry.protocol import MAX_WORDS, Failure, Route, find_route, read_failure

JSON = "application/json; charset=utf-8"


def body(*errors: object) -> bytes:
    return json.dumps({"errors": errors}).encode()


def test_routes() -> None:
    digest = Digest("sha256:" + "a" * 64)
    assert protocol.manifest_route("a/b", "1.0") == "/v2/a/b/manifests/1.0"
    assert protocol.manifest_route("a", digest) == f"/v2/a/manifests/{digest}"
    assert protocol.manifest_route("a", "../../x?y") == "/v2/a/manifests/..%2F..%2Fx%3Fy"
    assert protocol.blob_route("a", digest) == f"/v2/a/blobs/{digest}"
    assert protocol.uploads_route("a") == "/v2/a/blobs/uploads/"
    mounting = protocol.uploads_route("a", **{"mount": "sha256:b", "from": "c/d"})
    assert mounting == "/v2/a/blobs/uploads/?mount=sha256%3Ab&from=c%2Fd"
    assert protocol.repository_scope("a/b", "push", "pull") == "repository:a/b:push,pull"


@pytest.mark.parametrize(("status", "words"), [(502, "502 Bad Gateway"), (799, "799")])
def test_a_status_in_words(status: int, words: str) -> None:
    assert protocol.status_line(status) == words


@pytest.mark.parametrize(
    ("status", "content_type", "sent", "words"),
    [
        (404, JSON, body({"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}),
         "manifest unknown: manifest unknown"),
        (404, JSON, body({"code": "NAME_UNKNOWN", "detail": {"name": "x"}}),
         "name unknown: repository name not known to registry"),
        (429, JSON, body({"code": "TOOMANYREQUESTS", "message": "You have reached your limit"}),
         "toomanyrequests: You have reached your limit"),
        (403, JSON, body({"code": "DENIED", "message": None}, {"code": "UNAUTHORIZED"}),
         "denied: requested access to the resource is denied"),
        (400, JSON, body({"code": "HOUSE_RULE", "message": "not here"}), "unknown: not here"),
        (400, JSON, b'{"details": "old style"}', "unknown: old style"),
        (401, JSON, b"", "unauthorized: authentication required"),
        (401, JSON, b"{}", "unauthorized: authentication required"),
        (403, "text/html", b"<h1>no</h1>", "denied: <h1>no</h1>"),
        (404, "text/plain", b"404 page not found\n", "unknown: 404 page not found"),
        (404, "", b"", "unknown: unknown error"),
        (404, JSON, b"{}", ("unknown: error parsing HTTP 404 response body: "
         'no error details found in HTTP response body: "{}"')),
    ],
)  # fmt: skip
def test_a_refusal_in_words(status: int, content_type: str, sent: bytes, words: str) -> None:
    assert read_failure(status, content_type, sent).words == words


@pytest.mark.parametrize("sent", [b"[]", b"null", b'{"errors": 3}', b"\xff\xfe", b"[" * 5000])
def test_a_body_that_is_not_of_the_protocol(sent: bytes) -> None:
    failure = read_failure(400, JSON, sent)
    assert failure.code == protocol.UNKNOWN
    assert failure.message.startswith("error parsing HTTP 400 response body: ")
    assert len(failure.message) <= MAX_WORDS


def test_a_bearer_challenge_tells_a_missing_right_from_a_missing_login() -> None:
    sent = body({"code": "UNAUTHORIZED", "message": "authentication required"})
    lacking = read_failure(401, JSON, sent, {"error": "insufficient_scope"})
    assert lacking == Failure(401, "DENIED", "requested access to the resource is denied")
    expired = read_failure(
        401, JSON, sent, {"error": "invalid_token", "error_description": "too late"}
    )
    assert expired.words == "unauthorized: too late"


def test_words_do_not_reach_the_terminal_raw() -> None:
    sent = body({"code": "DENIED", "message": "\x1b[2Jno\r\n\u202e" + "x" * 100_000})
    message = read_failure(403, JSON, sent).message
    assert message.startswith("[2Jno x")
    assert len(message) == MAX_WORDS


def test_more_routes() -> None:
    digest = Digest("sha256:" + "a" * 64)
    assert protocol.upload_route("a/b", "x/y") == "/v2/a/b/blobs/uploads/x%2Fy"
    assert protocol.tags_route("a") == "/v2/a/tags/list"
    assert protocol.referrers_route("a", digest) == f"/v2/a/referrers/{digest}"
    assert protocol.catalog_route() == "/v2/_catalog"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v2", Route("base")),
        ("/v2/", Route("base")),
        ("/v2/_catalog", Route("catalog")),
        ("/v2/a/b/manifests/1.0", Route("manifest", "a/b", "1.0")),
        ("/v2/a/manifests/manifests/x", Route("manifest", "a/manifests", "x")),
        ("/v2/a/blobs/sha256:x", Route("blob", "a", "sha256:x")),
        ("/v2/a/blobs/uploads/", Route("upload", "a")),
        ("/v2/a/blobs/uploads", Route("upload", "a")),
        ("/v2/a/blobs/uploads/x", Route("upload", "a", "x")),
        ("/v2/a/blobs/uploads/blobs/uploads/x", Route("upload", "a/blobs/uploads", "x")),
        ("/v2/a/tags/list", Route("tags", "a")),
        ("/v2/a/referrers/sha256:x", Route("referrers", "a", "sha256:x")),
        ("/v2/a", None),
        ("/v2/a/tags/other", None),
        ("/v2/manifests/x", None),
        ("/v1/search", None),
        ("/v22/", None),
        ("/", None),
    ],
)
def test_a_path_is_understood(path: str, route: Route | None) -> None:
    assert find_route(path) == route


def test_what_can_be_done_where() -> None:
    assert Route("upload", "a").methods == ("POST",)
    assert Route("upload", "a", "x").methods == ("GET", "HEAD", "PATCH", "PUT", "DELETE")
    assert Route("tags", "a").methods == ("GET", "HEAD")
