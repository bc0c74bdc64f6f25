"""Which repository has which references."""

from __future__ import annotations

import pytest

from wherry.engine.registry.names import own_names
from wherry.oci.reference import parse_reference
from wherry.registry.server.backend import RepositoryNameError

NAMES = own_names("", 5001, "box")


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        ("debian:12", "debian"),
        ("team/app:1", "team/app"),
        ("quay.io/team/app:1", "quay.io/team/app"),
        ("localhost:5001/team/app:1", "team/app"),
        ("127.0.0.1:5001/app", "app"),
        ("[::1]:5001/app", "app"),
        ("box:5001/app", "app"),
        ("box:5002/app", None),
        ("localhost:5002/app", None),
    ],
)
def test_a_reference_is_in_one_repository(reference: str, repository: str | None) -> None:
    assert NAMES.repository_of(parse_reference(reference)) == repository


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("debian", "docker.io/library/debian"),
        ("library/debian", "docker.io/library/debian"),
        ("team/app", "docker.io/team/app"),
        ("quay.io/team/app", "quay.io/team/app"),
    ],
)
def test_a_repository_has_what_a_user_would_write_like_it(name: str, last: str) -> None:
    found = NAMES.repositories(name)
    assert (found[0], found[-1]) == (f"localhost:5001/{name}", last)
    assert len(found) == 5


def test_what_looks_like_an_id_has_no_bare_name() -> None:
    assert NAMES.repositories("a" * 64)[-1] == f"box:5001/{'a' * 64}"


def test_what_is_pushed_is_called_as_a_push_from_here_calls_it() -> None:
    assert NAMES.pushed("team/app").canonical == "localhost:5001/team/app"
    with pytest.raises(RepositoryNameError):
        NAMES.pushed("a" * 250)


def test_an_address_is_a_name_of_its_own() -> None:
    assert own_names("192.0.2.7", 5001, "box").own[3:] == ("192.0.2.7:5001", "box:5001")
    assert own_names("::1", 5001, "").own == ("localhost:5001", "127.0.0.1:5001", "[::1]:5001")
    assert own_names("localhost", 5001, "localhost").own[0] == "localhost:5001"
