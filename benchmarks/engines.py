"""Both engines on private roots, each in a network namespace of its own, with the same image."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fixtures.busybox import busybox_archive
from fixtures.dockerd import running_dockerd


@dataclass(frozen=True)
class Engine:
    """An engine under test: its name in the table, and the path of its socket."""

    name: str
    socket: str

    def docker(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run the stock docker client against it; raises when it fails."""
        command = ["docker", "-H", f"unix://{self.socket}", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, **options)

    def connect(self) -> Api:
        """Open a connection of its own to the engine's API."""
        return Api(self.socket)


class Api(http.client.HTTPConnection):
    """One kept-alive connection to an engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=120)
        self._path = path

    def connect(self) -> None:
        """Connect to the unix socket instead of a TCP port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the decoded reply; raises on a status of 400 or more."""
        data = None if body is None else json.dumps(body)
        self.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        response = self.getresponse()
        text = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {text.decode()}")
        return json.loads(text) if text else None

    def create(self, *command: str, **host: object) -> str:
        """Create a container of the image and return its id."""
        body = {"Image": "busybox", "Cmd": list(command), "HostConfig": host}
        return str(self.call("POST", "/containers/create", body)["Id"])

    def start(self, container: str) -> None:
        """Start a created container."""
        self.call("POST", f"/containers/{container}/start")

    def remove(self, container: str) -> None:
        """Remove a container, running or not."""
        self.call("DELETE", f"/containers/{container}?force=1&v=1")


@contextlib.contextmanager
def both_engines() -> Iterator[tuple[Engine, Engine]]:
    """Yield wherryd and dockerd, both ready and with the image `busybox`."""
    root = Path(tempfile.mkdtemp(prefix="wherry-bench."))
    try:
        with (
            running_dockerd(root / "docker") as dockerd,
            running_wherryd(root / "wherry") as wherry,
        ):
            engines = (wherry, Engine("dockerd", dockerd.socket))
            archive = root / "busybox.tar"
            archive.write_bytes(busybox_archive())
            for engine in engines:
                engine.docker("load", "-i", str(archive))
            yield engines
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def running_wherryd(root: Path) -> Iterator[Engine]:
    """Start wherryd below `root`; on the way out remove its containers and stop it."""
    root.mkdir(parents=True)
    sock = root / "wherry.sock"
    daemon = str(Path(sys.executable).with_name("wherryd"))
    command = [
        "unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", daemon,
        "-H", f"unix://{sock}", "--data-root", str(root / "data"),
        "--exec-root", str(root / "run"), "--pidfile", str(root / "pid"),
    ]  # fmt: skip
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    engine = Engine("wherryd", str(sock))
    try:
        deadline = time.monotonic() + 30
        while not sock.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"wherryd did not start:\n{(root / 'log').read_text()}")
            time.sleep(0.05)  # readiness is the socket, and nobody announces it
        yield engine
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            if names := engine.docker("ps", "-aq").stdout.split():
                engine.docker("rm", "-f", *names)
        process.terminate()
        process.wait(60)
