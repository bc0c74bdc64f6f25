"""Identifiers: 64 hexadecimal digits for what the engine makes, as Docker's clients expect.

A `Digest` is defined in `wherry.oci.digest`: it names bytes and is computed, never drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NewType

ContainerId = NewType("ContainerId", str)
ExecId = NewType("ExecId", str)
NetworkId = NewType("NetworkId", str)
EndpointId = NewType("EndpointId", str)
EngineId = NewType("EngineId", str)

ID_BYTES = 32
SHORT_DIGITS = 12


def new_id(random: Callable[[int], bytes] = os.urandom) -> str:
    """Draw an id of 64 hexadecimal digits whose short form is never all decimal.

    Docker refuses such short forms because a container's default hostname is its short id, and
    programs take an all-decimal hostname for a number.
    """
    while True:
        drawn = random(ID_BYTES).hex()
        if not drawn[:SHORT_DIGITS].isdecimal():
            return drawn


def short(identifier: str) -> str:
    """Return the 12 digits that people see."""
    return identifier.removeprefix("sha256:")[:SHORT_DIGITS]
