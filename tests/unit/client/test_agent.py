"""What reaches the user's ssh agent."""

from __future__ import annotations

import pytest

from wherry.client.agent import (
    LIST_KEYS,
    REFUSED,
    SIGN,
    Asking,
    BrokenMessageError,
    message,
)

REMOVE_ALL, ADD = 19, 17


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_questions_pass_and_all_else_becomes_a_failure(size: int) -> None:
    sent = (
        message(LIST_KEYS)
        + message(REMOVE_ALL)
        + message(SIGN, b"key and data")
        + message(ADD, b"private key")
        + message(LIST_KEYS)
    )
    asking = Asking()
    passed = b"".join(asking.feed(sent[n : n + size]) for n in range(0, len(sent), size))
    assert passed == (
        message(LIST_KEYS) + REFUSED + message(SIGN, b"key and data") + REFUSED + message(LIST_KEYS)
    )


def test_a_refused_message_is_one_that_no_agent_knows() -> None:
    assert REFUSED[4] == 27
    assert int.from_bytes(REFUSED[:4], "big") == len(REFUSED) - 4


@pytest.mark.parametrize("data", [bytes(5), b"\xff\xff\xff\xff\x0b"])
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(BrokenMessageError, match="a step sent the ssh agent"):
        Asking().feed(data)
