"""Messages to whoever started us."""

from __future__ import annotations

import shutil
import socket
import tempfile

import pytest

from wherry.base.notify import READY, notify


def test_a_message_arrives() -> None:
    folder = tempfile.mkdtemp(prefix="wr.")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(f"{folder}/s")
            notify(READY, "STATUS=x", environment={"NOTIFY_SOCKET": f"{folder}/s"})
            assert receiver.recv(100) == b"READY=1\nSTATUS=x"
    finally:
        shutil.rmtree(folder)


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("")  # the kernel chooses a name
        name = receiver.getsockname().decode().replace("\0", "@")
        notify(READY, environment={"NOTIFY_SOCKET": name})
        assert receiver.recv(100) == b"READY=1"


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    notify(READY, environment={})
    assert not caplog.records
    notify(READY, environment={"NOTIFY_SOCKET": "/none/socket"})
    assert "cannot be told READY=1" in caplog.text
