"""The device program, run by an interpreter of the few instructions that it uses."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.runtime.cgroups.devices import program

TYPES = {"b": 1, "c": 2}
ACCESS = {"m": 1, "r": 2, "w": 4}


def allowed(code: bytes, kind: str, access: str, major: int, minor: int) -> bool:
    """Run the program for an access and return its verdict."""
    bits = sum(ACCESS[letter] for letter in access)
    context = struct.pack("=III", bits << 16 | TYPES[kind], major, minor)
    registers = [0] * 11
    at = 0
    for _ in range(len(code)):
        operation, both, offset, value = struct.unpack_from("<BBhi", code, at * 8)
        target, source = both & 15, both >> 4
        at += 1
        match operation:
            case 0x61:
                registers[target] = struct.unpack_from("=I", context, offset)[0]
            case 0xBF:
                registers[target] = registers[source]
            case 0xB7:
                registers[target] = value
            case 0x57:
                registers[target] &= value
            case 0x77:
                registers[target] >>= value
            case 0x55:
                at += offset if registers[target] != value else 0
            case 0x5D:
                at += offset if registers[target] != registers[source] else 0
            case 0x95:
                return bool(registers[0])
            case _:
                raise AssertionError(f"an instruction that is not used: {operation:#x}")
    raise AssertionError("the program does not end")


def expected(rules: Sequence[dict[str, Any]], kind: str, access: str, *number: int) -> bool:
    for rule in reversed(rules):
        if rule.get("type", "a") not in ("a", kind):
            continue
        wanted = (rule.get("major"), rule.get("minor"))
        if any(w is not None and w >= 0 and w != n for w, n in zip(wanted, number, strict=True)):
            continue
        if set(access) <= set(rule.get("access") or "rwm"):
            return bool(rule["allow"])
    return False


DENY_ALL = {"allow": False, "access": "rwm"}
NULL = {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}


def test_the_usual_rules() -> None:
    make_any = {"allow": True, "type": "c", "access": "m"}
    terminals = {"allow": True, "type": "c", "major": 136, "minor": -1, "access": "rw"}
    code = program([DENY_ALL, make_any, NULL, terminals])
    assert allowed(code, "c", "rw", 1, 3)
    assert allowed(code, "c", "m", 7, 7)
    assert allowed(code, "c", "w", 136, 12)
    assert not allowed(code, "c", "rwm", 136, 12)
    assert not allowed(code, "b", "m", 7, 7)
    assert not allowed(code, "b", "r", 1, 3)


def test_no_rules_allow_nothing() -> None:
    assert not allowed(program([]), "c", "r", 1, 3)


def test_nothing_follows_a_rule_that_decides_everything() -> None:
    # The kernel's verifier refuses instructions that cannot be reached.
    assert program([NULL, DENY_ALL]) == program([DENY_ALL])


RULES = st.fixed_dictionaries(
    {"allow": st.booleans()},
    optional={
        "type": st.sampled_from(["a", "b", "c"]),
        "major": st.integers(-1, 2),
        "minor": st.integers(-1, 2),
        "access": st.sampled_from(["r", "w", "m", "rw", "rwm", ""]),
    },
)


ASKED = st.tuples(
    st.sampled_from("bc"),
    st.sampled_from(["r", "w", "m", "rw", "rwm"]),
    st.integers(0, 2),
    st.integers(0, 2),
)


@given(st.lists(RULES, max_size=5), ASKED)
def test_later_rules_win(rules: list[dict[str, Any]], asked: tuple[str, str, int, int]) -> None:
    assert allowed(program(rules), *asked) == expected(rules, *asked)


@pytest.mark.parametrize("count", [1, 50])
def test_its_length_is_of_whole_instructions(count: int) -> None:
    assert len(program([NULL] * count)) % 8 == 0
