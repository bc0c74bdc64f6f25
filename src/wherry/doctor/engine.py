"""The engine: whether it runs and answers, and what is left of one that does not."""

from __future__ import annotations

import grp
import json
import os
import pwd
import socket
import stat
from typing import Any, Final

import wherry
from wherry.doctor.finding import Finding, command, note, ok, problem, warning
from wherry.doctor.machine import Machine
from wherry.doctor.settings import DEFAULT_GROUP
from wherry.service.running import listens

_ANSWER_SECONDS: Final = 2.0
_REQUEST: Final = b"GET /version HTTP/1.0\r\nHost: wherry\r\n\r\n"
_UNREACHABLE: Final = "every client is told 'cannot connect'"


def check_running(machine: Machine) -> list[Finding]:
    """An engine runs; a pidfile without one is a sign that it did not end as it should."""
    engine = machine.engine()
    if engine is not None:
        return ok(f"process {engine.pid}, data root {machine.settings.data_root}")
    pidfile = machine.settings.pidfile
    if os.path.exists(pidfile):
        pid = machine.number_at(pidfile)
        if pid and not machine.is_root and _is_hidden(pid):
            raise PermissionError(f"process {pid}")
        text = f"{pidfile} names process {pid}, which is no engine"
        effect = "the engine was killed, or the machine lost power; containers may still run"
        return [problem(text, effect, command("rm", "-f", pidfile), *machine.start_engine())]
    if any(map(machine.is_activated, machine.settings.sockets)):
        return [note("no engine runs; it starts when the first client calls")]
    if not os.path.isdir(machine.settings.data_root):
        return [note("no engine runs, and none ever did here", "", *machine.start_engine())]
    return [warning("no engine runs", _UNREACHABLE, *machine.start_engine())]


def _is_hidden(pid: int) -> bool:
    """Tell whether there is such a process, which the caller is not shown."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return not os.path.exists(f"/proc/{pid}")
    return False


def check_answers(machine: Machine) -> list[Finding]:
    """The engine answers on each of its sockets; none is left from one that is gone."""
    findings = []
    for path in machine.settings.sockets:
        findings += _socket(machine, path)
    return findings or ok("every socket answers")


def _socket(machine: Machine, path: str) -> list[Finding]:
    engine = machine.engine()
    if engine is None and machine.is_activated(path):
        return []
    if not os.path.lexists(path):
        if engine is None:
            return []
        text = f"process {engine.pid} runs and {path} is not there"
        return [problem(text, _UNREACHABLE, *machine.restart_engine())]
    if not stat.S_ISSOCK(os.lstat(path).st_mode):
        return [
            problem(
                f"{path} is no socket",
                "the engine cannot start",
                command("mv", path, f"{path}.old"),
            )
        ]
    if not listens(path):
        text = f"{path} is left from an engine that is gone: nobody listens"
        return [problem(text, _UNREACHABLE, *machine.start_engine())]
    if ask(path) is None:
        text = f"{path} does not answer within {_ANSWER_SECONDS:.0f} seconds"
        # It may not heed a gentle signal either; containers go on all the same.
        commands = (
            f"kill -KILL $({command('cat', machine.settings.pidfile)})",
            *machine.start_engine(),
        )
        return [problem(text, "clients wait for ever", *commands)]
    return []


def ask(path: str) -> dict[str, Any] | None:
    """Return what GET /version answers, None for no answer in time; raises PermissionError."""
    data = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        try:
            connection.connect(path)
            connection.sendall(_REQUEST)
            while part := connection.recv(1 << 16):
                data += part
            found = json.loads(data.partition(b"\r\n\r\n")[2])
        except PermissionError:
            raise
        except (OSError, ValueError):
            return None
    return found if isinstance(found, dict) else None


def check_version(machine: Machine) -> list[Finding]:
    """The engine that runs is of the version that is installed."""
    for path in filter(os.path.exists, machine.settings.sockets):
        if machine.engine() is None and machine.is_activated(path):
            continue
        answer = ask(path)
        if answer is None:
            continue
        running = engine_version(answer)
        if running == wherry.__version__:
            return ok(running)
        if not running:
            product = answer.get("Platform") or {}
            text = f"{path} is another engine's: {product.get('Name') or answer.get('Version')}"
            return [warning(text, "wherry talks to that one")]
        text = f"the engine that runs is {running}, the one that is installed {wherry.__version__}"
        effect = "what an update mends is not mended yet; containers go on over a restart"
        return [warning(text, effect, *machine.restart_engine())]
    return ok("no engine answers that could be older")


def engine_version(answer: dict[str, Any]) -> str:
    """Return wherry's version in an answer of GET /version, empty for another engine (pure)."""
    for component in answer.get("Components") or []:
        if component.get("Name") == "wherry":
            return str(component.get("Version", ""))
    return ""


