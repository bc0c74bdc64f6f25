"""Programs of this machine, packed and run where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from fixtures.engine import Engine, program
from wherry.engine.images.pack.collect import Packed, collect
from wherry.engine.images.pack.layer import write_layer

PYTHON = "/usr/bin/python3"
IMPORTS = (
    "import ctypes, json, sqlite3, ssl; print(ssl.create_default_context().cert_store_stats())"
)


def unpacked(packed: Packed, root: Path) -> Path:
    """Unpack the layer."""
    with tempfile.TemporaryFile() as file:
        write_layer(packed, file)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            # As the argument `filter`, which Debian's Python 3.11.2 does not have.
            archive.extraction_filter = lambda member, _: member
            archive.extractall(root)
    return root


def run(root: Path, packed: Packed, *command: str) -> str:
    """Run a command with nothing but the layer and the image's environment."""
    result = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "chroot", str(root), *command],
        env=dict(entry.split("=", 1) for entry in packed.env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_systems_python_runs(tmp_path: Path) -> None:
    packed = collect([PYTHON], [])
    out = run(unpacked(packed, tmp_path), packed, *packed.entrypoint, "-c", IMPORTS)
    assert "'x509_ca'" in out


def test_a_script_of_a_virtual_environment_runs(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("wherry")
    packed = collect([str(script)], [])
    assert "wherry" in run(unpacked(packed, tmp_path), packed, *packed.entrypoint, "--version")


def test_usual_programs_run(tmp_path: Path) -> None:
    packed = collect(["/bin/bash", "/bin/ls", "/usr/bin/env"], ["/etc/debian_version:/etc/here"])
    root = unpacked(packed, tmp_path)
    assert run(root, packed, "bash", "-c", "ls /etc").split() == [
        "group", "here", "nsswitch.conf", "passwd",
    ]  # fmt: skip


def test_an_engine_makes_and_runs_the_image(engine: Engine) -> None:
    words = ["--label", "a=b", "--cmd", "-c 'print(6 * 7)'", "packed", PYTHON, "/bin/ls:/bin/list"]
    done = subprocess.run(
        [program("wherry"), "-H", engine.host, "image", "pack", *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "files of the standard library" in done.stdout
    assert engine.docker("run", "--rm", "packed").stdout == "42\n"
    assert engine.docker("run", "--rm", "--network", "none", "packed", "-c", IMPORTS).stdout
    out = engine.docker("run", "--rm", "--user", "65534", "--entrypoint", "list", "packed", "/")
    assert {"bin", "etc", "lib64", "tmp", "usr"} <= set(out.stdout.split())


def test_the_same_programs_give_the_same_layer() -> None:
    digests = set()
    for _ in range(2):
        with tempfile.TemporaryFile() as file:
            digests.add(write_layer(collect(["/bin/ls"], []), file))
    assert len(digests) == 1
