"""Names and numbers of capabilities."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wherry.runtime.security.capabilities import NAMES, numbers

HEADER = Path("/usr/include/linux/capability.h")


def test_numbers() -> None:
    assert numbers(["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE"]) == [0, 21, 40]
    assert numbers(["CAP_OF_THE_FUTURE"]) == []


@pytest.mark.skipif(not HEADER.exists(), reason="the kernel's headers are not installed")
def test_they_are_the_kernels() -> None:
    told = dict(re.findall(r"^#define\s+(CAP_\w+)\s+(\d+)$", HEADER.read_text(), re.MULTILINE))
    assert {name: str(number) for number, name in enumerate(NAMES)} == told
