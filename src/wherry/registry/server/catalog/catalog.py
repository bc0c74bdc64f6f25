"""The port of the catalog: what a registry knows of the bytes it keeps.

Each method is one transaction, entirely done or not at all, whatever process or machine runs it;
several processes share one catalog. What a method changes is durable when it returns, but for the
methods that say so.

Objects and garbage. Every object of the blob driver is garbage until something claims it:

    promise(key)                   the key is written down, to be deleted when it is due
    <driver.write(key)>
    add_segment / finish_upload    claims the key, in the transaction that makes it count
    <something is deleted>         the key becomes garbage again, due at once
    doom(now)                      takes what is due: from here on it cannot be claimed
    <driver.delete(keys)>
    buried(keys)                   forgets it

So a process that is killed at any point leaves at worst an object that is deleted when its promise
is due, and never one that nobody knows of, nor a blob without its object.

Locks. Whoever changes what a repository holds has that repository's lock, and whoever links or
unlinks a blob has that blob's lock, until the transaction ends; the repository's is taken first.
Times are seconds since the epoch, given by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from wherry.base.values import dataclass, field
from wherry.oci.digest import Digest
from wherry.oci.image import Descriptor
from wherry.registry.blobdrivers.driver import Key
from wherry.registry.server.backend import RepositoryDetail, StoredManifest, TagDetail, Visible


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A blob of a repository: `size` in bytes, `key` of its object, `touched` when it was last
    linked, asked for or pushed there."""

    digest: Digest
    size: int
    key: Key
    touched: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of an upload: one object, and its size in bytes."""

    key: Key
    size: int


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that has begun; `segments` in their order."""

    id: str
    repository: str
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(segment.size for segment in self.segments)


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A manifest to store, understood: what it needs and what it says of itself.

    blobs: configuration and layers that the repository must have; children: manifests likewise.
    size: everything that it takes to pull it, in bytes, its children's not among it. `descriptor`
    is what the list of referrers shows of it.
    """

    manifest: StoredManifest
    descriptor: Descriptor
    blobs: tuple[Digest, ...] = ()
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None
    size: int = 0
    platforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for webhooks: `action` is push, delete or mount."""

    id: int
    action: str
    repository: str
    tag: str
    digest: str
    media_type: str
    by: str
    time: float


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot account. `scopes`: actions for each pattern of names; `expires` None for never."""

    name: str
    scopes: Mapping[str, tuple[str, ...]]
    created: float
    expires: float | None = None
    created_by: str = ""
    secret_hash: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag, for retention: `pushed` is when it was last set."""

    name: str
    digest: Digest
    pushed: float


@dataclass(frozen=True, slots=True)
class Unlinked:
    """What a step of collection took away."""

    manifests: int = 0
    links: int = 0
    blobs: int = 0
    bytes: int = 0


Keeps = Callable[[str], bool]


def nothing(tag: str) -> bool:  # noqa: ARG001
    """Keep no tag."""
    return False


