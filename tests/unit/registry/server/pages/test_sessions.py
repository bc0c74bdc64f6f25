from __future__ import annotations

import pytest

from wherry.registry.server.pages.sessions import Session, Signer, new_binding

SIGNER = Signer(b"s" * 32)
SESSION = Session("ann", "seal", 2000)


def test_a_session_is_what_was_signed() -> None:
    token = SIGNER.sign(SESSION)
    assert SIGNER.read(token, 1999) == Session("ann", "seal", 2000, token)


def test_another_process_reads_it_and_another_registry_does_not() -> None:
    token = SIGNER.sign(SESSION)
    assert Signer(b"s" * 32).read(token, 0)
    assert Signer(b"t" * 32).read(token, 0) is None
    assert Signer(b"t" * 32).mark != SIGNER.mark


def test_a_session_ends() -> None:
    assert SIGNER.read(SIGNER.sign(SESSION), 2000) is None


def test_names_are_of_any_letters() -> None:
    session = Session("Änne \"'<\u202e", "", 2000)
    read = SIGNER.read(SIGNER.sign(session), 0)
    assert read is not None
    assert read.name == session.name


@pytest.mark.parametrize("change", [(0, "A"), (-1, "A"), (5, "."), (8, "é"), (3, "\udcff")])
def test_a_changed_token_is_none(change: tuple[int, str]) -> None:
    letters = list(SIGNER.sign(SESSION))
    letters[change[0]] = change[1] if letters[change[0]] != change[1] else "B"
    if change[0] == -1:  # its last bits are not part of the signature
        letters[-2] = "A" if letters[-2] != "A" else "B"
    assert SIGNER.read("".join(letters), 0) is None


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "." * 5000, "x" * 100_000, "\0", "é.é"])
def test_garbage_is_none(token: str) -> None:
    assert SIGNER.read(token, 0) is None


def test_the_token_of_a_form_is_for_one_browser_and_one_purpose() -> None:
    mine, other = new_binding(), new_binding()
    token = SIGNER.form_token(mine, "delete a 1")
    assert SIGNER.is_form_token(token, mine, "delete a 1")
    assert not SIGNER.is_form_token(token, other, "delete a 1")
    assert not SIGNER.is_form_token(token, mine, "delete a 2")
    assert not SIGNER.is_form_token("", mine, "delete a 1")
    assert not SIGNER.is_form_token(token + "é", mine, "delete a 1")


def test_a_form_that_is_bound_to_nothing_counts_for_nothing() -> None:
    assert not SIGNER.is_form_token(SIGNER.form_token("", "login"), "", "login")


def test_a_session_is_no_form_and_a_form_no_session() -> None:
    token = SIGNER.form_token("a", "b")
    assert SIGNER.read(f"{token}.{token}", 0) is None
