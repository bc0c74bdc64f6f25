"""The Authorization header, read."""

from __future__ import annotations

import base64

import pytest

from wherry.registry.server.access.credentials import (
    BearerToken,
    Password,
    UnreadableCredentialsError,
    basic_header,
    is_robot,
    name_and_password,
    read_authorization,
)

SECRET = "wry_" + "x" * 43


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (basic("ann:secret"), Password("ann", "secret")),
        (basic("ann:with:colons"), Password("ann", "with:colons")),
        (basic("änn:pässword").replace("Basic", "BASIC"), Password("änn", "pässword")),
        (basic("ann:"), Password("ann", "")),
        ("Bearer abc.def", BearerToken("abc.def")),
        ("bearer  abc ", BearerToken("abc")),
        (basic(f"robot:ci-1:{SECRET}"), Password("robot:ci-1", SECRET)),
        (basic("robot:ci:other"), Password("robot", "ci:other")),
        (basic(f"robot:CI:{SECRET}"), Password("robot", f"CI:{SECRET}")),
        (basic(f"robots:ci:{SECRET}"), Password("robots", f"ci:{SECRET}")),
    ],
)
def test_what_clients_send(header: str, read: Password | BearerToken) -> None:
    assert read_authorization(header) == read


@pytest.mark.parametrize(
    "header",
    ["x", "Digest a=b", "Basic", "Basic !!!", "Basic é", basic("no colon"), "Basic /w==", "\udcff"],
)
def test_what_cannot_be_read(header: str) -> None:
    with pytest.raises(UnreadableCredentialsError):
        read_authorization(header)


def test_a_robot_whose_name_a_client_has_cut_at_the_colon() -> None:
    assert name_and_password("robot", f"ci:{SECRET}") == Password("robot:ci", SECRET)
    assert name_and_password("robot:ci", SECRET) == Password("robot:ci", SECRET)


def test_a_header_says_what_was_read_from_it() -> None:
    for given in (Password("ann", "s:e"), Password("robot:ci", SECRET)):
        assert read_authorization(basic_header(given)) == given


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(Password("ann", "secret"))
    assert "secret" not in repr(BearerToken("secret"))


def test_robots_have_a_prefix() -> None:
    assert is_robot("robot:ci")
    assert not is_robot("robot")