class Catalog(Protocol):
    """What hosted/, collect/, access/ and operate/ need; `sql.py` is the implementation."""

    # manifests and tags (raise RepositoryUnknownError where a repository is not there)

    async def resolve(self, name: str, tag: str) -> Digest:
        """Return where a tag leads; raises RepositoryUnknownError, ManifestUnknownError."""

    async def has_manifest(self, name: str, digest: Digest) -> bool:
        """Tell whether a repository has a manifest; False also where there is no repository."""

    async def manifest(self, name: str, digest: Digest) -> StoredManifest:
        """Return a manifest; raises RepositoryUnknownError, ManifestUnknownError."""

    async def put_manifest(
        self,
        name: str,
        entry: ManifestEntry,
        tag: str,
        by: str,
        now: float,
        *,
        may_move: bool,
        require: bool = True,
    ) -> None:
        """Store a manifest, and let `tag` lead to it unless that is "".

        Makes the repository. Raises ManifestBlobUnknownError when the repository lacks blobs or
        children that the entry names, ImmutableError when the tag leads elsewhere and `may_move`
        is False. Writes a push event (events are written once any webhook has a cursor).

        `require` False is for copies of another registry's manifests, whose blobs and children come
        later or never: what the entry names is recorded all the same, so that collection keeps what
        is there of it, but it need not be there; and no event is written.
        """

    async def delete_manifest(
        self, name: str, digest: Digest, by: str, now: float, *, keeps: Keeps = nothing
    ) -> None:
        """Delete a manifest and its tags; raises as `manifest`.

        ImmutableError when `keeps` is true of one of the tags, or when an index has it as a child.
        `keeps` is asked with the repository locked, and so of every tag that there is.
        """

    async def delete_tag(self, name: str, tag: str, by: str, now: float) -> None:
        """Delete a tag; raises as `resolve`."""

    async def tags(self, name: str, after: str, limit: int) -> list[str]:
        """Return up to `limit` tags behind `after`, in order of bytes; RepositoryUnknownError."""

    async def referrers(self, name: str, digest: Digest) -> list[Descriptor]:
        """Return the descriptors of manifests with this subject, oldest first."""

    async def repositories(self, after: str, limit: int, visible: Visible) -> list[str]:
        """Return up to `limit` visible names behind `after`; those that hold a manifest."""

    async def search(self, text: str, limit: int, visible: Visible) -> list[RepositoryDetail]:
        """Return visible repositories whose names have `text`."""

    async def tag_details(self, name: str, after: str, limit: int) -> list[TagDetail]:
        """Return tags with digest, size (of the largest child for an index), time, platforms."""

    async def tag_rows(self, name: str) -> list[TagRow]:
        """Return every tag of a repository, the last pushed first."""

    # blobs

    async def blob(self, name: str, digest: Digest) -> BlobRow | None:
        """Return a blob of a repository."""

    async def touch(self, name: str, digest: Digest, now: float) -> bool:
        """Keep a blob from collection for another grace; False when it has just been collected."""

    async def mount(self, name: str, digest: Digest, source: str | None, now: float) -> bool:
        """Link a blob that `source`, or with None any repository, has; False when it has not."""

    async def delete_blob(self, name: str, digest: Digest) -> None:
        """Unlink a blob; BlobUnknownError; ImmutableError while a manifest there needs it."""

    # uploads

    async def promise(self, key: Key, due: float) -> None:
        """Write down a key before its object is written. Survives a kill, not a power cut."""

    async def begin_upload(self, upload: str, name: str, now: float) -> None:
        """Begin an upload. Survives a kill, not a power cut."""

    async def upload(self, name: str, upload: str) -> Upload:
        """Return an upload; raises UploadUnknownError, also when it is another repository's."""

    async def add_segment(self, upload: str, size: int, segment: Segment, now: float) -> None:
        """Claim an object as the next piece of an upload that has `size` bytes.

        Raises UploadUnknownError, UploadRangeError (somebody else was faster, or it was never so).
        Survives a kill, not a power cut.
        """

    async def finish_upload(
        self, upload: str, name: str, digest: Digest, segment: Segment, now: float
    ) -> None:
        """Claim an object as a blob, link it, end the upload.

        `segment` may be the upload's only piece or a new object; the upload's other objects become
        garbage, and so does this one when the blob is there already. Raises UploadUnknownError.
        """

    async def cancel_upload(self, name: str, upload: str, now: float) -> None:
        """Forget an upload; its objects become garbage. Raises UploadUnknownError."""

    # collection

    async def expire_uploads(self, before: float, now: float) -> int:
        """Cancel the uploads that nobody touched since; return how many."""

    async def drop_untagged(self, name: str, before: float, now: float) -> Unlinked:
        """Delete manifests pushed before that no tag, no index and no living subject holds.

        Those that only something held which is deleted may be left for the next call."""

    async def drop_tags(self, name: str, tags: Sequence[TagRow], by: str, now: float) -> int:
        """Delete tags that still lead where the rows say; return how many."""

    async def unlink_idle(self, before: float, now: float, limit: int) -> Unlinked:
        """Take blobs out of repositories where no manifest names them and nobody touched them since
        `before`; a blob that no repository has any more is forgotten, its object due now."""

    async def doom(self, now: float, limit: int) -> list[Segment]:
        """Return garbage that is due; none of it can be claimed any more. Repeats what was doomed
        and never buried, by a process that died."""

    async def buried(self, keys: Sequence[Key]) -> None:
        """Forget objects that the driver has deleted."""

    async def known(self, keys: Sequence[Key]) -> set[Key]:
        """Return those keys that anything names: blob, segment, or garbage; for checks."""

    async def blobs(self, after: str, limit: int) -> list[BlobRow]:
        """Return blobs of the whole registry in order of digests; `touched` is 0; for checks."""

    # robots, shared secrets, events

    async def robots(self) -> list[Robot]:
        """Return every robot, by name."""

    async def robot(self, name: str) -> Robot | None:
        """Return one."""

    async def put_robot(self, robot: Robot) -> None:
        """Store a robot; one of this name is replaced."""

    async def delete_robot(self, name: str) -> bool:
        """Delete one; returns whether it was there."""

    async def secret(self, name: str, proposal: bytes) -> bytes:
        """Return the secret of this name that all processes share; `proposal` if there is none."""

    async def events(self, after: int, limit: int) -> list[Event]:
        """Return events in their order; those that nobody has fetched for a week are forgotten."""

    async def cursor(self, name: str) -> int:
        """Return the last event that a webhook has had; new ones begin at the present end."""

    async def advance(self, name: str, event: int) -> None:
        """Write down how far a webhook is; events that all have had are forgotten."""

    async def claim(self, task: str, owner: str, now: float, until: float) -> bool:
        """Become, or stay, the only process that does a task until then."""

    async def check(self) -> None:
        """Raise UnavailableError unless the database answers now."""

    async def close(self) -> None:
        """Close every connection."""