def check_keepers(machine: Machine) -> list[Finding]:
    """Keepers run while the engine does, and none is alone for long."""
    engine, keepers = machine.engine(), machine.keepers()
    pids = ", ".join(str(keeper.pid) for keeper in keepers)
    if engine is not None and not keepers:
        text = f"the engine runs (process {engine.pid}) and has no keeper"
        return [problem(text, "no container starts", *machine.restart_engine())]
    if engine is None and keepers:
        text = f"keepers run without an engine (processes {pids})"
        effect = "containers go on and their output is kept; nobody restarts those that end"
        return [warning(text, effect, *machine.start_engine())]
    if engine is not None:
        return ok(f"{len(keepers)} run")
    left = _left_in_exec_root(machine)
    if left:
        text = f"{left[0]} is left from a keeper that is gone"
        effect = "keepers were killed: containers that ran under them may still do so"
        return [note(text, effect, *machine.start_engine())]
    return ok("none, as there is no engine")


def _left_in_exec_root(machine: Machine) -> list[str]:
    root = machine.settings.exec_root
    if not os.path.isdir(root):
        return []
    names = sorted(n for n in os.listdir(root) if n.startswith("keeper-") and n.endswith(".sock"))
    return [f"{root}/{name}" for name in names]


def check_socket_access(machine: Machine) -> list[Finding]:
    """Root and one group may use the socket, nobody else; the caller is among them."""
    findings = []
    for path in machine.settings.sockets:
        try:
            told = os.stat(path)
        except FileNotFoundError:
            continue
        if stat.S_IMODE(told.st_mode) & 0o006:
            text = f"everybody may use {path} (mode {stat.S_IMODE(told.st_mode):o})"
            effect = "every user of this machine is root"
            findings.append(problem(text, effect, command("chmod", "o-rwx", path)))
        if told.st_uid != 0:
            text = f"{path} belongs to user {told.st_uid}, not to root"
            findings.append(problem(text, "that user is root", command("chown", "root", path)))
        if not machine.is_root and not os.access(path, os.R_OK | os.W_OK):
            findings.append(_not_in_group(machine, path, told.st_gid))
    return findings or ok("root and those who may")


def _not_in_group(machine: Machine, path: str, gid: int) -> Finding:
    user = pwd.getpwuid(machine.uid).pw_name
    text = f"{user} may not use {path}"
    effect = "clients are told 'permission denied'; members of its group can do all that root can"
    if gid == 0:
        group = DEFAULT_GROUP
        return warning(
            text, f"{effect}; that group is root's: give the engine another",
            f"groupadd --system --force {group}", command("usermod", "-aG", group, user),
            *machine.configure("group", group),
        )  # fmt: skip
    group = grp.getgrgid(gid).gr_name
    return warning(
        text, f"{effect}. It holds from the next login on", command("usermod", "-aG", group, user)
    )


def check_group(machine: Machine) -> list[Finding]:
    """The group that the engine is told to give its socket to is there."""
    name = machine.settings.group
    if not name or name.isdecimal():
        return ok("only root, or a group by its number" if name else "none is set")
    try:
        members = grp.getgrnam(name).gr_mem
    except KeyError:
        text = f"there is no group {name}"
        return [problem(text, "the engine does not start", command("groupadd", "--system", name))]
    return ok(f"{name}: {', '.join(members) or 'no members'}")


def check_exec_root(machine: Machine) -> list[Finding]:
    """Only root can write to the exec root, where the keepers' sockets are."""
    root = machine.settings.exec_root
    try:
        told = os.lstat(root)
    except FileNotFoundError:
        return ok(f"{root} is not there yet")
    if not stat.S_ISDIR(told.st_mode):
        return [
            problem(
                f"{root} is no directory",
                "the engine cannot start",
                command("mv", root, f"{root}.old"),
            )
        ]
    effect = "others can put sockets of their own in the place of the keepers'"
    if told.st_uid != 0:
        return [
            problem(
                f"{root} belongs to user {told.st_uid}", effect, command("chown", "root:root", root)
            )
        ]
    if stat.S_IMODE(told.st_mode) & 0o022:
        text = f"{root} can be written by others (mode {stat.S_IMODE(told.st_mode):o})"
        return [problem(text, effect, command("chmod", "go-w", root))]
    return ok(f"only root can write to {root}")
