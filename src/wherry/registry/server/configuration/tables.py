"""The tables of the file: which keys each has, and of what kind."""

from __future__ import annotations

from wherry.base.configuration.values import (
    matching,
    one_of,
    seconds,
    secret,
    several,
    size,
    switch,
    text,
    whole,
)
from wherry.registry.server.configuration.addresses import (
    address,
    network,
    upstream,
    web_address,
)
from wherry.registry.server.configuration.reading import Keys
from wherry.registry.server.settings import DAY

_MANY = 1 << 53


_PATTERN = matching(
    r"[a-z0-9*][a-z0-9*._/-]*",
    'a pattern of lower-case names is wanted, such as "team/*"',
)
_PATTERNS = several(_PATTERN, '["team/*"]')
_TAG_PATTERNS = several(
    matching(r"[A-Za-z0-9_*][A-Za-z0-9_.*-]*", 'a pattern of tags is wanted, such as "v*"'),
    '["v*"]',
)
_NAME = matching(
    r"robot:[a-z0-9][a-z0-9._-]{0,63}|(?!robot:)[^\s:#][^\s:]*",
    'the name of an account is wanted, or "robot:<name>", "accounts" or "anyone"',
)
_NAMES = several(_NAME, '["ann", "robot:ci"]')
_PATH = matching(r"/.*", 'a path is wanted that begins with /, such as "/etc/wherry/…"')
_PATH_OR_NONE = matching(r"/.*", 'a path is wanted that begins with /, or ""', empty=True)
_LOG = matching(r"-|/.*", 'a path that begins with / is wanted, "-" or ""', empty=True)
_PREFIX = matching(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*/?",
    'the beginning of lower-case names is wanted, such as "hub", or "" for all',
    empty=True,
)

LISTEN: Keys = {
    "address": address,
    "port": whole(0, 65535),
    "url": web_address("https://registry.example.com", path=False, empty=True),
    "workers": whole(1, 256),
}
TLS: Keys = {"certificate": _PATH, "key": _PATH, "client_authorities": _PATH_OR_NONE}
FILES: Keys = {"root": _PATH}
OBJECTS: Keys = {
    "bucket": matching(r"[^\s/]+", "the name of a bucket is wanted"),
    "endpoint": web_address("https://s3.example.com", empty=True),
    "region": text,
    "access_key": secret,
    "secret_key": secret,
    "prefix": text,
    "redirect": switch,
    "redirect_seconds": seconds(1, 7 * DAY),
    "public_endpoint": web_address("https://s3.example.com", empty=True),
}
LIMITS: Keys = {
    "manifest_bytes": size(1024),
    "blob_bytes": size(),
    "page": whole(1, 100_000),
    "stall": seconds(1),
    "connections": whole(1, 1_000_000),
    "concurrent_uploads": whole(0, 1_000_000),
}
RULE: Keys = {
    "repositories": _PATTERNS,
    "pull": _NAMES,
    "push": _NAMES,
    "delete": _NAMES,
    "immutable": _TAG_PATTERNS,
}
RATES: Keys = {
    "pulls": whole(0, _MANY),
    "pushes": whole(0, _MANY),
    "requests": whole(0, _MANY),
    "logins": whole(0, _MANY),
    "seconds": seconds(1),
}
ACCESS: Keys = {
    "htpasswd": _PATH_OR_NONE,
    "administrators": _NAMES,
    "realm": matching(r"[^\"\\]+", "text without quotes and backslashes is wanted"),
    "token_seconds": seconds(30, DAY),
    "trusted_proxies": several(network, '["10.0.0.0/8"]'),
}
CACHE: Keys = {
    "prefix": _PREFIX,
    "upstream": upstream,
    "username": text,
    "password": secret,
    "refresh": seconds(0),
    "authorities": _PATH_OR_NONE,
}
COLLECTION: Keys = {
    "interval": seconds(0),
    "grace": seconds(0),
    "uploads": seconds(1),
}
RETENTION: Keys = {
    "repositories": _PATTERNS,
    "keep_last": whole(0, _MANY),
    "keep_newer": seconds(0),
    "keep_tags": _TAG_PATTERNS,
    "keep_untagged": seconds(0),
}
WEBHOOK: Keys = {
    "url": web_address("https://ci.example.com/events"),
    "events": several(one_of("push", "pull", "delete", "mount"), '["push", "delete"]'),
    "repositories": _PATTERNS,
    "secret": secret,
    "timeout": seconds(0.1, 300),
}
OPERATION: Keys = {
    "access_log": _LOG,
    "audit_log": _LOG,
    "level": one_of("debug", "info", "warning", "error"),
    "metrics": _NAMES,
    "pages": switch,
}
