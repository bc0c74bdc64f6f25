"""Compiles a seccomp profile to a BPF program, with libseccomp through ctypes.

`resolve` turns a profile as Docker takes it (archMap, conditions on capabilities and kernels) into
the plain `linux.seccomp` object of the runtime-spec; `compile_profile` compiles that. Compiling
takes some ten milliseconds: do it once for a profile.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Collection, Mapping
from typing import Any, Final

from wherry.base.errors import InvalidError, UnavailableError
from wherry.runtime.security.default_profile import ARCHITECTURES

ACTIONS: Final = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_WITH_NUMBER: Final = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
COMPARISONS: Final = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
KNOWN_ARCHITECTURES: Final = tuple(
    f"SCMP_ARCH_{word}"
    for word in (
        "X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64"
        " MIPSEL64N32 PARISC PARISC64 PPC PPC64 PPC64LE RISCV64 S390 S390X SH SHEB"
    ).split()
)
_ATTRIBUTE_NNP: Final = 3
_ATTRIBUTE_OPTIMIZE: Final = 8
_ARCHITECTURE_WORDS: Final = {"x86_64": "amd64", "aarch64": "arm64"}


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class SeccompError(InvalidError):
    """The profile asks for what libseccomp does not know or cannot do."""


@functools.cache
def _library() -> Any:
    try:
        library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError as error:
        raise UnavailableError(
            "libseccomp.so.2 is missing, so no container can get a seccomp filter: install"
            " libseccomp2, or run with --security-opt seccomp=unconfined"
        ) from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = (ctypes.c_uint32,)
    library.seccomp_rule_add_array.argtypes = (
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison),
    )  # fmt: skip
    for name in ("seccomp_arch_add", "seccomp_arch_remove"):
        getattr(library, name).argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    library.seccomp_attr_set.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32)
    library.seccomp_export_bpf.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.seccomp_release.argtypes = (ctypes.c_void_p,)
    return library


def is_available() -> bool:
    """Tell whether profiles can be compiled here."""
    try:
        _library()
    except UnavailableError:
        return False
    return True


def compile_profile(profile: Mapping[str, Any]) -> bytes:
    """Return the program for a `linux.seccomp` object: an array of struct sock_filter."""
    library = _library()
    default = _action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    if not context:
        raise SeccompError(f"seccomp: libseccomp refuses {profile['defaultAction']!r} as default")
    try:
        # The runtime decides about no_new_privs; and a tree makes 400 rules cheap at each call.
        library.seccomp_attr_set(context, _ATTRIBUTE_NNP, 0)
        library.seccomp_attr_set(context, _ATTRIBUTE_OPTIMIZE, 2)
        for name in profile.get("architectures") or []:
            _add_architecture(library, context, name)
        for rule in profile.get("syscalls") or []:
            _add_rule(library, context, rule, default)
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def _action(name: str, number: int | None) -> int:
    try:
        action = ACTIONS[name]
    except KeyError:
        raise SeccompError(f"seccomp: unknown action {name!r}") from None
    if name in _WITH_NUMBER:
        action |= (errno.EPERM if number is None else number) & 0xFFFF
    return action


def _add_architecture(library: Any, context: int, name: str) -> None:
    token = library.seccomp_arch_resolve_name(name.removeprefix("SCMP_ARCH_").lower().encode())
    if not token:
        raise SeccompError(f"seccomp: unknown architecture {name!r}")
    result = library.seccomp_arch_add(context, token)
    if result not in (0, -errno.EEXIST):
        raise SeccompError(f"seccomp: adding {name}: {os.strerror(-result)}")


def _add_rule(library: Any, context: int, rule: Mapping[str, Any], default: int) -> None:
    action = _action(rule["action"], rule.get("errnoRet"))
    if action == default:
        return
    for name in rule.get("names") or []:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            continue  # a call of a newer kernel than this libseccomp: the default stays
        for comparisons in _alternatives(rule.get("args") or []):
            array = (_Comparison * len(comparisons))(*comparisons)
            result = library.seccomp_rule_add_array(context, action, number, len(array), array)
            if result not in (0, -errno.EEXIST):
                raise SeccompError(f"seccomp: a rule for {name}: {os.strerror(-result)}")


def _alternatives(arguments: list[Mapping[str, Any]]) -> list[list[_Comparison]]:
    """Conditions on different arguments must all hold; several on one are alternatives (runc)."""
    compared = [_comparison(argument) for argument in arguments]
    indexes = [one.argument for one in compared]
    if len(set(indexes)) < len(indexes):
        return [[one] for one in compared]
    return [compared]


def _comparison(argument: Mapping[str, Any]) -> _Comparison:
    try:
        operator = COMPARISONS[argument["op"]]
    except KeyError:
        raise SeccompError(f"seccomp: unknown comparison {argument.get('op')!r}") from None
    first, second = argument.get("value", 0), argument.get("valueTwo", 0)
    return _Comparison(argument["index"], operator, first, second)


def _export(library: Any, context: int) -> bytes:
    descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        result = library.seccomp_export_bpf(context, descriptor)
        if result < 0:
            raise SeccompError(f"seccomp: exporting the filter: {os.strerror(-result)}")
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, size, 0)
    finally:
        os.close(descriptor)


def resolve(
    profile: Mapping[str, Any],
    capabilities: Collection[str],
    machine: str = os.uname().machine,
    kernel: str = os.uname().release,
) -> dict[str, Any]:
    """Resolve the conditions of a profile in Docker's form for this machine and container."""
    architectures = list(profile.get("architectures") or [])
    for entry in profile.get("archMap") or []:
        native = ARCHITECTURES.get(machine, ("",))[0]
        if entry["architecture"] == native:
            architectures = [native, *(entry.get("subArchitectures") or [])]
    word = _ARCHITECTURE_WORDS.get(machine, machine)
    rules = []
    for rule in profile.get("syscalls") or []:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if not _matches_all(includes, capabilities, word, kernel):
            continue
        if set(excludes.get("caps") or []) & set(capabilities):
            continue
        if word in (excludes.get("arches") or []):
            continue
        names = rule.get("names") or [rule["name"]]
        rules.append({**rule, "names": names})
    return {
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile.get("defaultErrnoRet"),
        "architectures": architectures,
        "syscalls": rules,
    }


def _matches_all(
    includes: Mapping[str, Any], capabilities: Collection[str], word: str, kernel: str
) -> bool:
    if not set(includes.get("caps") or []) <= set(capabilities):
        return False
    if includes.get("arches") and word not in includes["arches"]:
        return False
    least = includes.get("minKernel")
    return not least or _version(kernel) >= _version(least)


def _version(text: str) -> tuple[int, int]:
    numbers = [part for part in text.replace("-", ".").split(".") if part.isdigit()]
    return int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0
