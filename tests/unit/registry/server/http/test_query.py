"""Queries."""

from __future__ import annotations

import pytest

from wherry.registry.server.http.query import Query, QueryError


def test_parameters() -> None:
    query = Query("tag=1&tag=b%26c&mount=&empty&d=sha256%3Aa+b")
    assert query.all("tag") == ["1", "b&c"]
    assert query.first("d") == "sha256:a b"
    assert query.has("mount")
    assert query.has("empty")
    assert not query.has("from")
    assert query.first("from") == ""
    assert Query("").all("n") == []


@pytest.mark.parametrize("text", ["a=%ff", "&".join(["a=1"] * 201)])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(QueryError):
        Query(text).first("a")
