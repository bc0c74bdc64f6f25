"""Reports become lines; what is obsolete does not wait."""

from __future__ import annotations

import asyncio

import pytest

from wherry.api.reporting import Report, reported
from wherry.wire.progress import ProgressDetail, ProgressLine


def layer(current: int) -> ProgressLine:
    return ProgressLine(
        status="Downloading", id="abc", progress_detail=ProgressDetail(current, 100)
    )


async def test_only_the_newest_of_a_step_waits() -> None:
    async def work(report: Report) -> None:
        report(ProgressLine(status="first"))
        for current in range(1, 101):
            report(layer(current))
        report(ProgressLine(status="last"))

    data = b"".join([lines async for lines in reported(work)])
    assert data.count(b"Downloading") == 1
    assert b'"current":100' in data
    assert data.index(b"first") < data.index(b"Downloading") < data.index(b"last")


async def test_what_was_reported_comes_before_the_error() -> None:
    async def work(report: Report) -> None:
        report(ProgressLine(status="first"))
        raise ValueError("no")

    lines = reported(work)
    assert await anext(lines) == b'{"status":"first"}\r\n'
    with pytest.raises(ValueError, match="no"):
        await anext(lines)


async def test_an_error_without_a_report() -> None:
    async def work(report: Report) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await anext(reported(work))


async def test_reports_from_a_thread() -> None:
    async def work(report: Report) -> None:
        await asyncio.to_thread(report, ProgressLine(status="from a thread"))

    assert [lines async for lines in reported(work)] == [b'{"status":"from a thread"}\r\n']


async def test_a_client_that_goes_cancels_the_work() -> None:
    cancelled = False

    async def work(report: Report) -> None:
        nonlocal cancelled
        report(ProgressLine(status="first"))
        try:
            await asyncio.Event().wait()
        finally:
            cancelled = True

    lines = reported(work)
    await anext(lines)
    await lines.aclose()  # type: ignore[attr-defined]
    assert cancelled
