from __future__ import annotations

import pytest

from fixtures.page_visits import Visitor
from wherry.registry.server.access.guard import Peer
from wherry.registry.server.pages.forms import ForeignFormError, check_origin

BASE = "https://registry.test:5000"


def peer(**headers: str) -> Peer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Peer("192.0.2.1", {"host": "registry.test:5000", **named}, BASE)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin", "origin": BASE},
        {"origin": BASE},
        {"origin": "http://registry.test:5000"},
        {"origin": "http://10.0.0.1:5000", "host": "10.0.0.1:5000"},
    ],
)
def test_forms_of_ours_are_taken(headers: dict[str, str]) -> None:
    check_origin(peer(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "cross-site", "origin": BASE},
        {"sec_fetch_site": "same-site", "origin": BASE},
        {"sec_fetch_site": "none", "origin": BASE},
        {"sec_fetch_site": "", "origin": BASE},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://registry.test"},
        {"origin": "https://registry.test:5000.evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "file://registry.test:5000"},
        {"origin": "registry.test:5000"},
        {"origin": "", "host": ""},
        {"origin": "http://["},
    ],
)
def test_forms_of_others_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ForeignFormError):
        check_origin(peer(**headers))


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"name=a&token=%ff", "application/x-www-form-urlencoded", "cannot be read"),
        (b"name=\xc3\xa4", "application/x-www-form-urlencoded", "cannot be read"),
        (b"a=1&" * 30, "application/x-www-form-urlencoded", "cannot be read"),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded", "may have 16384 bytes"),
        (b"{}", "application/json", "the body has to be"),
        (b"", "multipart/form-data; boundary=x", "the body has to be"),
    ],
)
async def test_a_body_that_is_no_form_is_told(
    stranger: Visitor, body: bytes, kind: str, words: str
) -> None:
    headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin"}
    answer = await stranger.ask("POST", "/login", data=body, headers=headers)
    assert answer.status == 400
    assert words in answer.text
