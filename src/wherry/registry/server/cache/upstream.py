"""One other registry: what is asked of it, and what its failures mean here.

    it has not, 404            NotUpstreamError, as for what nobody has
    it refuses, 401 and 403    the same, and a line in the log: what the account of the cache sees,
                               or does not see, is nothing that its clients are told
    it is away, 429, 5xx       UpstreamAwayError; the cache serves what it has
    it sends what cannot be    UpstreamFaultError; nothing of that is kept or served

After a failure it counts as away for some seconds, in which what is kept is served without asking:
otherwise every request would wait for a dead upstream. It is given less time than usual, for
clients wait for it as well.
"""

from __future__ import annotations

import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import msgspec

from wherry.base.errors import (
    ForbiddenError,
    NotFoundError,
    UnauthorisedError,
    UnavailableError,
    WherryError,
)
from wherry.oci.digest import Digest, InvalidDigestError, parse_digest
from wherry.oci.image import Descriptor, Index
from wherry.oci.reading import read
from wherry.registry import protocol
from wherry.registry.auth.credentials import ANONYMOUS, Credentials
from wherry.registry.client.call import Call, Response
from wherry.registry.client.errors import TooManyRequestsError
from wherry.registry.client.fetch import MAX_MANIFEST, Download, Sink, fetch_manifest
from wherry.registry.client.registry import RegistryClient
from wherry.registry.client.remote import Remote
from wherry.registry.client.settings import Limits, RegistrySettings
from wherry.registry.client.source import Source
from wherry.registry.client.tags import TagList
from wherry.registry.server.backend import StoredManifest
from wherry.registry.server.cache.routes import site_of
from wherry.registry.server.settings import Cache

log = logging.getLogger(__name__)

LIMITS = Limits(connect=10, stall=60, reply=30, pauses=(0.2, 0.5, 2), transfers=12)
_AWAY_SECONDS = 10.0
_LIMITED_SECONDS = 60.0
_MOST_SOURCES = 1000


class UpstreamAwayError(UnavailableError):
    """The upstream of a cache does not answer, or not now."""


class UpstreamFaultError(UnavailableError):
    """The upstream of a cache sent what cannot be right."""


class NotUpstreamError(NotFoundError):
    """The upstream of a cache does not have it, or not for the cache's account."""


