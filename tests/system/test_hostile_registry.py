"""A registry that lies: a pull ends with one clear sentence, and the engine is as it was."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fixtures.engine import Engine

pytestmark = pytest.mark.timeout(120)

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest(data: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(name: str) -> bytes:
    """Return the archive of one file of a hundred thousand bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 100_000
        archive.addfile(entry, io.BytesIO(bytes(100_000)))
    return buffer.getvalue()


@dataclass
class Liar:
    """What the registry sends: blobs by digest, and the manifest of every name."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""
    address: str = ""

    def offer(self, archive: bytes, *, diff_id: str = "") -> str:
        """Offer an image of one layer; returns the digest of its manifest."""
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [diff_id or digest(archive)]},
            }
        ).encode()
        self.blobs = {digest(config): config, digest(archive): archive}
        described = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": digest(archive), "size": len(archive)}],
        }
        self.manifest = json.dumps(described).encode()
        return digest(self.manifest)


@pytest.fixture
def liar() -> Iterator[Liar]:
    """A registry on the loopback that sends whatever it is told to."""
    lies = Liar()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = re.search(r"/(manifests|blobs)/(.+)$", self.path)
            body = b"{}"
            if found:
                kind, name = found.groups()
                body = lies.manifest if kind == "manifests" else lies.blobs[name]
            self.send_response(200)
            self.send_header("Content-Type", MANIFEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    lies.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield lies
    server.shutdown()
    thread.join(10)
    server.server_close()


def state(engine: Engine) -> list[str]:
    """Return the engine's images, and what is in its stores but for what can be resumed."""
    stored = [
        str(path.relative_to(engine.data_root))
        for folder in ("content/sha256", "layers")
        for path in (engine.data_root / folder).iterdir()
    ]
    return sorted([*stored, *engine.docker("images", "-a").stdout.splitlines()[1:]])


def refused(engine: Engine, reference: str) -> str:
    """Pull what must not be pulled; returns what the client was told."""
    before = [line.split()[:3] for line in state(engine)]
    done = engine.docker("pull", reference, check=False)
    assert done.returncode == 1
    assert [line.split()[:3] for line in state(engine)] == before
    assert "Traceback" not in done.stderr
    return done.stderr


def test_an_honest_image_comes_over(engine: Engine, liar: Liar) -> None:
    named = liar.offer(layer("fine"))
    engine.docker("pull", f"{liar.address}/fine:1")
    engine.docker("pull", f"{liar.address}/fine@{named}")
    engine.docker("rmi", "-f", f"{liar.address}/fine:1")


def test_a_manifest_whose_digest_is_wrong(engine: Engine, liar: Liar) -> None:
    liar.offer(layer("a"))
    wanted = digest(b"something else")
    assert f"manifest verification failed for digest {wanted}" in refused(
        engine, f"{liar.address}/lie@{wanted}"
    )


def test_a_layer_whose_bytes_are_others(engine: Engine, liar: Liar) -> None:
    archive = layer("a")
    liar.offer(archive)
    liar.blobs[digest(archive)] = layer("b")
    assert f"verification failed for digest {digest(archive)}" in refused(
        engine, f"{liar.address}/lie:1"
    )


def test_a_layer_that_is_cut_short(engine: Engine, liar: Liar) -> None:
    archive = layer("a")
    liar.offer(archive)
    liar.blobs[digest(archive)] = archive[:50_000]
    assert re.search(r"unexpected EOF|cut short|bytes", refused(engine, f"{liar.address}/lie:1"))


def test_a_layer_that_is_not_what_the_configuration_says(engine: Engine, liar: Liar) -> None:
    liar.offer(layer("a"), diff_id=digest(b"another"))
    assert "does not match its diff ID" in refused(engine, f"{liar.address}/lie:1")


@pytest.mark.parametrize(
    "manifest", [b"{", b"[]", b'{"schemaVersion": 2}', b'{"schemaVersion": 1}', b"\xff" * 99]
)
def test_a_manifest_that_is_none(engine: Engine, liar: Liar, manifest: bytes) -> None:
    liar.manifest = manifest
    assert "manifest" in refused(engine, f"{liar.address}/lie:1")


def test_a_registry_that_does_not_answer(engine: Engine) -> None:
    assert "connection refused" in refused(engine, "127.0.0.1:1/nobody:1")
