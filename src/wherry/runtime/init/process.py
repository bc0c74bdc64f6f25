"""The last stage: limits, identity, capabilities, filter, exec. The order is what makes it safe.

With no_new_privs the filter is loaded last of all. Without it, loading one needs CAP_SYS_ADMIN, so
it is loaded before capabilities go, and lets the few calls that follow pass (runc,
init_linux.go). Nothing but 0, 1 and 2 crosses the exec.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import gc
import os
import resource
import signal
import socket
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from wherry.linux import credentials, libc, prctl
from wherry.runtime import report
from wherry.runtime.report import StepError
from wherry.runtime.security import capabilities

_CLOSE_RANGE_CLOEXEC: Final = 4
_HIGHEST_DESCRIPTOR: Final = 0xFFFFFFFF
_DESCRIPTORS: Final = "RLIMIT_NOFILE"
_DEFAULT_UMASK: Final = 0o022
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@contextlib.contextmanager
def step(name: str, exit_code: int = 128) -> Iterator[None]:
    """Name the step, so that a failure inside says where it happened."""
    try:
        yield
    except OSError as error:
        text = error.strerror or str(error)
        if error.filename is not None:
            text = f"{text}: {os.fsdecode(error.filename)}"
        raise StepError(name, error.errno or 0, f"{name}: {text}", exit_code) from error


def begin() -> None:
    """Cut what the fork brought along from the launcher: signals, session, umask, collector."""
    gc.disable()  # a collection would copy every page and could close descriptors by number
    reset_signals()
    os.setsid()
    os.umask(0)


def reset_signals() -> None:
    """Give back the default for every signal: what Python ignores, the program must not inherit."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            if signal.getsignal(number) is not signal.SIG_DFL:
                signal.signal(number, signal.SIG_DFL)


def set_limits(process: Mapping[str, Any]) -> None:
    """Set the OOM score and all rlimits but that of descriptors, of which much here needs some."""
    _set_limits(process, descriptors=False)
    if (score := process.get("oomScoreAdj")) is not None:
        with step("setting the OOM score"), open("/proc/self/oom_score_adj", "r+b", 0) as file:
            if int(file.read()) != score:
                file.write(str(score).encode())


def _set_limits(process: Mapping[str, Any], *, descriptors: bool) -> None:
    """Set the rlimit of descriptors, or all the others."""
    for limit in process.get("rlimits") or []:
        if (limit["type"] == _DESCRIPTORS) == descriptors:
            with step(f"setting rlimit {limit['type']}"):
                _set_limit(getattr(resource, limit["type"]), limit["soft"], limit["hard"])


def _set_limit(number: int, soft: int, hard: int) -> None:
    try:
        resource.setrlimit(number, (_rlimit(soft), _rlimit(hard)))
    except ValueError as error:  # what Python makes of EPERM and EINVAL
        raise OSError(errno.EPERM, str(error)) from error


def _rlimit(value: int) -> int:
    return resource.RLIM_INFINITY if value >= 1 << 63 or value < 0 else value


def take_stdio(stdio: Sequence[int], owner: int) -> None:
    """Make three descriptors 0, 1 and 2, and give them to the user that will use them.

    A program that is not root can then open /dev/stdout anew.
    """
    # Copies above 2 first: one of the three may be the number that another is about to become.
    copies = [_above_stdio(descriptor) for descriptor in stdio]
    for number, copy in enumerate(copies):
        os.dup2(copy, number, inheritable=True)
        os.close(copy)
    if owner:
        for number in range(3):
            told = os.fstat(number)
            if stat.S_ISFIFO(told.st_mode) or stat.S_ISCHR(told.st_mode):
                _give(number, owner, told)


