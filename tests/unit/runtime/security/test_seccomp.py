"""Profiles are resolved and compiled; the kernel says what a filter does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from wherry.runtime.security.default_profile import default_profile
from wherry.runtime.security.seccomp import SeccompError, compile_profile, is_available, resolve

needs_library = pytest.mark.skipif(not is_available(), reason="libseccomp is not installed")
TRY = """
import json, os, socket, sys
from wherry.linux import credentials, prctl
prctl.set_no_new_privileges()
credentials.load_filter(bytes.fromhex(sys.argv[1]))
def attempt(call):
    try:
        call()
    except OSError as error:
        return error.errno
    return 0
print(json.dumps([
    attempt(lambda: os.mkdir("/proc/nothing")),
    attempt(lambda: socket.socket(socket.AF_INET).close()),
    attempt(lambda: socket.socket(socket.AF_UNIX).close()),
    attempt(lambda: os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))),
]))
"""


def tried(profile: dict[str, Any]) -> list[int]:
    """Return the errno of mkdir, of INET and UNIX sockets and of sched_setscheduler under it."""
    command = [sys.executable, "-c", TRY, compile_profile(profile).hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found: list[int] = json.loads(done.stdout)
    return found


def rule(name: str, action: str = "SCMP_ACT_ERRNO", **more: Any) -> dict[str, Any]:
    return {"names": [name], "action": action, **more}


def argument(value: int, operator: str = "SCMP_CMP_EQ", index: int = 0) -> dict[str, Any]:
    return {"index": index, "value": value, "op": operator}


@needs_library
def test_calls_are_refused_with_their_errno() -> None:
    rules = [rule("mkdir", errnoRet=77), rule("mkdirat", errnoRet=77), rule("sched_setscheduler")]
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}
    assert tried(profile) == [77, 0, 0, 1]


@needs_library
def test_arguments_decide() -> None:
    rules = [rule("socket", args=[argument(2)], errnoRet=55)]
    assert tried({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})[1:3] == [55, 0]


@needs_library
def test_several_conditions_on_one_argument_are_alternatives() -> None:
    rules = [rule("socket", args=[argument(1), argument(2)], errnoRet=55)]
    assert tried({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})[1:3] == [55, 55]


@needs_library
def test_the_default_profile_compiles_and_lets_programs_run() -> None:
    assert tried(default_profile({"CAP_SYS_NICE"}))[1:] == [0, 0, 0]


@needs_library
@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"defaultAction": "SCMP_ACT_NOTHING"}, "unknown action 'SCMP_ACT_NOTHING'"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}, "SCMP_ARCH_Z80"),
        (
            {"defaultAction": "SCMP_ACT_ALLOW",
             "syscalls": [rule("mkdir", args=[argument(1, "SCMP_CMP_LIKE")])]},
            "unknown comparison 'SCMP_CMP_LIKE'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_compiled(profile: dict[str, Any], message: str) -> None:
    with pytest.raises(SeccompError, match=message):
        compile_profile(profile)


@needs_library
def test_calls_of_other_kernels_are_left_out() -> None:
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule("call_of_the_future")]}
    assert compile_profile(profile)


def resolved(entry: dict[str, Any], *capabilities: str, kernel: str = "6.1.0-2") -> bool:
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [rule("bpf") | entry]}
    return bool(resolve(profile, capabilities, "x86_64", kernel)["syscalls"])


def test_conditions_are_resolved() -> None:
    assert resolved({})
    assert not resolved({"includes": {"caps": ["CAP_BPF"]}})
    assert resolved({"includes": {"caps": ["CAP_BPF"]}}, "CAP_BPF")
    assert not resolved({"excludes": {"caps": ["CAP_BPF"]}}, "CAP_BPF")
    assert resolved({"includes": {"arches": ["amd64"]}})
    assert not resolved({"includes": {"arches": ["s390x"]}})
    assert not resolved({"excludes": {"arches": ["amd64"]}})
    assert resolved({"includes": {"minKernel": "4.8"}})
    assert not resolved({"includes": {"minKernel": "6.2"}})


def test_architectures_come_from_the_map() -> None:
    entry = {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "archMap": [entry]}
    assert resolve(profile, (), "x86_64")["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert resolve(profile, (), "aarch64")["architectures"] == []


def test_a_rule_with_one_name() -> None:
    profile = {"defaultAction": "SCMP_ACT_ERRNO",
               "syscalls": [{"name": "bpf", "action": "SCMP_ACT_ALLOW"}]}  # fmt: skip
    assert resolve(profile, ())["syscalls"][0]["names"] == ["bpf"]
