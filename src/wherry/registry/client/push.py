"""Pushing blobs and manifests to one endpoint.

A blob is one POST that opens an upload and one PUT that sends all of it. An upload that a mount
opened in vain is used for the blob that was to be mounted. Uploads that are given up are left to
the registry, which removes them in time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from typing import BinaryIO
from urllib.parse import urlencode

from wherry.base.crossing import in_thread
from wherry.base.errors import WherryError
from wherry.oci.digest import Digest, digest_bytes
from wherry.registry import protocol
from wherry.registry.client.call import Call, Response
from wherry.registry.client.errors import (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    HostileLocationError,
    ManifestMismatchError,
    NotSupportedByRegistryError,
    SourceFileError,
    UnexpectedStatusError,
    UnknownNameError,
)
from wherry.registry.client.fetch import PASSING
from wherry.registry.client.remote import Remote

log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_NO_MOUNT = (
    AccessDeniedError,
    AuthenticationError,
    BadRequestError,
    NotSupportedByRegistryError,
    UnknownNameError,
)


class FileBody:
    """A file that is read in threads, anew for each attempt; tells how much has been taken."""

    def __init__(
        self, open_: Callable[[], BinaryIO], size: int, progress: Callable[[int], None]
    ) -> None:
        self._open = open_
        self._progress = progress
        self.size = size
        self.failure: BaseException | None = None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the file; raises what reading raises, and SourceFileError for another length."""
        try:
            with await in_thread(self._open) as file:
                async for chunk in self._read(file):
                    yield chunk
        except Exception as error:
            self.failure = error
            raise

    async def _read(self, file: BinaryIO) -> AsyncIterator[bytes]:
        sent = 0
        self._progress(sent)
        while chunk := await in_thread(file.read, _CHUNK):
            if sent + len(chunk) > self.size:
                raise SourceFileError(f"the file is longer than {self.size} bytes")
            yield chunk
            sent += len(chunk)
            self._progress(sent)
        if sent != self.size:
            raise SourceFileError(f"the file ends after {sent} of {self.size} bytes")


class Uploads:
    """Sends blobs and manifests to one repository."""

    def __init__(self, remote: Remote, name: str) -> None:
        self._remote = remote
        self._name = name
        self._opened: dict[Digest, str] = {}

    async def has_blob(self, digest: Digest) -> bool:
        """Tell whether the repository has the blob."""
        url = self._remote.url(protocol.blob_route(self._name, digest))
        async with await self._remote.send(Call(method="HEAD", url=url)) as response:
            if response.status != 404:
                await response.raise_refusal()
            return response.status != 404

    async def mount(self, digest: Digest, source: str) -> bool:
        """Ask for another repository's blob; False when the registry does not give it."""
        route = protocol.uploads_route(self._name, **{"mount": digest, "from": source})
        scope = protocol.repository_scope(source, "pull")
        call = Call(method="POST", url=self._remote.url(route), scopes=(scope,))
        try:
            async with await self._remote.send(call) as response:
                await response.raise_refusal()
                if response.status == 201:
                    return True
                location = self._location(response)
        except _NO_MOUNT as refused:
            log.debug("mounting %s from %s: %s", digest, source, refused)
            return False
        unused, self._opened[digest] = self._opened.get(digest), location
        if unused:
            await self._cancel(unused)
        return False

    async def upload(self, digest: Digest, body: FileBody) -> None:
        """Send a blob; raises the registry's refusal, or why the file cannot be read."""
        for pause in self._remote.limits.pauses:
            try:
                return await self._attempt(digest, body)
            except PASSING as error:
                log.info("uploading %s: %s", digest, error)
            await asyncio.sleep(pause)
        return await self._attempt(digest, body)

    async def _attempt(self, digest: Digest, body: FileBody) -> None:
        if location := self._opened.pop(digest, None):
            try:
                return await self._send(location, digest, body)
            except UnknownNameError:
                log.debug("the upload that a mount of %s opened is gone", digest)
        return await self._send(await self._open(), digest, body)

    async def _open(self) -> str:
        url = self._remote.url(protocol.uploads_route(self._name))
        async with await self._remote.send(Call(method="POST", url=url)) as response:
            await response.raise_refusal()
            return self._location(response)

    async def _send(self, location: str, digest: Digest, body: FileBody) -> None:
        url = location + ("&" if "?" in location else "?") + urlencode({"digest": digest})
        headers = {"Content-Type": protocol.OCTETS}
        call = Call(method="PUT", url=url, headers=headers, body=body, bulk=True)
        async with await self._remote.send(call) as response:
            await response.raise_refusal()
            if response.status == 202:  # not committed
                raise UnexpectedStatusError(response.status)

    async def _cancel(self, location: str) -> None:
        with suppress(WherryError):
            async with await self._remote.send(Call(method="DELETE", url=location)):
                pass

    def _location(self, response: Response) -> str:
        location = response.header("Location")
        if not location:
            raise HostileLocationError("the registry opens an upload and does not say where")
        return self._remote.upload_url(response.url, location)

    async def put_manifest(self, name: str, media_type: str, body: bytes) -> Digest:
        """Send a manifest under a tag or its digest; returns its digest."""
        url = self._remote.url(protocol.manifest_route(self._name, name))
        headers = {"Content-Type": media_type}
        call = Call(method="PUT", url=url, headers=headers, body=body)
        async with await self._remote.send(call) as response:
            await response.raise_refusal()
            told = response.header(protocol.DIGEST_HEADER)
        digest = digest_bytes(body)
        if told.startswith("sha256:") and told != digest:
            raise ManifestMismatchError(digest)
        return digest
