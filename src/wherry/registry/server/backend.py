"""The port between the HTTP side of the registry and whatever keeps images.

Values in, values out: a backend knows no status codes, headers or accounts, and the HTTP side knows
no storage. Names of repositories are checked before they come here (`check_name`), digests are
parsed, tags are checked. `by` says on whose behalf something is changed, for events and the audit.

A change is durable when the method that makes it returns. All methods may be cancelled at any
moment; what was being changed then has happened entirely or not at all.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from wherry.base.errors import (
    ConflictError,
    DataLossError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from wherry.base.values import dataclass
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.oci.reference import MAX_NAME_LENGTH
from wherry.registry.blobdrivers.driver import Source

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


class RepositoryNameError(InvalidError):
    """NAME_INVALID: not a name that a repository can have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"invalid repository name: {name[:MAX_NAME_LENGTH]!r}")


class TagNameError(InvalidError):
    """TAG_INVALID: not a name that a tag can have."""

    def __init__(self, tag: str) -> None:
        super().__init__(f"invalid tag: {tag[:128]!r}")


class RepositoryUnknownError(NotFoundError):
    """NAME_UNKNOWN."""

    def __init__(self, name: str) -> None:
        super().__init__(f"repository {name} is not known to this registry")
        self.name = name


class ManifestUnknownError(NotFoundError):
    """MANIFEST_UNKNOWN: no manifest has this tag or digest in the repository."""

    def __init__(self, name: str, reference: str) -> None:
        super().__init__(f"manifest {reference} is unknown in {name}")
        self.reference = reference


class BlobUnknownError(NotFoundError):
    """BLOB_UNKNOWN: the repository has no such blob."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"blob {digest} is unknown in this repository")
        self.digest = digest


class UploadUnknownError(NotFoundError):
    """BLOB_UPLOAD_UNKNOWN: the upload has ended, has expired, or never was."""

    def __init__(self, upload: str) -> None:
        super().__init__(f"upload {upload[:64]} is unknown: it has ended or expired")


class UploadRangeError(ConflictError):
    """What was sent does not begin where the upload stands; `size` is what it has, in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the next byte of this upload is byte {size}")
        self.size = size


class DigestMismatchError(DataLossError):
    """DIGEST_INVALID: the bytes that arrived have another digest."""

    def __init__(self, wanted: Digest, found: Digest) -> None:
        super().__init__(f"{wanted} was announced, {found} arrived")


class ManifestInvalidError(InvalidError):
    """MANIFEST_INVALID: not a manifest, or not one of the announced type."""


class ManifestBlobUnknownError(InvalidError):
    """MANIFEST_BLOB_UNKNOWN: the manifest names what the repository does not have."""

    def __init__(self, missing: Sequence[Digest]) -> None:
        super().__init__("the repository does not have " + ", ".join(missing[:20]))
        self.missing = tuple(missing)


class TooLargeError(InvalidError):
    """SIZE_INVALID: beyond the limit that the settings give."""


class ImmutableError(ForbiddenError):
    """DENIED: a tag that may not be moved or deleted, or a repository that cannot be written to."""


def check_name(name: str) -> str:
    """Return a repository's name when it is one; raises RepositoryNameError."""
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise RepositoryNameError(name)
    return name


def check_tag(tag: str) -> str:
    """Return a tag when it is one; raises TagNameError."""
    if not _TAG.fullmatch(tag):
        raise TagNameError(tag)
    return tag


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest as it was pushed, byte for byte."""

    digest: Digest
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class PutManifest:
    """What came of a push; `subject` when the manifest refers to another (OCI referrers)."""

    digest: Digest
    subject: Digest | None = None


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob of a repository; `size` in bytes, `source` is how its bytes are sent."""

    digest: Digest
    size: int
    source: Source


@dataclass(frozen=True, slots=True)
class TagDetail:
    """A tag for people: `size` is of everything the image takes to pull, in bytes; `pushed` in
    seconds since the epoch; `platforms` as `linux/amd64`."""

    name: str
    digest: Digest
    media_type: str
    size: int
    pushed: float
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RepositoryDetail:
    """A repository for people: `size` counts each blob once, in bytes; `updated` in seconds since
    the epoch."""

    name: str
    tags: int
    size: int
    updated: float


