"""--security-opt and --sysctl: what is asked for, checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wherry.base.errors import InvalidError, UnsupportedError
from wherry.base.values import dataclass
from wherry.engine.settings import ContainerDefaults

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


USUAL: Final = SecurityOptions()


def defaults(settings: ContainerDefaults) -> SecurityOptions:
    """Return what the engine's settings say for those who ask for nothing; reads the profile.

    Blocking. Raises InvalidError where it cannot be read, or is none.
    """
    return SecurityOptions(settings.no_new_privileges, _read_profile(settings.seccomp_profile))


def _read_profile(setting: str) -> Mapping[str, Any] | None:
    if setting in ("", "builtin", "unconfined"):
        return _profile(setting or "builtin")
    try:
        with open(setting, encoding="utf-8") as file:
            return _profile(file.read())
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidError(f"opening seccomp profile ({setting}) failed: {cause}") from error
    except InvalidError as error:
        raise InvalidError(f"seccomp profile {setting}: {error}") from error


def parse(options: Sequence[str] | None, usual: SecurityOptions = USUAL) -> SecurityOptions:
    """Parse security options, which take precedence over `usual`; raises InvalidError as Docker."""
    restrained, seccomp, unmasked = usual.no_new_privileges, usual.seccomp, usual.unmasked
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
