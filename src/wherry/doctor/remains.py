"""What engines of wherry's own left in the kernel, when no engine is there that it belongs to.

Interfaces, tables and control groups carry their engine's id. An id is in use while a wherryd runs
whose database has it, and while processes are in its control groups: containers outlive engines.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterable
from typing import Final

from wherry.base.errors import WherryError
from wherry.doctor.cgroups import found as hierarchies
from wherry.doctor.finding import Finding, command, note, ok, warning
from wherry.doctor.machine import Machine, flags_of
from wherry.doctor.mounted import mounts
from wherry.doctor.settings import settings_for

_TABLE: Final = re.compile(r'"name": "(wherry-([0-9a-f]{12}))"')
_GROUP: Final = re.compile(r"wherry-([0-9a-f]{12})")
_INTERFACE: Final = re.compile(r"wh[bv]([0-9a-f]{4})[0-9a-z-]*")
_ENGINE_ID: Final = "SELECT value FROM settings WHERE key = 'engine-id'"
_EFFECT: Final = "it takes addresses, names and memory; an engine on the old data root clears it"


def check_remains(machine: Machine) -> list[Finding]:
    """Nothing is left in the kernel of engines that are gone."""
    used, unknown = _ids_in_use(machine)
    if unknown:
        return [note(f"not looked at: the id of the engine in process {unknown[0]} is not known")]
    findings = [
        *_left("interface", _interfaces(machine), used, "ip link delete {}"),
        *_left("nftables table", _tables(), used, "nft delete table inet {}"),
        *_left(
            "control group", _groups(machine), used, "find {} -depth -type d -exec rmdir {{}} +"
        ),
    ]
    return findings or ok("none")


def _left(
    kind: str, there: Iterable[tuple[str, str]], used: Iterable[str], command: str
) -> list[Finding]:
    """Return a finding for all of one kind whose id, or what begins one, is not in use."""
    names = [name for name, part in there if not any(one.startswith(part) for one in used)]
    if not names:
        return []
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    text = f"{kind} of an engine that is gone: {shown}"
    return [warning(text, _EFFECT, *(command.format(name) for name in names))]


def _ids_in_use(machine: Machine) -> tuple[set[str], list[int]]:
    """Return the ids of engines that run or have containers, and the pids of unknown engines."""
    used = {part for top, part in _groups(machine) if _has_processes(top)}
    unknown = []
    for process in machine.engines():
        data_root = settings_for(flags_of(process) or []).data_root
        # Its root may be another: that of a container, where engines can be, too.
        identity = engine_id(f"/proc/{process.pid}/root{data_root}")
        used |= {identity} if identity else set()
        unknown += [] if identity else [process.pid]
    return used, unknown


def engine_id(data_root: str) -> str | None:
    """Return the id in the database of a data root, None where there is none to be read.

    The file is read as it is: whatever is newer is in a log beside it, and an id is never changed.
    """
    with contextlib.suppress(sqlite3.Error, OSError):
        return _identity(f"file:{data_root}/wherry.db?immutable=1") or _identity_in_copy(data_root)
    return None


def _identity(address: str) -> str | None:
    with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
        try:
            row = database.execute(_ENGINE_ID).fetchone()
        except sqlite3.OperationalError:  # the tables are still in the log
            return None
    value = row[0] if row else None
    return value.decode() if isinstance(value, bytes) else value


def _identity_in_copy(data_root: str) -> str | None:
    """Look into a copy of the database with its log: opening the log itself would write to it."""
    import shutil  # noqa: PLC0415 - for a database that is hours old at most
    import tempfile  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="wherry-doctor.") as directory:
        for name in ("wherry.db", "wherry.db-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{data_root}/{name}", f"{directory}/{name}")
        return _identity(f"file:{directory}/wherry.db")


def _interfaces(machine: Machine) -> list[tuple[str, str]]:
    names = [line.partition(":")[0].strip() for line in machine.text("/proc/net/dev").splitlines()]
    return [(name, match[1]) for name in names if (match := _INTERFACE.fullmatch(name))]


def _tables() -> list[tuple[str, str]]:
    from wherry.network.firewall import Nft  # noqa: PLC0415 - it may be missing

    try:
        nft = Nft()
        listed = nft.run("list tables inet")
        nft.close()
    except WherryError:
        return []
    return [(match[1], match[2]) for match in _TABLE.finditer(listed)]


def _groups(machine: Machine) -> list[tuple[str, str]]:
    """Return the control groups at the top of every hierarchy that bear an engine's name."""
    there = hierarchies(machine)
    tops = {there.unified, *there.legacy.values()}
    found = []
    for top in sorted(filter(None, tops)):
        with contextlib.suppress(OSError):
            found += [
                (entry.path, match[1])
                for entry in os.scandir(top)
                if (match := _GROUP.fullmatch(entry.name)) and entry.is_dir()
            ]
    return found


def _has_processes(group: str) -> bool:
    for directory, _, names in os.walk(group):
        if "cgroup.procs" in names:
            with contextlib.suppress(OSError), open(f"{directory}/cgroup.procs", "rb") as file:
                if file.read(1):
                    return True
    return False


def check_mounts(machine: Machine) -> list[Finding]:
    """Nothing is mounted below the data root: containers mount in namespaces of their own."""
    root = machine.settings.data_root
    below = [mount.target for mount in mounts(machine) if mount.target.startswith(f"{root}/")]
    inner = [path for path in below if not path.startswith(f"{root}/volumes/")]
    if not inner:
        return ok("none")
    text = f"mounted below the data root: {', '.join(inner[:3])}"
    effect = "what lies there cannot be removed, and is hidden from the engine"
    commands = [command("umount", path) for path in sorted(inner, reverse=True)]
    return [warning(text, effect, *commands)]
