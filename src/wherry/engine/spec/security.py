"""--security-opt and --sysctl: what is asked for, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wherry.base.errors import InvalidError, UnsupportedError
from wherry.base.values import dataclass

_IPC_SYSCTLS: Final = frozenset(
    {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall",
        "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    }
)  # fmt: skip
_WITHOUT_EFFECT: Final = ("label", "apparmor")


@dataclass(frozen=True, slots=True)
class SecurityOptions:
    """What the options say: `seccomp` None for the default profile, {} for none at all."""

    no_new_privileges: bool = False
    seccomp: Mapping[str, Any] | None = None
    unmasked: bool = False


def parse(options: Sequence[str] | None) -> SecurityOptions:
    """Parse security options; raises InvalidError in Docker's words."""
    restrained = unmasked = False
    seccomp: Mapping[str, Any] | None = None
    for option in options or ():
        key, separator, value = option.partition("=" if "=" in option else ":")
        if key == "no-new-privileges":
            if value not in ("", "true", "false"):
                raise InvalidError(f'invalid --security-opt 2: "{option}"')
            restrained = value != "false"
        elif key == "systempaths" and value == "unconfined":
            unmasked = True
        elif key == "seccomp" and separator:
            seccomp = _profile(value)
        elif key not in _WITHOUT_EFFECT or not separator:
            raise InvalidError(f'invalid --security-opt 2: "{option}"')
    return SecurityOptions(restrained, seccomp, unmasked)


def _profile(value: str) -> Mapping[str, Any] | None:
    if value == "unconfined":
        return {}
    if value == "builtin":
        return None
    try:
        profile = json.loads(value)
    except ValueError as error:
        raise InvalidError(f"Decoding seccomp profile failed: {error}") from None
    if not isinstance(profile, dict) or "defaultAction" not in profile:
        raise InvalidError("Decoding seccomp profile failed: it has no defaultAction")
    return profile


def check_sysctls(
    sysctls: Mapping[str, str] | None, *, host_network: bool, host_ipc: bool
) -> dict[str, str]:
    """Return the sysctls when all are confined to the container's namespaces."""
    for name in sysctls or {}:
        if name in _IPC_SYSCTLS or name.startswith("fs.mqueue."):
            if host_ipc:
                raise InvalidError(
                    f"sysctl {name!r} is not allowed as the IPC namespace is the host's"
                )
        elif name.startswith("net."):
            if host_network:
                raise InvalidError(
                    f"sysctl {name!r} is not allowed as the network namespace is the host's"
                )
        else:
            raise InvalidError(f"sysctl '{name}' is not whitelisted")
    return dict(sysctls or {})


def check_user_namespace(mode: str) -> None:
    """Only the host's user namespace is there."""
    if mode not in ("", "host"):
        raise UnsupportedError(f'--userns "{mode}" is not supported: leave it out, or use "host"')
