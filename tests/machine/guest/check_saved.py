"""Runs in the machine: reads what `docker save` writes and fails unless all of it is true.

Every layer that a configuration names is in the archive, as it is or compressed by gzip, and has
the digest that it is named by.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tarfile


def digest(data: bytes) -> str:
    """Return a digest as manifests write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def plain(data: bytes) -> bytes:
    """Return a layer as it was before it was compressed."""
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def read_all() -> dict[str, bytes]:
    """Return every file of the archive on standard input."""
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        return {
            entry.name: archive.extractfile(entry).read() for entry in archive if entry.isfile()
        }


files = read_all()
(manifest,) = json.loads(files["manifest.json"])
configuration = json.loads(files[manifest["Config"]])
layers = [digest(plain(files[name])) for name in manifest["Layers"]]
assert layers, "no layers"
assert layers == configuration["rootfs"]["diff_ids"], (layers, configuration["rootfs"])
