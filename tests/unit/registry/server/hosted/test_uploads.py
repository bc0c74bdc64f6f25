from __future__ import annotations

import asyncio
import random

import pytest

from fixtures.hosted_parts import Parts, chunks, push_blob, read_blob
from wherry.oci.digest import Digest, digest_bytes
from wherry.registry.server.backend import (
    BlobUnknownError,
    DigestMismatchError,
    TooLargeError,
    UploadRangeError,
    UploadUnknownError,
)
from wherry.registry.server.hosted.backend import HostedBackend
from wherry.registry.server.settings import Limits

DATA = random.Random(1).randbytes(700_000)


class GoneError(Exception):
    """The client has gone."""


@pytest.fixture
def backend(parts: Parts) -> HostedBackend:
    return parts.backend()


async def kept(parts: Parts, digest: Digest) -> bytes:
    blob = await parts.backend().blob("app", digest)
    data = read_blob(parts, blob.source)
    assert len(data) == blob.size
    return data


@pytest.mark.parametrize("size", [0, 1, 300_000, 700_000])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha384"])
async def test_a_blob_in_one_piece(
    parts: Parts, backend: HostedBackend, size: int, algorithm: str
) -> None:
    data = DATA[:size]
    digest = digest_bytes(data, algorithm)
    upload = await backend.begin_upload("app")
    pieces = [data[at : at + 65_536] for at in range(0, size, 65_536)]
    assert await backend.finish_upload("app", upload, digest, 0, chunks(*pieces)) == size
    assert await kept(parts, digest) == data
    assert len(parts.objects()) == 1
    with pytest.raises(UploadUnknownError):
        await backend.upload_size("app", upload)


@pytest.mark.parametrize("cuts", [[700_000], [1, 699_999], [300_000, 400_000], [7, 8, 9, 10]])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("moved", [True, False])
async def test_a_blob_in_several_pieces(
    parts: Parts, backend: HostedBackend, cuts: list[int], last: bool, moved: bool
) -> None:
    """With and without bytes in the last request, in one process and in another each time."""
    upload, at = await backend.begin_upload("app"), 0
    for cut in cuts:
        backend = parts.backend() if moved else backend
        at += cut
        sent = chunks(DATA[at - cut : at])
        assert await backend.write_upload("app", upload, at - cut, sent) == at
        assert await backend.upload_size("app", upload) == at
    data = DATA if last else DATA[:at]
    backend = parts.backend() if moved else backend
    sent = chunks(DATA[at:]) if last else chunks()
    assert await backend.finish_upload("app", upload, digest_bytes(data), None, sent) == len(data)
    assert await kept(parts, digest_bytes(data)) == data
    await parts.collect()
    assert len(parts.objects()) == 1


async def test_another_algorithm_at_the_end_reads_again(
    parts: Parts, backend: HostedBackend
) -> None:
    upload = await backend.begin_upload("app")
    await backend.write_upload("app", upload, 0, chunks(DATA))
    digest = digest_bytes(DATA, "sha512")
    await backend.finish_upload("app", upload, digest, None, chunks())
    assert await kept(parts, digest) == DATA


async def test_nothing_was_sent(backend: HostedBackend) -> None:
    upload = await backend.begin_upload("app")
    assert await backend.write_upload("app", upload, None, chunks()) == 0
    assert await backend.upload_size("app", upload) == 0


@pytest.mark.parametrize("size", [1000, 700_000])
@pytest.mark.parametrize("finish", [True, False])
async def test_a_client_that_broke_off_goes_on_from_there(
    parts: Parts, backend: HostedBackend, size: int, finish: bool
) -> None:
    data, digest = DATA[:size], digest_bytes(DATA[:size])
    upload, half = await backend.begin_upload("app"), size // 2
    broken = chunks(data[:half], error=GoneError())
    if finish:
        sending = backend.finish_upload("app", upload, digest, 0, broken)
    else:
        sending = backend.write_upload("app", upload, 0, broken)
    with pytest.raises(GoneError):
        await sending
    assert await backend.upload_size("app", upload) == half
    again = chunks(data[half : half + 10], error=GoneError())
    with pytest.raises(GoneError):
        await backend.finish_upload("app", upload, digest, half, again)
    rest = chunks(data[half + 10 :])
    assert await backend.finish_upload("app", upload, digest, half + 10, rest) == size
    assert await kept(parts, digest) == data


async def test_a_client_that_sent_nothing_before_it_broke_off(backend: HostedBackend) -> None:
    upload = await backend.begin_upload("app")
    with pytest.raises(GoneError):
        await backend.finish_upload("app", upload, digest_bytes(b""), 0, chunks(error=GoneError()))
    assert await backend.upload_size("app", upload) == 0


async def test_bytes_have_to_begin_where_the_upload_stands(backend: HostedBackend) -> None:
    upload = await backend.begin_upload("app")
    await backend.write_upload("app", upload, 0, chunks(b"abc"))
    digest = digest_bytes(b"abcdef")
    for start in (0, 2, 4):
        with pytest.raises(UploadRangeError) as caught:
            await backend.write_upload("app", upload, start, chunks(b"def"))
        assert caught.value.size == 3
        with pytest.raises(UploadRangeError):
            await backend.finish_upload("app", upload, digest, start, chunks(b"def"))
    assert await backend.upload_size("app", upload) == 3


