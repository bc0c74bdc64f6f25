"""Who has a socket."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from wherry.daemon.holders import holder_of_path, holder_of_port, listening_inodes

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:0947 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1
"""


def comm() -> str:
    return Path("/proc/self/comm").read_text().strip()


def test_only_those_who_listen_have_a_port() -> None:
    assert listening_inodes(TABLE, 2375) == ["111"]
    assert listening_inodes(TABLE, 23) == []


def test_a_port_of_ours() -> None:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.create_server((host, 0), family=family) as one:
            port = one.getsockname()[1]
            assert holder_of_port(port) == f"process {os.getpid()} ({comm()})"
        assert holder_of_port(port) == ""


def test_a_path_of_ours() -> None:
    with tempfile.TemporaryDirectory(prefix="wr.") as folder:
        path = f"{folder}/s"
        assert holder_of_path(path) == ""
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)
            assert holder_of_path(path) == ""  # nobody listens
            one.listen()
            assert holder_of_path(path) == f"process {os.getpid()} ({comm()})"
