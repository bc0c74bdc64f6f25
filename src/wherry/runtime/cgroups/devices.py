"""Device rules on cgroup v2: a small BPF program, generated here, attached to the cgroup.

The program gets (access type, major, minor) and returns 1 to allow. Rules are evaluated from last
to first and the first that matches decides, so that later rules override earlier ones, as writes to
devices.allow and devices.deny did on v1 (kernel: struct bpf_cgroup_dev_ctx in linux/bpf.h).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wherry.linux import libc

_LOAD_WORD: Final = 0x61
_MOVE: Final = 0xBF
_SET: Final = 0xB7
_AND: Final = 0x57
_SHIFT_RIGHT: Final = 0x77
_JUMP_NOT_EQUAL: Final = 0x55
_JUMP_NOT_EQUAL_REGISTER: Final = 0x5D
_EXIT: Final = 0x95

_PROG_LOAD: Final = 5
_PROG_ATTACH: Final = 8
_TYPE_CGROUP_DEVICE: Final = 15
_ATTACH_CGROUP_DEVICE: Final = 6
_ALLOW_MULTI: Final = 2
_TYPES: Final = {"b": 1, "c": 2}
_ACCESS: Final = {"m": 1, "r": 2, "w": 4}
_ALL_ACCESS: Final = 7


def _instruction(
    code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0
) -> bytes:
    return struct.pack("<BBhi", code, target | source << 4, offset, value)


def program(rules: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the program for OCI device rules, an array of struct bpf_insn."""
    head = b"".join(
        (
            _instruction(_LOAD_WORD, 2, 1, 0),  # r2 = access << 16 | type
            _instruction(_MOVE, 3, 2),
            _instruction(_AND, 2, value=0xFFFF),  # r2 = type
            _instruction(_SHIFT_RIGHT, 3, value=16),  # r3 = access
            _instruction(_LOAD_WORD, 4, 1, 4),  # r4 = major
            _instruction(_LOAD_WORD, 5, 1, 8),  # r5 = minor
        )
    )
    body = b""
    for rule in reversed(rules):
        tests = _tests(rule)
        verdict = _verdict(allow=rule["allow"])
        body += _with_jumps(tests, len(verdict) // 8) + verdict
        if not tests:
            # It decides everything: what came before is unreachable, which the verifier refuses.
            return head + body
    return head + body + _verdict(allow=False)


def _tests(rule: Mapping[str, Any]) -> list[bytes]:
    """Return the instructions that jump on when the rule does not match; offsets are set later."""
    checks: list[tuple[int, int]] = []
    if (kind := rule.get("type") or "a") != "a":
        checks.append((2, _TYPES[kind]))
    for register, key in ((4, "major"), (5, "minor")):
        number = rule.get(key)
        if number is not None and number >= 0:
            checks.append((register, number))
    access = sum(_ACCESS[letter] for letter in set(rule.get("access") or "rwm"))
    tests: list[bytes] = []
    if access != _ALL_ACCESS:
        # Matches when the access asked for is within what the rule speaks of.
        tests += [
            _instruction(_MOVE, 1, 3),
            _instruction(_AND, 1, value=access),
            _instruction(_JUMP_NOT_EQUAL_REGISTER, 1, 3),
        ]
    tests += [_instruction(_JUMP_NOT_EQUAL, register, value=value) for register, value in checks]
    return tests


def _with_jumps(tests: list[bytes], verdict_length: int) -> bytes:
    """Point every jump behind the rule's verdict, at the next rule."""
    jumps = (_JUMP_NOT_EQUAL, _JUMP_NOT_EQUAL_REGISTER)
    aimed = []
    for index, instruction in enumerate(tests):
        code, registers, _, value = struct.unpack("<BBhi", instruction)
        offset = len(tests) - index - 1 + verdict_length if code in jumps else 0
        aimed.append(struct.pack("<BBhi", code, registers, offset, value))
    return b"".join(aimed)


def _verdict(*, allow: bool) -> bytes:
    return _instruction(_SET, 0, value=int(allow)) + _instruction(_EXIT)


def attach(directory: str, rules: Sequence[Mapping[str, Any]]) -> None:
    """Load the program for the rules and attach it to the cgroup at `directory`.

    The cgroup holds the program, which goes when the cgroup is removed.
    """
    code = program(rules)
    instructions = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    load = struct.pack(
        "IIQQ", _TYPE_CGROUP_DEVICE, len(code) // 8,
        ctypes.addressof(instructions), ctypes.addressof(licence),
    ).ljust(128, b"\0")  # fmt: skip
    loaded = libc.syscall("bpf", libc.BPF, _PROG_LOAD, load, len(load))
    try:
        cgroup = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            wish = struct.pack("IIII", cgroup, loaded, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI)
            libc.syscall("bpf", libc.BPF, _PROG_ATTACH, wish.ljust(128, b"\0"), 128)
        finally:
            os.close(cgroup)
    finally:
        os.close(loaded)
