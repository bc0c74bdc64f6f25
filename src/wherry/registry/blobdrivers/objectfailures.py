"""Failures of an object store in words for operators: which bucket, where, why, what to do.

The library's own messages have the whole request and reply in them. Only the store's error code,
its status, or the system's reason is taken out of one, so nothing secret can come along.
"""

from __future__ import annotations

import re

from wherry.registry.blobdrivers.driver import StorageUnavailableError
from wherry.registry.server.settings import ObjectStorage

NO_BUCKET = "NoSuchBucket"
NO_SUCH_RANGE = ("InvalidRange", "416")
_CODE = re.compile(r"<Code>(\w{1,80})</Code>")
_STATUS = re.compile(r"status code: (\d{3}[\w ]{0,40})")
_REASONS = (
    re.compile(r'message: "([^"]{1,200})"'),
    re.compile(r'error: "([^"]{1,200})"'),
    re.compile(r"kind: (Timeout)\b"),
    re.compile(r"HTTP error: ([^\n]{1,200})"),
    re.compile(r"invalid peer certificate: (\w{1,80})"),
)
_RIGHTS = "check access_key and secret_key, and what they allow"
_WAYS_OUT = {
    NO_BUCKET: "create it, or name another in the settings",
    "SignatureDoesNotMatch": _RIGHTS,
    "InvalidAccessKeyId": _RIGHTS,
    "AccessDenied": _RIGHTS,
    "403 Forbidden": _RIGHTS,
    "401 Unauthorized": _RIGHTS,
    "RequestTimeTooSkewed": "set this machine's clock",
    "AuthorizationHeaderMalformed": "check region",
    "PermanentRedirect": "check region and endpoint",
}


def unavailable(storage: ObjectStorage, error: BaseException) -> StorageUnavailableError:
    """Return what is raised for a failure of the library."""
    where = storage.endpoint or f"Amazon S3 in {storage.region}"
    why = reason(error)
    way_out = _WAYS_OUT.get(why, "is the store running, and the endpoint right?")
    return StorageUnavailableError(f"bucket {storage.bucket} at {where}: {why}; {way_out}")


def reason(error: BaseException) -> str:
    """Return the store's code for what went wrong, or its status, or the system's reason."""
    text = str(error)
    for pattern in (_CODE, _STATUS, *_REASONS):
        if match := pattern.search(text):
            return match[1].strip()
    return text.partition("\n")[0][:200] or type(error).__name__
