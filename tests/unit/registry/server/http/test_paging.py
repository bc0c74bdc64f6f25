"""Pages of lists."""

from __future__ import annotations

import pytest

from wherry.registry.server.http.paging import Page, PageSizeError, next_link, read_page
from wherry.registry.server.http.query import Query


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", Page(100, "")),
        ("n=", Page(100, "")),
        ("n=0", Page(0, "")),
        ("n=5&last=a", Page(5, "a")),
        ("n=101", Page(100, "")),
        ("n=" + "9" * 6000, Page(100, "")),
        ("last=a%2Fb", Page(100, "a/b")),
        ("last=a%00b", Page(100, "a")),
    ],
)
def test_a_page(query: str, page: Page) -> None:
    assert read_page(Query(query), 100) == page


def test_pages_without_a_limit() -> None:
    assert read_page(Query("n=5000"), 0).count == 5000
    assert read_page(Query(""), 0).count > 1_000_000_000


@pytest.mark.parametrize("n", ["-1", "a", "1.5", "0x1", "%D9%A1", "%20", "1e3"])
def test_no_number(n: str) -> None:
    with pytest.raises(PageSizeError):
        read_page(Query(f"n={n}"), 100)


def test_the_link_to_the_next_page() -> None:
    link = next_link("/v2/a/tags/list", {"last": "b c", "n": 5})
    assert link == '</v2/a/tags/list?last=b+c&n=5>; rel="next"'
