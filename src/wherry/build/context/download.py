"""Files that a build takes from the web: contexts, and sources of ADD.

The connections are those of `wherry.registry`: at most ten redirects, certificates verified,
credentials left behind where the origin changes, proxies of the environment, no ~/.netrc, and a
limit on silence. The library behind it costs 0.2 s and is loaded with the first download.

After a failure the file holds a part of what was sent, or what should not have been sent.
"""

from __future__ import annotations

import base64
import email.message
import email.utils
import hashlib
import posixpath
import ssl
import unicodedata
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import unquote, urlsplit, urlunsplit

from wherry.base.crossing import to_the_end
from wherry.base.errors import (
    DataLossError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthorisedError,
    UnavailableError,
    WherryError,
)
from wherry.base.values import dataclass, field
from wherry.build.context.remote import redacted
from wherry.oci.digest import Digest, algorithm_of, parse_digest
from wherry.registry.client.call import Call, Response
from wherry.registry.client.errors import HostileLocationError
from wherry.registry.client.proxies import Proxies
from wherry.registry.client.settings import Limits

UNNAMED = "__unnamed__"
_FALLBACK_NAME = "download"
_GZIP = 16 + zlib.MAX_WBITS


class DownloadError(UnavailableError):
    """The file cannot be had from where its address leads."""


class AddressNotFoundError(NotFoundError):
    """The server has no such file."""


class NotAllowedError(ForbiddenError):
    """The server does not give the file to just anybody."""


class CredentialsError(UnauthorisedError):
    """The server wants to know who asks."""


class BadUrlError(InvalidError):
    """The text is no address of a file."""