def _above_stdio(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _give(number: int, owner: int, told: os.stat_result) -> None:
    null = os.stat("/dev/null").st_rdev
    if stat.S_ISCHR(told.st_mode) and told.st_rdev == null:
        return  # shared by everyone
    with contextlib.suppress(PermissionError):
        os.fchown(number, owner, -1)


def execute(
    process: Mapping[str, Any],
    seccomp: bytes | None,
    channel: socket.socket,
    *,
    preserved: int = 0,
    last: Callable[[], None] | None = None,
) -> None:
    """Become the program: returns only by raising StepError.

    Descriptors from 3 on, `preserved` of them, go along. `last` is called with the program's own
    rights, before the filter of a program without new privileges is loaded.
    """
    user = process.get("user") or {}
    uid, gid = user.get("uid", 0), user.get("gid", 0)
    sets = {
        kind: capabilities.numbers(names)
        for kind, names in (process.get("capabilities") or {}).items()
    }
    restrained = bool(process.get("noNewPrivileges"))
    with step("dropping capabilities"):
        highest = credentials.last_capability() if "capabilities" in process else 0
    # Here for the last time there is the right to raise it. What is below opens nothing, but for
    # hooks and for a user namespace that may set no groups.
    _set_limits(process, descriptors=True)
    if restrained:
        prctl.set_no_new_privileges()
    elif seccomp is not None:
        with step("loading the seccomp filter"):
            credentials.load_filter(seccomp)
    directory = process.get("cwd") or "/"
    entered = _enter(directory)
    with step("dropping capabilities"):
        if "capabilities" in process:
            credentials.keep_bounding(sets.get("bounding", ()), highest)
        prctl.prctl(prctl.PR_SET_KEEPCAPS, 1)
    _become(uid, gid, user.get("additionalGids") or [])
    with step("setting capabilities"):
        if "capabilities" in process:
            kinds = ("effective", "permitted", "inheritable")
            credentials.set_capabilities(*(sets.get(kind, ()) for kind in kinds))
            credentials.set_ambient(sets.get("ambient", ()))
        prctl.prctl(prctl.PR_SET_KEEPCAPS, 0)
    if not entered:
        with step(f'changing to the working directory "{directory}"', 126):
            os.chdir(directory)
    os.umask(user.get("umask", _DEFAULT_UMASK))
    environment = process.get("env") or []
    program = find_program(process["args"][0], environment)
    if last is not None:
        last()
    if restrained and seccomp is not None:
        with step("loading the seccomp filter"):
            credentials.load_filter(seccomp)
    report.send_executing(channel)
    close_on_exec(3 + preserved)
    _exec(program, process["args"], environment)


def enter_and_find(process: Mapping[str, Any]) -> None:
    """Look for the working directory and the program while root; raises StepError without them."""
    _enter(process.get("cwd") or "/")
    find_program(process["args"][0], process.get("env") or [])


def _enter(directory: str) -> bool:
    """Change directory while privileged; one that root may not enter is tried as the user later."""
    try:
        os.chdir(directory)
    except PermissionError:
        return False
    except OSError as error:
        text = (error.strerror or "").lower()
        message = f'chdir to cwd ("{directory}") set in config.json failed: {text}'
        raise StepError("working directory", error.errno or 0, message, 127) from error
    return True


def _become(uid: int, gid: int, groups: Sequence[int]) -> None:
    with step("setting the user"):
        try:
            os.setgroups(groups)
        except PermissionError:
            if groups or not _groups_are_denied():
                raise
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)


def _groups_are_denied() -> bool:
    """Tell whether this user namespace can set none: one made without privileges (Linux 3.19)."""
    with open("/proc/self/setgroups", "rb") as file:
        return file.read().strip() == b"deny"


def find_program(name: str, environment: Sequence[str]) -> str:
    """Find what to execute, as the user who will; raises StepError in the words clients match."""
    if "/" in name:
        _check(name, name)
        return name
    path = _DEFAULT_PATH
    for entry in environment:
        if entry.startswith("PATH="):
            path = entry.removeprefix("PATH=")
    for folder in path.split(":"):
        candidate = f"{folder or '.'}/{name}"
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):
            return candidate
    raise StepError(
        "exec", errno.ENOENT, f'exec: "{name}": executable file not found in $PATH', 127
    )


def _check(path: str, name: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        text = (error.strerror or "").lower()
        code = 126 if error.errno == errno.EACCES else 127
        message = f'exec: "{name}": stat {path}: {text}'
        raise StepError("exec", error.errno or 0, message, code) from error
    if stat.S_ISDIR(mode):
        raise StepError(
            "exec", errno.EISDIR, f'exec: "{name}": is a directory: permission denied', 126
        )
    if not os.access(path, os.X_OK):
        raise StepError("exec", errno.EACCES, f'exec: "{name}": permission denied', 126)


def close_others(*kept: int) -> None:
    """Close every descriptor above 2 but these; one of another container must not live on here."""
    first = 3
    for descriptor in sorted(kept):
        if descriptor > first:
            os.closerange(first, descriptor)
        first = max(first, descriptor + 1)
    _close_from(first)


def _close_from(first: int) -> None:
    try:
        libc.syscall("close_range", libc.CLOSE_RANGE, first, _HIGHEST_DESCRIPTOR, 0)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        os.closerange(first, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def close_on_exec(first: int = 3) -> None:
    """Mark every descriptor from `first` on to close on exec, whoever opened it."""
    try:
        libc.syscall(
            "close_range", libc.CLOSE_RANGE, first, _HIGHEST_DESCRIPTOR, _CLOSE_RANGE_CLOEXEC
        )
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL):
            raise
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if int(name) >= first:
                    os.set_inheritable(int(name), False)


def _exec(program: str, arguments: Sequence[str], environment: Sequence[str]) -> None:
    pairs = {}
    for entry in environment:
        name, separator, value = entry.partition("=")
        if separator:
            pairs[name] = value
    try:
        os.execve(program, list(arguments), pairs)
    except OSError as error:
        text = (error.strerror or "").lower()
        code = 127 if error.errno == errno.ENOENT else 126
        message = f"exec {program}: {text}"
        raise StepError("exec", error.errno or 0, message, code) from error
