"""Credentials from what clients of the API send."""

from __future__ import annotations

import base64

import pytest

from wherry.registry.auth.credentials import ANONYMOUS, Credentials, credentials_of
from wherry.wire.requests import AuthConfig


def test_a_name_and_a_password() -> None:
    credentials = credentials_of(AuthConfig(username="ann", password="se:cret"))
    assert credentials == Credentials("ann", "se:cret")
    assert credentials.basic() == "Basic " + base64.b64encode(b"ann:se:cret").decode()


def test_auth_stands_for_both() -> None:
    auth = base64.b64encode(b"ann:se:cret").decode()
    assert credentials_of(AuthConfig(auth=auth)) == Credentials("ann", "se:cret")


@pytest.mark.parametrize("auth", ["%%%", "/w==", ""])
def test_auth_that_is_nothing(auth: str) -> None:
    assert credentials_of(AuthConfig(auth=auth)) == ANONYMOUS
    assert credentials_of(None) == ANONYMOUS


def test_secrets_do_not_show() -> None:
    shown = repr(Credentials("ann", "one", "two", "three"))
    assert "ann" in shown
    assert not any(secret in shown for secret in ("one", "two", "three"))
