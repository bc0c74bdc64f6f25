"""The word that a worker is given, and the port that its parent holds."""

from __future__ import annotations

import os
import socket

import pytest

from wherry.registry.server.operate.worker import ParentGoneError, Worker, read_worker
from wherry.registry.server.operate.workers import ListenError, held_port


def test_a_worker_reads_what_its_parent_wrote() -> None:
    worker = Worker(3, 1234, 5000, 7, (8, 9, 10, 11))
    assert read_worker(worker.word()) == worker


@pytest.mark.parametrize("word", ["", "1:2:3:4", "1:2:3:4:x", "a:2:3:4:5"])
def test_anything_else_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_worker(word)


def test_a_parent_that_has_ended_is_noticed() -> None:
    pid = os.fork()
    if pid == 0:
        try:
            Worker(0, os.getppid(), 5000, 7, (8,)).end_with_parent()
            Worker(0, 1 << 22, 5000, 7, (8,)).end_with_parent()
        except ParentGoneError:
            os._exit(0)
        except BaseException:
            os._exit(2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_held_port_can_be_shared(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with held_port(address, 0) as port, socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address, port))
        listener.listen()
        with socket.create_connection((address, port), 5) as client:
            accepted, _ = listener.accept()
            accepted.close()
            assert client.recv(1) == b""


def test_a_port_that_somebody_has() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        message = f"127.0.0.1:{port} cannot be listened on: address already in use: choose"
        with pytest.raises(ListenError, match=message), held_port("127.0.0.1", port):
            pass
