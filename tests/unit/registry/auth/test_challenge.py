"""WWW-Authenticate in all of its shapes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.registry.auth.challenge import Challenge, parse_challenges


def test_the_challenge_of_a_registry() -> None:
    header = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
    assert parse_challenges([header]) == (
        Challenge(
            "bearer",
            {"realm": "https://auth.docker.io/token", "service": "registry.docker.io"},
        ),
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="a"', [("basic", {"realm": "a"})]),
        ("Basic realm=a", [("basic", {"realm": "a"})]),
        ("Basic", [("basic", {})]),
        ('BASIC Realm = "a b" , charset=UTF-8',
         [("basic", {"realm": "a b", "charset": "UTF-8"})]),
        ('Bearer scope="repository:a:pull,push"',
         [("bearer", {"scope": "repository:a:pull,push"})]),
        (r'Basic realm="a \"b\" \\c"', [("basic", {"realm": r'a "b" \c'})]),
        ('Basic realm="a", Bearer realm="b",service="c"',
         [("basic", {"realm": "a"}), ("bearer", {"realm": "b", "service": "c"})]),
        ("Negotiate, Basic realm=a", [("negotiate", {}), ("basic", {"realm": "a"})]),
        ("Negotiate YWJj==, Basic realm=a", [("negotiate", {}), ("basic", {"realm": "a"})]),
        (' , , Basic realm="a",,', [("basic", {"realm": "a"})]),
        ("Basic realm=a, realm=b", [("basic", {"realm": "a"})]),
        ('Basic realm="never closed', [("basic", {}), ("realm", {})]),
        ("", []),
        ("=", []),
    ],
)  # fmt: skip
def test_shapes(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    found = [(c.scheme, dict(c.parameters)) for c in parse_challenges([header])]
    assert found == expected


def test_several_headers() -> None:
    assert [c.scheme for c in parse_challenges(["Basic realm=a", "Bearer realm=b"])] == [
        "basic",
        "bearer",
    ]


def test_the_number_of_parameters_is_bounded() -> None:
    (challenge,) = parse_challenges(["Basic " + ",".join(f"p{i}=v" for i in range(1000))])
    assert len(challenge.parameters) == 32


@given(st.text(alphabet='aB=",\\ \t/~', max_size=60))
def test_nothing_breaks_it(header: str) -> None:
    parse_challenges([header])
