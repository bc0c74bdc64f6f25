"""What goes wrong with a registry, in the words that Docker's clients and their users know.

Words that end a message (`connection refused`, `no such host`, `http: server gave HTTP response to
HTTPS client`) are those of the Go runtime, which scripts look for.
"""

from __future__ import annotations

from wherry.base.errors import (
    DataLossError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthorisedError,
    UnavailableError,
    UnsupportedError,
    WherryError,
)
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.registry import protocol
from wherry.registry.protocol import Failure


def request_words(method: str, url: str) -> str:
    """Return how a message names the request that failed: `Get "https://host/v2/"`."""
    return f'{method.capitalize()} "{url}"'


class UnreachableError(UnavailableError):
    """No connection to the registry came about."""


class BrokenConnectionError(UnavailableError):
    """The connection broke, stalled, or carried what is not HTTP; trying again can help."""


class UntrustedCertificateError(UnavailableError):
    """The registry's certificate does not verify."""


class OversizedReplyError(DataLossError):
    """A reply is larger than any of its kind may be."""


class HostileLocationError(DataLossError):
    """The registry points to where this client does not go."""


class NoCredentialsError(UnauthorisedError):
    """The registry wants basic authentication and there is nothing to authenticate with."""

    def __init__(self, method: str, url: str) -> None:
        super().__init__(f"{request_words(method, url)}: no basic auth credentials")


class LoginFailedError(UnauthorisedError):
    """The registry refused the credentials."""


class ManifestMismatchError(DataLossError):
    """The manifest that came is not the one that was asked for."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"manifest verification failed for digest {digest}")


class SizeMismatchError(DataLossError):
    """More or fewer bytes of a blob came than its descriptor announces."""


class UnknownBlobError(NotFoundError):
    """The registry does not have the blob."""

    def __init__(self, digest: Digest) -> None:
        super().__init__("unknown blob")
        self.digest = digest


class SourceFileError(DataLossError):
    """A file that is being uploaded has another length than was said."""


class RefusedError(WherryError):
    """A registry or its token service refused; `failure` is what it said."""

    def __init__(self, failure: Failure, prefix: str = "") -> None:
        super().__init__(f"{prefix}: {failure.words}" if prefix else failure.words)
        self.failure = failure


class AccessDeniedError(RefusedError, ForbiddenError):
    """The registry knows who asks, and that they may not."""


class AuthenticationError(RefusedError, UnauthorisedError):
    """The registry, or its token service, does not take the credentials."""


class UnknownNameError(RefusedError, NotFoundError):
    """The registry has no such repository, manifest, blob or upload."""


class BadRequestError(RefusedError, InvalidError):
    """The registry does not take what it was sent."""


class TooManyRequestsError(RefusedError, UnavailableError):
    """The registry limits how much may be asked of it."""


class NotSupportedByRegistryError(RefusedError, UnsupportedError):
    """The registry cannot do this."""


class UnexpectedStatusError(UnavailableError):
    """A status that no rule foresees, most often a server's own failure (5xx)."""

    def __init__(self, status: int, prefix: str = "") -> None:
        words = f"received unexpected HTTP status: {protocol.status_line(status)}"
        super().__init__(f"{prefix}: {words}" if prefix else words)
        self.status = status


_BY_CODE: dict[str, type[RefusedError]] = {
    protocol.DENIED: AccessDeniedError,
    protocol.UNAUTHORIZED: AuthenticationError,
    protocol.TOO_MANY_REQUESTS: TooManyRequestsError,
    "UNSUPPORTED": NotSupportedByRegistryError,
}
_BY_STATUS: dict[int, type[RefusedError]] = {
    401: AuthenticationError,
    403: AccessDeniedError,
    404: UnknownNameError,
    429: TooManyRequestsError,
}


def refusal(failure: Failure, prefix: str = "") -> WherryError:
    """Return the error for what a registry said; `prefix` names the request where it matters."""
    kind = _BY_CODE.get(failure.code) or _BY_STATUS.get(failure.status, BadRequestError)
    return kind(failure, prefix)


class PullAccessDeniedError(NotFoundError):
    """The repository does not exist, or only for others: registries do not tell which."""

    def __init__(self, reference: Reference, failure: Failure) -> None:
        super().__init__(
            f"pull access denied for {reference.familiar_name}, repository does not exist or may "
            f"require 'docker login': {failure.words}"
        )


class ManifestNotFoundError(NotFoundError):
    """The repository has no such tag or digest."""

    def __init__(self, reference: Reference, failure: Failure) -> None:
        super().__init__(f"manifest for {reference.familiar} not found: {failure.words}")


class RepositoryNotFoundError(NotFoundError):
    """The registry has no such repository."""

    def __init__(self, reference: Reference, failure: Failure) -> None:
        super().__init__(f"repository {reference.familiar_name} not found: {failure.words}")


def pull_error(error: WherryError, reference: Reference) -> WherryError:
    """Return what a user is told of a refusal to show a manifest: it names what was asked for."""
    if not isinstance(error, RefusedError) or str(error) != error.failure.words:
        return error  # a token service's refusal names its request already
    failure = error.failure
    if failure.code == protocol.DENIED:
        return PullAccessDeniedError(reference, failure)
    if failure.code == protocol.MANIFEST_UNKNOWN:
        return ManifestNotFoundError(reference, failure)
    if failure.code == protocol.NAME_UNKNOWN:
        return RepositoryNotFoundError(reference, failure)
    return error