class Upstream:
    """Belongs to one event loop; `clock` counts seconds, from anywhere."""

    def __init__(self, cache: Cache, clock: Callable[[], float], limits: Limits = LIMITS) -> None:
        self._site = site_of(cache.upstream)
        self._clock = clock
        self._credentials = ANONYMOUS
        if cache.username:
            self._credentials = Credentials(cache.username, cache.password)
        authorities = (cache.authorities,) if cache.authorities else ()
        self._client = RegistryClient(RegistrySettings(authorities=authorities), limits)
        self._sources: OrderedDict[str, Source] = OrderedDict()
        self._away_until = float("-inf")

    @property
    def host(self) -> str:
        """Its `host[:port]`, for messages."""
        return self._site.endpoints[0].host

    @property
    def away(self) -> bool:
        """Tell whether it failed just now."""
        return self._clock() < self._away_until

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def digest_of(self, path: str, tag: str) -> Digest | None:
        """Return where a tag leads, by a request that registries do not count as a pull.

        None when it does not say. Raises as the table above has it.
        """
        with self._failures(path, f"tag {tag}"):
            headers = {"Accept": protocol.MANIFEST_ACCEPT}
            route = protocol.manifest_route(path, tag)
            async with await self._send(path, "HEAD", route, headers) as response:
                await response.raise_refusal()
                try:
                    return parse_digest(response.header(protocol.DIGEST_HEADER))
                except InvalidDigestError:
                    return None

    async def manifest(self, path: str, reference: str) -> StoredManifest:
        """Fetch a manifest by tag or digest, verified."""
        with self._failures(path, f"manifest {reference}"):
            found = await fetch_manifest(await self._remote(path), path, reference)
            return StoredManifest(found.digest, found.media_type, found.body)

    async def blob_size(self, path: str, digest: Digest) -> int:
        """Return the size of a blob, in bytes."""
        with self._failures(path, f"blob {digest}"):
            route = protocol.blob_route(path, digest)
            async with await self._send(path, "HEAD", route, {}) as response:
                await response.raise_refusal()
                length = response.header("Content-Length")
        if not (length.isdecimal() and len(length) < 18):
            raise UpstreamFaultError(f"{self.host} does not tell the size of blob {digest}")
        return int(length)

    async def fetch(self, path: str, digest: Digest, size: int, sink: Sink) -> None:
        """Stream a blob into `sink`, exactly `size` bytes of it; the digest is not verified.

        A broken connection is resumed. What the sink raises goes on as it is.
        """
        download = Download(Descriptor(protocol.OCTETS, digest, size), sink, 0)
        with self._failures(path, f"blob {digest}", lambda: download.is_final):
            await download.run(await self._remote(path), path)

    async def tags(self, path: str, after: str, limit: int) -> list[str]:
        """Return up to `limit` tags behind `after`, in the order of their bytes.

        A registry that knows no pages gives all at once, which is as good.
        """
        query = urlencode({"n": limit, **({"last": after} if after else {})})
        route = f"{protocol.tags_route(path)}?{query}"
        with self._failures(path, "the list of tags"):
            found = read(await self._body(path, route), TagList)
        return sorted(tag for tag in found.tags or () if tag > after)[:limit]

    async def referrers(self, path: str, digest: Digest) -> list[Descriptor]:
        """Return the manifests that refer to one; of an older registry, those that its tag of that
        name lists, which is where clients put them there."""
        with self._failures(path, f"the referrers of {digest}"):
            try:
                body = await self._body(path, protocol.referrers_route(path, digest))
            except NotFoundError:
                remote = await self._remote(path)
                tag = digest.replace(":", "-")[:128]
                body = (await fetch_manifest(remote, path, tag)).body
            return list(read(body, Index).manifests)

    async def _body(self, path: str, route: str) -> bytes:
        async with await self._send(path, "GET", route, {}) as response:
            await response.raise_refusal()
            return await response.read(MAX_MANIFEST)

    async def _send(self, path: str, method: str, route: str, headers: dict[str, str]) -> Response:
        remote = await self._remote(path)
        return await remote.send(Call(method=method, url=remote.url(route), headers=headers))

    async def _remote(self, path: str) -> Remote:
        """Return the connection for one repository, whose tokens are for nothing else."""
        source = self._sources.get(path)
        if source is None:
            scope = protocol.repository_scope(path, "pull")
            source = self._client.source(self._site, self._credentials, (scope,))
            self._sources[path] = source
            if len(self._sources) > _MOST_SOURCES:
                self._sources.popitem(last=False)
        try:
            return await source.connect()
        except WherryError:
            # A source that failed to connect stays so; the next request tries anew.
            if self._sources.get(path) is source:
                del self._sources[path]
            raise

    @contextlib.contextmanager
    def _failures(
        self, path: str, what: str, ours: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        try:
            yield
        except (WherryError, msgspec.MsgspecError, RecursionError) as error:
            if ours():
                raise
            raise self._meaning(error, path, what) from error

    def _meaning(self, error: Exception, path: str, what: str) -> WherryError:
        named = f"{what} of {path}"
        match error:
            case UnauthorisedError() | ForbiddenError():
                log.warning("%s refuses this cache %s: %s", self.host, named, error)
                return NotUpstreamError(f"{self.host} does not have {named}")
            case NotFoundError():
                return NotUpstreamError(f"{self.host} does not have {named}")
            case UnavailableError():
                limited = isinstance(error, TooManyRequestsError)
                seconds = _LIMITED_SECONDS if limited else _AWAY_SECONDS
                self._away_until = self._clock() + seconds
                log.warning("%s is away, asked for %s: %s", self.host, named, error)
                return UpstreamAwayError(f"{self.host}, of which this is a cache, is away: {error}")
        log.warning("%s is at fault, asked for %s: %s", self.host, named, error)
        return UpstreamFaultError(f"{self.host} sent what cannot be {named}: {error}")
