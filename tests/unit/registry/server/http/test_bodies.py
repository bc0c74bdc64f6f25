"""Bodies that are read piece by piece."""

from __future__ import annotations

import io

import pytest

from wherry.registry.server.http.bodies import BodyShortError, read_file
from wherry.registry.server.http.ranges import Span


def test_a_part_of_a_file() -> None:
    assert read_file(lambda: io.BytesIO(b"0123456789"), Span(3, 4)) == b"3456"
    with pytest.raises(BodyShortError):
        read_file(lambda: io.BytesIO(b"0123456789"), Span(8, 4))
