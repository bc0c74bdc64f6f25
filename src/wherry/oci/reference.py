"""References: what a user types to name an image, parsed as Docker parses it.

`[domain[:port]/]path[:tag][@digest]`, where a first component without a dot, a colon or upper case
that is not `localhost` belongs to the path, the domain is then `docker.io`, and a single-component
path there lives under `library/` (distribution/reference, normalize.go and regexp.go).

The *familiar* form drops what was filled in; the *canonical* form has everything.
"""

from __future__ import annotations

import re
from dataclasses import replace

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass
from wherry.oci.digest import Digest, InvalidDigestError, parse_digest

DEFAULT_DOMAIN = "docker.io"
LEGACY_DEFAULT_DOMAIN = "index.docker.io"
OFFICIAL_PREFIX = "library/"
DEFAULT_TAG = "latest"
MAX_NAME_LENGTH = 255

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HEX_ID = re.compile(r"[a-f0-9]{64}")


class InvalidReferenceError(InvalidError):
    """The text does not name an image."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed name of an image; `tag` and `digest` are None where the user gave none."""

    domain: str
    path: str
    tag: str | None = None
    digest: Digest | None = None

    @property
    def repository(self) -> str:
        """The canonical name: domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The name as people write it, without tag and digest."""
        if self.domain != DEFAULT_DOMAIN:
            return self.repository
        rest = self.path.removeprefix(OFFICIAL_PREFIX)
        return rest if "/" not in rest else self.path

    @property
    def familiar(self) -> str:
        """The whole reference as people write it."""
        return self.familiar_name + self._suffix()

    @property
    def canonical(self) -> str:
        """The whole reference with nothing left out but a tag or digest that is not there."""
        return self.repository + self._suffix()

    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return tag + (f"@{self.digest}" if self.digest else "")

    def with_default_tag(self) -> Reference:
        """Return the same reference, with `latest` where there is neither tag nor digest."""
        if self.tag or self.digest:
            return self
        return replace(self, tag=DEFAULT_TAG)

    def with_tag(self, tag: str) -> Reference:
        """Return the same repository with this tag and no digest."""
        if not _TAG.fullmatch(tag):
            raise InvalidReferenceError("invalid reference format")
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> Reference:
        """Return the same repository with this digest and no tag."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        return self.canonical


def parse_reference(text: str) -> Reference:
    """Parse what a user typed; raises InvalidReferenceError with Docker's words."""
    if _HEX_ID.fullmatch(text):
        raise InvalidReferenceError(
            f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        )
    rest, at, digest_text = text.partition("@")
    digest = _digest(digest_text) if at else None
    name, tag = _split_tag(rest)
    domain, path = _split_domain(name)
    if path.lower() != path:
        raise InvalidReferenceError(
            f"invalid reference format: repository name ({name}) must be lowercase"
        )
    if not _PATH.fullmatch(path) or not _DOMAIN.fullmatch(domain):
        raise InvalidReferenceError("invalid reference format")
    if len(domain) + 1 + len(path) > MAX_NAME_LENGTH:
        raise InvalidReferenceError(
            f"repository name must not be more than {MAX_NAME_LENGTH} characters"
        )
    return Reference(domain, path, tag, digest)


def _digest(text: str) -> Digest:
    try:
        return parse_digest(text)
    except InvalidDigestError as error:
        raise InvalidReferenceError("invalid reference format") from error


def _split_tag(text: str) -> tuple[str, str | None]:
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, None
    if not _TAG.fullmatch(tag):
        raise InvalidReferenceError("invalid reference format")
    return name, tag


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_domain = bool(slash) and (
        "." in first or ":" in first or first == "localhost" or first.lower() != first
    )
    domain, path = (first, rest) if is_domain else (DEFAULT_DOMAIN, name)
    if domain == LEGACY_DEFAULT_DOMAIN:
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = OFFICIAL_PREFIX + path
    return domain, path
