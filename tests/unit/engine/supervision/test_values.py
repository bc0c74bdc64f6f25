"""Exit codes as Docker reports them; unknown is never 0."""

from __future__ import annotations

import pytest

from wherry.engine.supervision.values import exit_record
from wherry.keeper.protocol import Exited


@pytest.mark.parametrize(
    ("status", "code", "signal", "dumped"),
    [
        (0, 0, None, False),
        (3 << 8, 3, None, False),
        (9, 137, 9, False),
        (11 | 0x80, 139, 11, True),
        (None, None, None, False),
    ],
)
def test_wait_statuses(
    status: int | None, code: int | None, signal: int | None, dumped: bool
) -> None:
    record = exit_record(Exited("c", status, 5))
    assert (record.exit_code, record.signal, record.core_dumped) == (code, signal, dumped)
    assert (record.id, record.at_ns) == ("c", 5)
