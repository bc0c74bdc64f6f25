"""Measure wherry's registry and Debian's docker-registry in one run and print ratios.

    python benchmarks/registry.py                        everything but the 5 GB blob
    python benchmarks/registry.py manifests put --rounds 9
    python benchmarks/registry.py flat                   memory while 5 GB go in and out

Both keep files on the same disk, speak plain HTTP on the loopback and ask nobody for a password.
They take turns, so that whatever else the machine does hits both. Clients are C programs (wrk,
curl), so that they take little of the two cores. Needs Debian's docker-registry, wrk, curl, skopeo.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fixtures.registry import running_registry
from fixtures.wherry_registry import running_wherry_registry

MIB = 1 << 20
BLOB_BYTES = 256 * MIB
FLAT_BYTES = 5 << 30
FLAT_GROWTH = 64 * MIB
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'
KINDS = ("manifests", "get", "put", "pushes", "flat")


@dataclass(frozen=True)
class Registry:
    """A registry under test: its name in the table, `http://host:port`, its main process."""

    name: str
    url: str
    pid: int = 0

    @property
    def host(self) -> str:
        """`host:port`, as references have it."""
        return self.url.removeprefix("http://")


@dataclass(frozen=True)
class Line:
    """One line of the table; more is better, `goal` is the wanted ratio."""

    what: str
    unit: str
    wherry: float
    docker: float
    goal: float

    @property
    def ratio(self) -> float:
        """How many times better wherry's is."""
        return self.wherry / self.docker


Pair = tuple[Registry, Registry]


def alternate(pair: Pair, once: Callable[[Registry], float], rounds: int) -> tuple[float, float]:
    """Return the medians of `rounds` samples of each, taken in turns after a first try."""
    for registry in pair:
        once(registry)
    samples = [[once(registry) for registry in pair] for _ in range(rounds)]
    ours, theirs = zip(*samples, strict=True)
    return statistics.median(ours), statistics.median(theirs)


def curl(*words: str) -> str:
    """Run curl; returns what it wrote, raises when it or the registry failed."""
    command = ["curl", "-fsS", "--max-time", "600", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def digest_of(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def put_blob(registry: Registry, name: str, path: Path, digest: str) -> float:
    """Push a blob as docker does (POST, PATCH with the bytes, PUT); returns bytes per second."""
    began = time.perf_counter()
    uploads = f"{registry.url}/v2/{name}/blobs/uploads/"
    location = _location(registry, curl("-D-", "-o/dev/null", "-X", "POST", "-d", "", uploads))
    headers = ("Content-Type: application/octet-stream", "Transfer-Encoding: chunked", "Expect:")
    flags = [word for header in headers for word in ("-H", header)]
    sent = curl("-D-", "-o/dev/null", "-X", "PATCH", *flags, "-T", str(path), location)
    location = _location(registry, sent)
    mark = "&" if "?" in location else "?"
    curl("-o/dev/null", "-X", "PUT", "-d", "", f"{location}{mark}digest={digest}")
    return path.stat().st_size / (time.perf_counter() - began)


def _location(registry: Registry, headers: str) -> str:
    found = re.search(r"(?im)^location: *(\S+)", headers)
    assert found, headers
    return found[1] if found[1].startswith("http") else registry.url + found[1]


def put_manifest(registry: Registry, name: str, tag: str, folder: Path) -> None:
    """Push a small image of one layer."""
    layer = folder / "layer"
    layer.write_bytes(os.urandom(2000))
    config = folder / "config"
    config.write_bytes(CONFIG)
    parts = []
    for path, kind in ((config, "config.v1+json"), (layer, "layer.v1.tar")):
        digest = digest_of(path)
        put_blob(registry, name, path, digest)
        size = path.stat().st_size
        media_type = f"application/vnd.oci.image.{kind}"
        parts.append({"mediaType": media_type, "digest": digest, "size": size})
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]}
    request = urllib.request.Request(
        f"{registry.url}/v2/{name}/manifests/{tag}",
        json.dumps(body).encode(),
        {"Content-Type": MANIFEST},
        method="PUT",
    )
    with urllib.request.urlopen(request) as response:
        assert response.status == 201


def measure_manifests(pair: Pair, rounds: int, folder: Path) -> Line:
    """Manifest GETs by tag in a second, eight connections that are kept."""
    for registry in pair:
        put_manifest(registry, "bench/app", "1", folder)

    def once(registry: Registry) -> float:
        url = f"{registry.url}/v2/bench/app/manifests/1"
        command = ["wrk", "-t1", "-c8", "-d4s", "-H", f"Accept: {MANIFEST}", url]
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert "Non-2xx" not in done, done
        return float(re.findall(r"Requests/sec: *([\d.]+)", done)[0])

    return Line("manifest GET by tag, 8 connections", "a second", *alternate(pair, once, rounds), 2)


