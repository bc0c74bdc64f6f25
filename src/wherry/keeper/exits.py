"""Exit records on disk, so that an exit code outlives the keeper that saw it.

    <exec-root>/exits/<id>      {"wait_status": 256, "at_ns": 1700000000000000000}

Written by the keeper before it tells the engine, removed when the engine has acknowledged. A reboot
clears the directory, and with it every process that it could speak of. A record appears whole or
not at all (rename).
"""

from __future__ import annotations

import contextlib
import json
import os

from wherry.keeper.protocol import Exited

_PARTIAL = ".partial"


def directory_of(exec_root: str) -> str:
    """Return the directory of exit records."""
    return f"{exec_root}/exits"


def write(exec_root: str, exited: Exited) -> None:
    """Store a record. Raises OSError."""
    path = _path(exec_root, exited.id)
    content = {"wait_status": exited.wait_status, "at_ns": exited.at_ns}
    descriptor = os.open(
        path + _PARTIAL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
    )
    try:
        os.write(descriptor, json.dumps(content).encode())
    finally:
        os.close(descriptor)
    os.rename(path + _PARTIAL, path)


def remove(exec_root: str, identifier: str) -> None:
    """Remove a record, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(exec_root, identifier))


def read_all(exec_root: str) -> dict[str, Exited]:
    """Return all records by id."""
    found = {}
    for name in os.listdir(directory_of(exec_root)):
        if not name.endswith(_PARTIAL):
            with open(_path(exec_root, name), "rb") as file:
                content = json.load(file)
            found[name] = Exited(name, content["wait_status"], content["at_ns"])
    return found


def _path(exec_root: str, identifier: str) -> str:
    return f"{directory_of(exec_root)}/{identifier}"
