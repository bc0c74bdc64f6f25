"""Who has the socket that we wanted: a sentence for whoever has to decide which of the two goes."""

from __future__ import annotations

import os
import socket
import struct
from typing import Final

_LISTENING: Final = "0A"
_PEER: Final = struct.Struct("3i")  # struct ucred


def holder_of_path(path: str) -> str:
    """Return the process that listens on a unix socket; empty where nobody can be found."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except OSError:
            return ""
        told = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid, _, _ = _PEER.unpack(told)
    return _described(pid)


def holder_of_port(port: int) -> str:
    """Return the process that listens on a TCP port; empty where nobody can be found."""
    inodes = {
        inode
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for inode in listening_inodes(_read(table), port)
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        if wanted & _open_files(name):
            return _described(int(name))
    return ""


def listening_inodes(table: str, port: int) -> list[str]:
    """Return the inodes of sockets that listen on a port, in the text of /proc/net/tcp."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
            found.append(fields[9])
    return found


def _open_files(pid: str) -> set[str]:
    found = set()
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
    except OSError:
        pass  # it has ended, or closed what was just listed
    return found


def _described(pid: int) -> str:
    name = _read(f"/proc/{pid}/comm").strip()
    return f"process {pid} ({name})" if name else f"process {pid}"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