class DigestMismatchError(DataLossError):
    """What came is not what was expected."""

    def __init__(self, url: str, found: str, expected: str) -> None:
        super().__init__(
            f"digest mismatch for {url}: {found} (expected: {expected}); the file has changed, or "
            "the checksum is of another one"
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to download.

    checksum: a digest that the file has to have.
    etag: of a copy that is there already; then the answer may be that it is still good.
    authorization: the value of that header. context: who is trusted, the system's if None.
    proxies: those of the environment if None.
    """

    url: str
    checksum: str = ""
    etag: str = ""
    authorization: str = ""
    context: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    proxies: Proxies | None = None


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What came. `changed` is False if the copy of `Wanted.etag` is still good; then the rest says
    nothing of the content.

    name: from Content-Disposition or the address, without a directory, never empty.
    mtime: of Last-Modified, seconds since the epoch, 0 without it, as BuildKit sets it.
    """

    changed: bool
    digest: Digest
    size: int
    name: str
    mtime: int
    etag: str


Progress = Callable[[int, int], None]  # bytes so far, bytes in all or 0


async def download(wanted: Wanted, file: BinaryIO, progress: Progress | None = None) -> Downloaded:
    """Write what an address leads to into an open file.

    Raises DigestMismatchError, AddressNotFoundError, DownloadError and other errors of connections,
    which name the address.
    """
    from wherry.registry.client.transport import Transport  # noqa: PLC0415  # see the module

    if wanted.checksum:
        parse_digest(wanted.checksum)
    url, headers = _request(wanted)
    shown = redacted(wanted.url)
    transport = Transport(wanted.limits, wanted.proxies)
    try:
        call = Call(method="GET", url=url, headers=headers, context=wanted.context)
        async with await transport.send(call) as response:
            unchanged = bool(wanted.etag) and response.status == HTTPStatus.NOT_MODIFIED
            if not unchanged and not 200 <= response.status < 300:
                raise _refusal(shown, response.status)
            taken = _Taken(wanted, response, file, progress)
            if not unchanged:
                await taken.all()
            found = taken.result(changed=not unchanged)
    except HostileLocationError as error:
        raise DownloadError(f"failed to fetch {shown}: {_redirected(error)}") from error
    finally:
        await transport.close()
    if not unchanged and wanted.checksum and found.digest != wanted.checksum:
        raise DigestMismatchError(shown, found.digest, wanted.checksum)
    return found


class _Taken:
    """The body of a response on its way into a file."""

    def __init__(
        self, wanted: Wanted, response: Response, file: BinaryIO, progress: Progress | None
    ) -> None:
        self._wanted = wanted
        self._shown = redacted(wanted.url)
        self._response = response
        self._file = file
        self._progress = progress
        self._algorithm = algorithm_of(Digest(wanted.checksum)) or "sha256"
        self._hash = hashlib.new(self._algorithm)
        self._size = 0
        length = response.header("Content-Length")
        self._total = int(length) if length.isdecimal() else 0

    async def all(self) -> None:
        """Take it to the end."""
        packed = self._response.header("Content-Encoding").strip().lower() in ("gzip", "x-gzip")
        if packed:
            self._total = 0
        chunks = self._response.chunks()
        async for chunk in _unpacked(chunks, self._shown) if packed else chunks:
            await to_the_end(self._take, chunk)
            if self._progress is not None:
                self._progress(self._size, self._total)

    def _take(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self._file.write(chunk)
        self._size += len(chunk)

    def result(self, *, changed: bool) -> Downloaded:
        """Return what is known of the file now."""
        header = self._response.header
        return Downloaded(
            changed=changed,
            digest=Digest(f"{self._algorithm}:{self._hash.hexdigest()}"),
            size=self._size,
            name=file_name(self._wanted.url, header("Content-Disposition")),
            mtime=_seconds(header("Last-Modified")),
            etag=header("ETag").removeprefix("W/") or ("" if changed else self._wanted.etag),
        )


async def _unpacked(chunks: AsyncIterator[bytes], shown: str) -> AsyncIterator[bytes]:
    """Undo the compression of a server that was not asked for it."""
    unpacker = zlib.decompressobj(_GZIP)
    async for chunk in chunks:
        try:
            yield unpacker.decompress(chunk)
        except zlib.error as error:
            raise _broken(shown, str(error)) from error
    if not unpacker.eof:
        raise _broken(shown, "it ends too soon")


def _broken(shown: str, why: str) -> DownloadError:
    return DownloadError(f"failed to fetch {shown}: the server's compression is broken: {why}")


def _request(wanted: Wanted) -> tuple[str, Mapping[str, str]]:
    """Return the address without credentials, and the headers."""
    try:
        parts = urlsplit(wanted.url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadUrlError(f"invalid URL {redacted(wanted.url)!r}: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise BadUrlError(
            f"invalid URL {redacted(wanted.url)!r}: it has to begin with http:// or https:// and "
            "the name of a host"
        )
    headers = dict[str, str]()
    if wanted.etag:
        headers["If-None-Match"] = wanted.etag
    if wanted.authorization:
        headers["Authorization"] = wanted.authorization
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    place = f"[{host}]" if ":" in host else host
    place += f":{port}" if port is not None else ""
    return urlunsplit(parts._replace(netloc=place, fragment="")), headers


def _refusal(url: str, status: int) -> WherryError:
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    message = f"failed to fetch {url}: invalid response status {words}"
    match status:
        case 404 | 410:
            return AddressNotFoundError(f"{message}; check the address")
        case 401:
            return CredentialsError(f"{message}; the server wants credentials")
        case 403:
            return NotAllowedError(f"{message}; the server does not give it to everybody")
    return DownloadError(f"{message}; try again later" if status >= 500 else message)


def _redirected(error: HostileLocationError) -> str:
    words = str(error)
    if "stopped after" in words:
        return words.rpartition(": ")[2]
    return "the server redirects to where downloads do not go: " + words.rpartition(" to ")[2]


def _seconds(text: str) -> int:
    try:
        return max(0, int(email.utils.parsedate_to_datetime(text).timestamp()))
    except (ValueError, TypeError, OverflowError):
        return 0


def name_in_url(url: str) -> str:
    """Return what ADD calls a downloaded file: the last part of the address' path."""
    try:
        path = unquote(urlsplit(url).path, errors="surrogateescape")
    except ValueError:
        return UNNAMED
    name = posixpath.basename(path.rstrip("/"))
    return name if name not in ("", ".", "..") else UNNAMED


def file_name(url: str, disposition: str = "") -> str:
    """Return the name of a downloaded file that nobody has named: BuildKit's rule."""
    message = email.message.Message()
    message["Content-Disposition"] = disposition
    named = message.get_filename("") if disposition else ""
    if named and not named.endswith("/"):
        return _safe(named)
    in_url = name_in_url(url)
    return _safe(in_url if in_url != UNNAMED else "")


def _safe(name: str) -> str:
    name = posixpath.basename(name.strip().rstrip("/"))
    if name in ("", ".", "..") or any(unicodedata.category(char) == "Cc" for char in name):
        return _FALLBACK_NAME
    return name