@pytest.mark.parametrize("pieces", [0, 1, 2])
async def test_other_bytes_than_announced_end_the_upload(
    parts: Parts, backend: HostedBackend, pieces: int
) -> None:
    upload = await backend.begin_upload("app")
    for _ in range(pieces):
        await backend.write_upload("app", upload, None, chunks(b"abc"))
    digest = digest_bytes(b"other")
    with pytest.raises(DigestMismatchError):
        await backend.finish_upload("app", upload, digest, None, chunks(b"def"))
    with pytest.raises(UploadUnknownError):
        await backend.upload_size("app", upload)
    with pytest.raises(BlobUnknownError):
        await backend.blob("app", digest)
    await parts.collect()
    assert parts.objects() == set()


async def test_an_upload_is_its_repository_s(backend: HostedBackend) -> None:
    upload = await backend.begin_upload("app")
    for call in (
        backend.upload_size("other", upload),
        backend.write_upload("other", upload, 0, chunks(b"abc")),
        backend.finish_upload("other", upload, digest_bytes(b""), 0, chunks()),
        backend.cancel_upload("other", upload),
    ):
        with pytest.raises(UploadUnknownError):
            await call
    assert await backend.upload_size("app", upload) == 0


async def test_an_upload_that_was_cancelled_is_gone(parts: Parts, backend: HostedBackend) -> None:
    upload = await backend.begin_upload("app")
    await backend.write_upload("app", upload, 0, chunks(b"abc"))
    await backend.cancel_upload("app", upload)
    with pytest.raises(UploadUnknownError):
        await backend.write_upload("app", upload, None, chunks(b"def"))
    await parts.collect()
    assert parts.objects() == set()


async def test_two_at_once_on_one_upload(parts: Parts, backend: HostedBackend) -> None:
    """One of them counts, whichever; nothing is mixed and nothing stays."""
    upload = await backend.begin_upload("app")
    writes = [
        backend.write_upload("app", upload, None, chunks(bytes([number]) * 1000))
        for number in range(8)
    ]
    results = await asyncio.gather(*writes, return_exceptions=True)
    done = [one for one in results if isinstance(one, int)]
    lost = [one for one in results if isinstance(one, UploadRangeError)]
    assert len(done) + len(lost) == 8
    assert done
    assert await backend.upload_size("app", upload) == 1000 * len(done)
    assert len(parts.objects()) == len(done)


async def test_two_who_finish_at_once(parts: Parts, backend: HostedBackend) -> None:
    upload, digest = await backend.begin_upload("app"), digest_bytes(DATA)
    ends = [backend.finish_upload("app", upload, digest, 0, chunks(DATA)) for _ in range(4)]
    results = await asyncio.gather(*ends, return_exceptions=True)
    assert [one for one in results if isinstance(one, int)] == [len(DATA)]
    assert sum(isinstance(one, UploadUnknownError) for one in results) == 3
    assert await kept(parts, digest) == DATA
    assert len(parts.objects()) == 1


@pytest.mark.parametrize("before", [0, 100])
async def test_a_blob_that_is_too_large(parts: Parts, before: int) -> None:
    backend = parts.backend(limits=Limits(blob_bytes=1000))
    upload = await backend.begin_upload("app")
    if before:
        await backend.write_upload("app", upload, 0, chunks(bytes(before)))
    with pytest.raises(TooLargeError):
        await backend.write_upload("app", upload, None, chunks(bytes(1001 - before)))
    with pytest.raises(TooLargeError):
        await backend.finish_upload(
            "app", upload, digest_bytes(b""), None, chunks(bytes(1001 - before))
        )
    data = bytes(1000)
    rest = chunks(data[before:])
    assert await backend.finish_upload("app", upload, digest_bytes(data), None, rest) == 1000


async def test_a_large_one_that_is_too_large_leaves_nothing(parts: Parts) -> None:
    backend = parts.backend(limits=Limits(blob_bytes=600_000))
    upload = await backend.begin_upload("app")
    with pytest.raises(TooLargeError):
        await backend.write_upload("app", upload, 0, chunks(DATA[:500_000], DATA[500_000:]))
    assert parts.objects() == set()


async def test_a_blob_that_is_there_already_is_kept_once(
    parts: Parts, backend: HostedBackend
) -> None:
    for name in ("app", "app", "other"):
        await push_blob(backend, name, DATA)
    await parts.collect()
    assert len(parts.objects()) == 1


async def test_an_upload_that_nobody_continues_is_given_up(
    parts: Parts, backend: HostedBackend
) -> None:
    upload = await backend.begin_upload("app")
    await backend.write_upload("app", upload, 0, chunks(b"abc"))
    parts.now += 9_000
    await backend.write_upload("app", upload, 3, chunks(b"def"))
    parts.now += 9_000
    assert (await parts.collect()).uploads == 0
    parts.now += 2_000
    report = await parts.collect()
    assert (report.uploads, report.objects, report.bytes) == (1, 2, 6)
    assert parts.objects() == set()
    with pytest.raises(UploadUnknownError):
        await backend.upload_size("app", upload)


async def test_what_a_cancelled_request_wrote_is_deleted_when_it_is_due(
    parts: Parts, backend: HostedBackend
) -> None:
    upload = await backend.begin_upload("app")
    arrived = asyncio.Event()

    async def slow() -> object:
        yield DATA
        arrived.set()
        await asyncio.Event().wait()

    writing = asyncio.ensure_future(backend.write_upload("app", upload, 0, slow()))  # type: ignore[arg-type]
    await arrived.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await backend.upload_size("app", upload) == 0
    parts.now += 20_000
    await parts.collect()
    assert parts.objects() == set()
