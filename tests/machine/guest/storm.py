"""Runs in the machine: asks the engine for many things at once and tells what was acknowledged.

Standard library only; the Engine API over its socket, because starting a client for each request
would leave an emulated processor no time for anything else. It writes lines to a port that leads
out of the machine, each one JSON list: ["ask", operation, name] before a request and ["ack",
operation, name, detail] after the engine has said that it is done. Whoever reads the lines knows
what must be there after a power cut.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

SOCKET = "/run/wherry/wherry.sock"
SHELL = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"]
KEPT = 4  # of what a storm removes again, so many stay
LEDGER = os.open("/dev/virtio-ports/ledger", os.O_WRONLY)
_telling = threading.Lock()


class Engine(http.client.HTTPConnection):
    """A connection to the engine's socket."""

    def __init__(self) -> None:
        super().__init__("engine", timeout=300)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def call(method: str, path: str, body: object = None) -> Any:
    """Make one request, read its answer to the end, and return it; raises RuntimeError."""
    engine = Engine()
    try:
        text = None if body is None else json.dumps(body)
        engine.request(method, path, text, {"Content-Type": "application/json"})
        answer = engine.getresponse()
        told = answer.read().decode()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {told}")
        lines = [json.loads(line) for line in told.splitlines() if line.strip()]
        if failed := [line for line in lines if isinstance(line, dict) and "error" in line]:
            raise RuntimeError(f"{method} {path}: {failed}")
        return lines[-1] if lines else None
    finally:
        engine.close()


def tell(*words: str) -> None:
    """Write one line of the ledger; it is out of the machine when this returns."""
    with _telling:
        os.write(LEDGER, f"{json.dumps(words)}\n".encode())


def acknowledged(operation: str, name: str, method: str, path: str, body: object = None) -> Any:
    """Make a request and tell of it, before and after."""
    tell("ask", operation, name)
    answer = call(method, path, body)
    detail = answer.get("Id", "") if isinstance(answer, dict) else ""
    tell("ack", operation, name, detail)
    return answer


def containers() -> None:
    """Create, start, stop and remove, with every restart policy."""
    for number in itertools.count():
        policy = ("always", "unless-stopped", "no")[number % 3]
        name = f"c{number}-{policy}"
        wanted = {
            "Image": "busybox", "Cmd": SHELL, "StopTimeout": 1,
            "HostConfig": {"RestartPolicy": {"Name": policy}, "NetworkMode": "none"},
        }  # fmt: skip
        acknowledged("create", name, "POST", f"/containers/create?name={name}", wanted)
        acknowledged("start", name, "POST", f"/containers/{name}/start")
        if number % 2:
            acknowledged("stop", name, "POST", f"/containers/{name}/stop?t=1")
        if number >= KEPT:
            old = f"c{number - KEPT}-{('always', 'unless-stopped', 'no')[(number - KEPT) % 3]}"
            acknowledged("remove", old, "DELETE", f"/containers/{old}?force=1")


def tags() -> None:
    """Give and take names of an image."""
    for number in itertools.count():
        name = f"tags:{number}"
        acknowledged("tag", name, "POST", f"/images/busybox/tag?repo=tags&tag={number}")
        if number >= KEPT:
            old = f"tags:{number - KEPT}"
            acknowledged("untag", old, "DELETE", f"/images/{old}")


def commits() -> None:
    """Make images of what the container `written` has written, and remove them again."""
    for number in itertools.count():
        name = f"commits:{number}"
        path = f"/commit?container=written&repo=commits&tag={number}&pause=0"
        # Each in another layer: one that is there already would have nothing to write.
        acknowledged("commit", name, "POST", f"{path}&comment={number}", {})
        if number >= KEPT:
            old = f"commits:{number - KEPT}"
            acknowledged("untag", old, "DELETE", f"/images/{old}?force=1")


def pulls() -> None:
    """Pull an image, remove it, and pull it again."""
    name = "127.0.0.1:5000/layers:latest"
    for _ in itertools.count():
        path = "/images/create?fromImage=127.0.0.1:5000/layers&tag=latest"
        acknowledged("pull", name, "POST", path)
        acknowledged("untag", name, "DELETE", f"/images/{name}?force=1")


def volumes() -> None:
    """Create containers with volumes that take over what the image has there."""
    for number in itertools.count():
        name = f"v{number}"
        wanted = {
            "Image": "filled", "Cmd": ["true"],
            "HostConfig": {"Binds": [f"{name}:/data"], "NetworkMode": "none"},
        }  # fmt: skip
        acknowledged("create", name, "POST", f"/containers/create?name={name}", wanted)
        if number >= KEPT:
            old = f"v{number - KEPT}"
            acknowledged("remove", old, "DELETE", f"/containers/{old}")
            acknowledged("forget", old, "DELETE", f"/volumes/{old}")


STORMS = {each.__name__: each for each in (containers, tags, commits, pulls, volumes)}


def run(storm: Callable[[], None]) -> None:
    """Run one storm; whatever goes wrong is told, for it must not pass for a quiet storm."""
    try:
        storm()
    except Exception as error:
        tell("failed", storm.__name__, "", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    threads = [threading.Thread(target=run, args=(STORMS[name],)) for name in sys.argv[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
