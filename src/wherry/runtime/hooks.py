"""Hooks of the runtime-spec: programs that are run at points of a container's life.

    prestart, createRuntime   outside, once the root is mounted and before it is entered
    createContainer           in the container's namespaces, at that point too
    startContainer            in the container, with its program's rights, right before its exec
    poststart, poststop       outside, once the program runs, and after the container was deleted

A hook reads the container's state from its standard input. Nothing here imports while it runs: in
a container there is nothing to import from.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from wherry.runtime.report import StepError
from wherry.runtime.version import SPECIFICATION

KINDS: Final = (
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
)  # fmt: skip
_MOST_OUTPUT: Final = 4096
_READ_BYTES: Final = 65536


def state(
    config: Mapping[str, Any], identifier: str, status: str, pid: int, bundle: str
) -> dict[str, Any]:
    """Return a container's state as the runtime-spec has it (runtime.md, "State")."""
    return {
        "ociVersion": config.get("ociVersion") or SPECIFICATION,
        "id": identifier,
        "status": status,
        "pid": pid,
        "bundle": bundle,
        "annotations": config.get("annotations") or {},
    }


def run_all(kind: str, hooks: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> None:
    """Run hooks one after the other; raises StepError for the first that fails."""
    for index, hook in enumerate(hooks):
        _run(f"running {kind} hook #{index} {hook['path']}", hook, json.dumps(told).encode())


def _run(step: str, hook: Mapping[str, Any], told: bytes) -> None:
    # A file, not a pipe: a hook that does not read it neither blocks nor kills who writes.
    asked = os.memfd_create("state", os.MFD_CLOEXEC)
    os.write(asked, told)
    os.lseek(asked, 0, os.SEEK_SET)
    output, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(hook, asked, theirs)
    os.close(asked)
    os.close(theirs)
    try:
        status, text = _await(pid, output, hook.get("timeout"))
    finally:
        os.close(output)
    if status is None:
        raise StepError(step, 0, f"{step}: it took longer than {hook['timeout']} s")
    if status != 0:
        said = text.decode(errors="replace").strip()
        code = os.waitstatus_to_exitcode(status)
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        raise StepError(step, 0, f"{step}: {how}" + (f", stderr: {said}" if said else ""))


def _become(hook: Mapping[str, Any], asked: int, output: int) -> NoReturn:
    """Exec the hook."""
    try:
        for number, descriptor in enumerate((asked, output, output)):
            os.dup2(descriptor, number, inheritable=True)
        os.umask(0o022)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec keeps that
        pairs = (entry.partition("=") for entry in hook.get("env") or [])
        environment = {name: value for name, _, value in pairs}
        os.execve(hook["path"], hook.get("args") or [hook["path"]], environment)
    except OSError as error:
        os.write(output, f"{error}".encode())
    finally:
        os._exit(127)


def _await(pid: int, output: int, timeout: float | None) -> tuple[int | None, bytes]:
    """Return the wait status and what was said; None when it had to be killed."""
    pidfd = os.pidfd_open(pid)
    deadline = time.monotonic() + timeout if timeout else None
    waiting = select.poll()
    waiting.register(pidfd, select.POLLIN)
    waiting.register(output, select.POLLIN)
    said = b""
    try:
        while True:
            left = None if deadline is None else max(0, deadline - time.monotonic()) * 1000
            ready = [descriptor for descriptor, _ in waiting.poll(left)]
            if output in ready:
                data = os.read(output, _READ_BYTES)
                said = (said + data)[-_MOST_OUTPUT:]
                if not data:
                    waiting.unregister(output)
            elif pidfd in ready:
                # What a hook left running in the background may hold its output open for good.
                return os.waitpid(pid, 0)[1], said
            if not ready:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None, said
    finally:
        os.close(pidfd)
