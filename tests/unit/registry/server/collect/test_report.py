from __future__ import annotations

import json

import pytest

from wherry.registry.server.collect.report import Report, amount


def test_nothing_is_said_as_such() -> None:
    assert Report(seconds=0.12).words() == "nothing removed, 0 bytes freed in 0.1 s"


def test_what_was_removed_is_counted_in_words() -> None:
    report = Report(tags=1, manifests=2, blobs=1234, uploads=1, bytes=5 << 30, seconds=2)
    assert report.words() == (
        "1 tag, 2 manifests, 1,234 blobs, 1 unfinished upload removed, 5.0 GiB freed in 2.0 s"
    )


def test_programs_get_numbers() -> None:
    read = json.loads(json.dumps(Report(bytes=5).as_dict()))
    assert read["bytes"] == 5
    assert set(read) == {
        "tags", "manifests", "uploads", "links", "blobs", "objects", "bytes", "seconds",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (2**60, "1024.0 PiB")],
)
def test_bytes_for_people(size: int, words: str) -> None:
    assert amount(size) == words
