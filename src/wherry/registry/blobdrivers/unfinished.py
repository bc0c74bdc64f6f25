"""Multipart uploads that nobody will finish, since their process was killed.

Their parts are in no list of objects, and stay, and are paid for, until the upload is aborted.
obstore can neither list nor abort uploads, so these two requests are made here, signed as Amazon
has it (Signature Version 4). That takes the keys: from the settings, or from AWS_ACCESS_KEY_ID and
its companions. Where they come from elsewhere, such as the role of a machine, nothing is done here:
a rule of the bucket (AbortIncompleteMultipartUpload) has to do it.

Blocks. The uploads to abort are those of keys that the catalog has given up, so that of a writer
who is still at work is never touched.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import os
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterator, Mapping
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit

from wherry.base.errors import UnavailableError
from wherry.base.values import dataclass, field
from wherry.registry.server.settings import ObjectStorage

_MOST_BYTES = 8 << 20
_MOST_PAGES = 1000
_NOT_FOUND, _NOT_IMPLEMENTED = 404, 501


class UploadsHiddenError(UnavailableError):
    """The store does not let us list or abort uploads, or does not know how to."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What requests are signed with; `token` is of a session, or ""."""

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def keys_of(storage: ObjectStorage, environment: Mapping[str, str]) -> Keys | None:
    """Return the keys that the settings have, or the environment; None where neither has."""
    if storage.access_key:
        return Keys(storage.access_key, storage.secret_key)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    found = Keys(*(environment.get(name, "") for name in names))
    return found if found.access and found.secret else None


class UnfinishedUploads:
    """Those of one bucket whose names begin with `prefix`; each request has `seconds`."""

    def __init__(self, storage: ObjectStorage, prefix: str, seconds: float) -> None:
        endpoint = storage.endpoint or f"https://s3.{storage.region}.amazonaws.com"
        self._base = f"{endpoint.rstrip('/')}/{storage.bucket}"
        self._region = storage.region
        self._prefix = prefix
        self._seconds = seconds
        self._keys = keys_of(storage, os.environ)

    def abort(self, names: Collection[str]) -> None:
        """Abort the uploads of these objects; raises UploadsHiddenError, OSError, ValueError."""
        if self._keys is None or not names:
            return
        for name, upload in list(self.listed()):
            if name in names:
                self.request("DELETE", name, {"uploadId": upload})

    def listed(self) -> Iterator[tuple[str, str]]:
        """Yield the object's name, and the id, of every upload that is under way."""
        query = {"uploads": "", "prefix": self._prefix}
        for _ in range(_MOST_PAGES):
            page = _parsed(self.request("GET", "", query))
            for entry in page.iterfind("{*}Upload"):
                yield entry.findtext("{*}Key", ""), entry.findtext("{*}UploadId", "")
            if page.findtext("{*}IsTruncated") != "true":
                return
            query["key-marker"] = page.findtext("{*}NextKeyMarker", "")
            query["upload-id-marker"] = page.findtext("{*}NextUploadIdMarker", "")

    def request(self, method: str, name: str, query: Mapping[str, str]) -> bytes:
        """Send a signed request for an object, or for the bucket with "", and return the reply."""
        assert self._keys is not None
        url = quote(f"{self._base}/{name}".rstrip("/"), safe=":/")
        words = "&".join(f"{key}={quote(query[key], safe='')}" for key in sorted(query))
        now = datetime.datetime.now(datetime.UTC)
        headers = signed(self._keys, self._region, f"{method} {url}?{words}", now)
        request = urllib.request.Request(f"{url}?{words}", None, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as reply:  # noqa: S310
                body: bytes = reply.read(_MOST_BYTES)
                return body
        except HTTPError as error:
            with error:
                _judge(error, error.read(_MOST_BYTES).decode(errors="replace"))
            return b""


def _parsed(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body)  # noqa: S314 - from the operator's own store
    except ET.ParseError as error:
        raise ValueError(f"not a list of uploads: {error}") from error


def _judge(error: HTTPError, text: str) -> None:
    """Return when the upload is gone already; raise what else a refusal means."""
    if error.code == _NOT_FOUND and "NoSuchUpload" in text:
        return
    words = f"status code: {error.code} {error.reason}: {text}"
    if error.code < 500 or error.code == _NOT_IMPLEMENTED:
        raise UploadsHiddenError(words) from error
    raise OSError(words) from error


def signed(keys: Keys, region: str, request: str, now: datetime.datetime) -> dict[str, str]:
    """Return the headers that sign a request without a body, given as `GET http://host/path?query`
    with the query's parameters in order."""
    method, _, url = request.partition(" ")
    parts = urlsplit(url)
    empty = hashlib.sha256().hexdigest()
    time = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": parts.netloc, "x-amz-content-sha256": empty, "x-amz-date": time}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    canonical = "\n".join([method, parts.path, parts.query, *lines, "", names, empty])
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{keys.secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return headers