Visible = Callable[[str], bool]


class Backend(Protocol):
    """What keeps images. Raises the errors above, and `UnavailableError` when storage is away."""

    # manifests and tags

    async def manifest(self, name: str, reference: str) -> StoredManifest:
        """Return a manifest by tag or digest; raises RepositoryUnknownError, ManifestUnknownError.

        A tag that does not exist in a repository that does is ManifestUnknownError.
        """

    async def put_manifest(
        self, name: str, reference: str, media_type: str, body: bytes, by: str
    ) -> PutManifest:
        """Store a manifest under a tag, its digest, or both (`tag@digest`); makes the repository.

        Raises ManifestInvalidError, ManifestBlobUnknownError, DigestMismatchError, TooLargeError,
        ImmutableError.
        """

    async def delete_manifest(self, name: str, digest: Digest, by: str) -> None:
        """Delete a manifest and the tags that lead to it; raises as `manifest`, ImmutableError."""

    async def delete_tag(self, name: str, tag: str, by: str) -> None:
        """Delete a tag and nothing else; raises as `manifest`, ImmutableError."""

    async def tags(self, name: str, after: str, limit: int) -> list[str]:
        """Return up to `limit` tags behind `after`, in the order of their bytes; raises
        RepositoryUnknownError."""

    async def referrers(self, name: str, digest: Digest) -> list[Descriptor]:
        """Return descriptors, with artifact type and annotations, of manifests whose subject this
        is; an empty list for what is unknown, whatever it is."""

    # blobs

    async def blob(self, name: str, digest: Digest) -> Blob:
        """Return a blob; raises BlobUnknownError. Also keeps it from collection for a while."""

    async def delete_blob(self, name: str, digest: Digest, by: str) -> None:
        """Take a blob out of a repository; raises BlobUnknownError; ImmutableError while a manifest
        there needs it."""

    async def mount(self, name: str, digest: Digest, source: str | None) -> bool:
        """Let a repository have a blob that another has; None: any that has it. False: no."""

    async def begin_upload(self, name: str) -> str:
        """Begin an upload and return its id; makes nothing that anyone can see."""

    async def upload_size(self, name: str, upload: str) -> int:
        """Return how many bytes an upload has; raises UploadUnknownError."""

    async def write_upload(
        self, name: str, upload: str, start: int | None, chunks: AsyncIterator[bytes]
    ) -> int:
        """Add bytes and return how many the upload has then; None: they go where it stands.

        When `chunks` raises, what had arrived is kept and the error goes on. Raises
        UploadUnknownError, UploadRangeError, TooLargeError.
        """

    async def finish_upload(
        self,
        name: str,
        upload: str,
        digest: Digest,
        start: int | None,
        chunks: AsyncIterator[bytes],
    ) -> int:
        """Add the last bytes, if any; verify; let the repository have the blob; return its size.

        Raises as `write_upload`, and DigestMismatchError, after which the upload is gone.
        """

    async def cancel_upload(self, name: str, upload: str) -> None:
        """Forget an upload; raises UploadUnknownError."""

    # for people

    async def repositories(self, after: str, limit: int, visible: Visible) -> list[str]:
        """Return up to `limit` names behind `after`, in the order of their bytes."""

    async def search(self, text: str, limit: int, visible: Visible) -> list[RepositoryDetail]:
        """Return repositories whose name has `text`, all for an empty one; in order of names."""

    async def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return tags as `tags` does, with what people want to know of them."""

    async def check(self) -> None:
        """Raise UnavailableError unless the backend can serve and store now."""


class KeepingBackend(Backend, Protocol):
    """A backend that `cache/` keeps its copies in; `hosted/` is one."""

    async def keep_manifest(self, name: str, tag: str, manifest: StoredManifest) -> None:
        """Store the copy of another registry's manifest, and let `tag` lead to it unless it is "".

        Its digest has been verified. Unlike `put_manifest`: what it names need not be there (the
        catalog's `require` is False), its tags move whatever the settings say of them, and nothing
        is pushed, so there is no event. Blobs come by uploads, as anybody's. Raises
        ManifestInvalidError, TooLargeError.
        """
