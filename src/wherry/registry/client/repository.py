"""One repository: pull from the first site that can, push to the registry itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import BinaryIO, TypeVar

from wherry.base.errors import WherryError
from wherry.oci.digest import Digest, InvalidDigestError, parse_digest
from wherry.oci.image import Descriptor
from wherry.oci.reference import Reference
from wherry.registry.client.errors import SizeMismatchError, pull_error
from wherry.registry.client.fetch import Download, FetchedManifest, Sink, fetch_manifest
from wherry.registry.client.push import FileBody, Uploads
from wherry.registry.client.remote import Remote
from wherry.registry.client.source import Source
from wherry.registry.client.tags import fetch_tags

log = logging.getLogger(__name__)

Result = TypeVar("Result")

__all__ = ["FetchedManifest", "Repository", "Sink"]


class Repository:
    """Made by `RegistryClient.repository`; may be used by many tasks at once.

    Mirrors come before the registry. A site that failed where a later one did not is not asked
    again.
    """

    def __init__(self, reference: Reference, sources: Sequence[Source]) -> None:
        self.reference = reference
        self._sources = sources
        self._first = 0
        self._uploads: Uploads | None = None

    async def connect(self) -> None:
        """Find the first site that answers; raises the registry's own failure if none does."""
        await self._from_each(_nothing)

    async def manifest(self, wanted: str) -> FetchedManifest:
        """Fetch a manifest or index by tag or digest, verified, of at most 4 MiB.

        Raises ManifestNotFoundError, RepositoryNotFoundError and PullAccessDeniedError (all
        NotFoundError), ManifestMismatchError (DataLossError), UnauthorisedError, UnavailableError.
        """
        return await self._shown(
            lambda remote: fetch_manifest(remote, self.reference.path, wanted), self._named(wanted)
        )

    async def tags(self) -> list[str]:
        """Return the tags that the first site that can tell has; raises as `manifest`."""
        return await self._shown(
            lambda remote: fetch_tags(remote, self.reference.path), self.reference
        )

    async def _shown(
        self, operation: Callable[[Remote], Awaitable[Result]], what: Reference
    ) -> Result:
        """Have a site show something; a refusal names what was asked for."""
        try:
            return await self._from_each(operation)
        except WherryError as error:
            told = pull_error(error, what)
            if told is error:
                raise
            raise told from error

    def _named(self, wanted: str) -> Reference:
        try:
            return self.reference.with_digest(parse_digest(wanted))
        except InvalidDigestError:
            return self.reference.with_tag(wanted)

    async def fetch(self, descriptor: Descriptor, sink: Sink, offset: int = 0) -> None:
        """Stream a blob into `sink` from `offset`, exactly up to the descriptor's size.

        A broken connection is resumed. The digest is not verified here. Raises UnknownBlobError
        (NotFoundError), SizeMismatchError (DataLossError), UnavailableError, refusals, and
        whatever the sink raises.
        """
        download = Download(descriptor, sink, offset)

        def is_final(error: WherryError) -> bool:
            # The sink cannot take bytes back: a source with other bytes has spoilt the blob.
            spoilt = isinstance(error, SizeMismatchError) and download.position > offset
            return download.is_final or spoilt

        await self._from_each(lambda remote: download.run(remote, self.reference.path), is_final)

    async def has_blob(self, digest: Digest) -> bool:
        """Tell whether the registry has the blob in this repository."""
        return await (await self._pushing()).has_blob(digest)

    async def mount(self, digest: Digest, source_repository: str) -> bool:
        """Have the registry take the blob from another of its repositories (`library/debian`).

        False when it does not; the blob is then to be uploaded.
        """
        return await (await self._pushing()).mount(digest, source_repository)

    async def upload(
        self,
        digest: Digest,
        size: int,
        open_: Callable[[], BinaryIO],
        progress: Callable[[int], None],
    ) -> None:
        """Send a blob of `size` bytes from a file that `open_` opens, in a thread, per attempt.

        `progress` is told, in the event loop, how many bytes of the current attempt have gone:
        the number falls back to 0 when the upload has to begin anew.
        """
        uploads = await self._pushing()
        await uploads.upload(digest, FileBody(open_, size, progress))

    async def put_manifest(self, name: str, media_type: str, body: bytes) -> Digest:
        """Send a manifest under `name`, a tag or its digest; returns its digest."""
        return await (await self._pushing()).put_manifest(name, media_type, body)

    async def _pushing(self) -> Uploads:
        if self._uploads is None:
            remote = await self._sources[-1].connect()
            self._uploads = self._uploads or Uploads(remote, self.reference.path)
        return self._uploads

    async def _from_each(
        self,
        operation: Callable[[Remote], Awaitable[Result]],
        is_final: Callable[[WherryError], bool] = lambda _: False,
    ) -> Result:
        """Try the sites in order; raises what the last one, the registry itself, raises."""
        for number in range(self._first, len(self._sources)):
            source = self._sources[number]
            try:
                result = await operation(await source.connect())
            except WherryError as error:
                if number == len(self._sources) - 1 or is_final(error):
                    raise
                log.info("%s: %s; trying the next", source.site.endpoints[0].url, error)
            else:
                self._first = max(self._first, number)
                return result
        raise AssertionError("a repository without a registry")


async def _nothing(_remote: Remote) -> None:
    pass
