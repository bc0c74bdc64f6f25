"""Docker's default profile, resolved for sets of capabilities."""

from __future__ import annotations

from typing import Any

from wherry.runtime.security.default_profile import default_profile


def rules_of(profile: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [rule for rule in profile["syscalls"] if name in rule["names"]]


def test_usual_calls_are_allowed_and_dangerous_ones_are_not() -> None:
    profile = default_profile(())
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    for name in ("read", "openat", "execve", "epoll_pwait2", "futex"):
        assert rules_of(profile, name)[0]["action"] == "SCMP_ACT_ALLOW"
    for name in ("mount", "bpf", "init_module", "keyctl", "io_uring_setup", "kexec_load", "setns"):
        assert rules_of(profile, name) == []


def test_clone_may_not_make_namespaces() -> None:
    profile = default_profile(())
    (clone,) = rules_of(profile, "clone")
    assert clone["args"][0]["value"] == 0x7E020000
    (clone3,) = rules_of(profile, "clone3")
    assert (clone3["action"], clone3["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_capabilities_allow_more() -> None:
    profile = default_profile({"CAP_SYS_ADMIN", "CAP_SYS_TIME"})
    for name in ("mount", "setns", "clone", "clone3", "clock_settime"):
        assert [rule["action"] for rule in rules_of(profile, name)] == ["SCMP_ACT_ALLOW"]


def test_machines_have_calls_of_their_own() -> None:
    assert rules_of(default_profile((), "x86_64"), "arch_prctl")
    assert not rules_of(default_profile((), "aarch64"), "arch_prctl")
    assert default_profile((), "aarch64")["architectures"][0] == "SCMP_ARCH_AARCH64"


def test_every_call_is_named_once() -> None:
    names = default_profile(())["syscalls"][0]["names"]
    assert len(names) == len(set(names))