def measure_get(pair: Pair, rounds: int, folder: Path) -> Line:
    """A blob of 256 MB to a client that throws it away."""
    path = folder / "blob"
    path.write_bytes(os.urandom(BLOB_BYTES))
    digest = digest_of(path)
    for registry in pair:
        put_blob(registry, "bench/get", path, digest)

    def once(registry: Registry) -> float:
        url = f"{registry.url}/v2/bench/get/blobs/{digest}"
        taken = float(curl("-o/dev/null", "-w", "%{time_total}", url))
        return BLOB_BYTES / taken / MIB

    return Line("blob GET, 256 MB", "MB/s", *alternate(pair, once, rounds), 1)


def measure_put(pair: Pair, rounds: int, folder: Path) -> Line:
    """A new blob of 256 MB each time: POST, PATCH, PUT."""
    path = folder / "blob"
    path.write_bytes(os.urandom(BLOB_BYTES))

    def once(registry: Registry) -> float:
        with path.open("r+b") as file:
            file.write(os.urandom(16))
        digest = digest_of(path)
        os.sync()  # what the other one left in the page cache is not this one's to write
        return put_blob(registry, "bench/put", path, digest) / MIB

    return Line("blob PUT, 256 MB", "MB/s", *alternate(pair, once, rounds), 1.5)


def measure_pushes(pair: Pair, rounds: int, folder: Path) -> Line:
    """Eight clients push an image of four layers of 4 MB each at once: images in a second."""

    def once(registry: Registry) -> float:
        sources = [make_layout(folder / f"image-{n}") for n in range(8)]
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: push_layout(registry, one), sources))
        return len(sources) / (time.perf_counter() - began)

    return Line("8 pushes of 16 MB at once", "a second", *alternate(pair, once, rounds), 1)


def make_layout(folder: Path) -> Path:
    """Write an OCI layout with one image that nobody has seen."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for old in blobs.iterdir():
        old.unlink()

    def add(data: bytes, kind: str) -> dict[str, object]:
        encoded = hashlib.sha256(data).hexdigest()
        (blobs / encoded).write_bytes(data)
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": f"sha256:{encoded}", "size": len(data)}

    layers = [add(os.urandom(4 * MIB), "layer.v1.tar") for _ in range(4)]
    ids = [layer["digest"] for layer in layers]
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ids}}
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": add(json.dumps(config).encode(), "config.v1+json"),
        "layers": layers,
    }
    top = add(json.dumps(body).encode(), "manifest.v1+json")
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def push_layout(registry: Registry, layout: Path) -> None:
    """Push with skopeo, which must succeed."""
    target = f"docker://{registry.host}/bench/{layout.name}:1"
    command = ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", target]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def measure_flat(ours: Registry, folder: Path) -> None:
    """Push and pull a blob of 5 GB; says how much the registry's memory grew, fails above 64 MB."""
    path = folder / "blob"
    with path.open("wb") as file:
        file.truncate(FLAT_BYTES)
    digest = digest_of(path)
    before = memory(ours.pid)
    pushed = put_blob(ours, "bench/flat", path, digest) / MIB
    url = f"{ours.url}/v2/bench/flat/blobs/{digest}"
    taken = float(curl("-o/dev/null", "-w", "%{time_total}", url))
    grown = memory(ours.pid) - before
    print(
        f"5 GB: in at {pushed:.0f} MB/s, out at {FLAT_BYTES / taken / MIB:.0f} MB/s, "
        f"memory grew by {grown / MIB:.1f} MB"
    )
    if grown > FLAT_GROWTH:
        raise SystemExit("memory is not flat")


def memory(pid: int) -> int:
    """Return the most memory that a process ever had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def print_table(lines: Iterator[Line]) -> None:
    """Print one line for each result, as it comes."""
    print(f"{'':36} {'wherry':>10} {'docker':>10} {'':9} {'ratio':>6} {'goal':>5}")
    for line in lines:
        print(
            f"{line.what:36} {line.wherry:10.1f} {line.docker:10.1f} {line.unit:9}"
            f" {line.ratio:5.2f}x {line.goal:4.1f}x",
            flush=True,
        )


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="*", choices=[*KINDS, []])
    parser.add_argument("--rounds", type=int, default=5, help="samples of each registry")
    parser.add_argument("--format", choices=["table", "json"], default="table")
    parser.add_argument("--directory", help="where both keep their files (the temporary one)")
    arguments = parser.parse_args()
    wanted = arguments.what or KINDS[:-1]
    measures = {
        "manifests": measure_manifests,
        "get": measure_get,
        "put": measure_put,
        "pushes": measure_pushes,
    }
    with tempfile.TemporaryDirectory(prefix="wherry-bench.", dir=arguments.directory) as made:
        folder = Path(made)
        (folder / "work").mkdir()
        with (
            running_wherry_registry(folder / "wherry") as ours,
            running_registry(folder / "docker") as address,
        ):
            pair = (
                Registry("wherry", ours.url, ours.pid),
                Registry("docker-registry", f"http://{address}"),
            )
            lines = (
                measures[kind](pair, arguments.rounds, folder / "work")
                for kind in wanted
                if kind in measures
            )
            if arguments.format == "json":
                print(json.dumps([asdict(line) | {"ratio": line.ratio} for line in lines]))
            else:
                print_table(lines)
            if "flat" in wanted:
                measure_flat(pair[0], folder / "work")


if __name__ == "__main__":
    main()
