"""System calls that a container may not make: the same answers as in a container of dockerd.

The image is Python, packed here and carried over to dockerd with save and load.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.dockerd import running_dockerd
from fixtures.engine import Engine, program

pytestmark = pytest.mark.timeout(180)

# Numbers of x86-64 (asm/unistd_64.h). Not process_vm_readv, which newer Docker lets through.
CALLS = {
    "pivot_root": 155, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166,
    "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170, "iopl": 172, "ioperm": 173,
    "init_module": 175, "delete_module": 176, "quotactl": 179, "clock_settime": 227,
    "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "unshare": 272,
    "perf_event_open": 298, "fanotify_init": 300, "open_by_handle_at": 304, "setns": 308,
    "kcmp": 312, "finit_module": 313, "kexec_file_load": 320, "bpf": 321,
    "userfaultfd": 323, "open_tree": 428, "fsopen": 430, "mount_setattr": 442,
}  # fmt: skip
# Arguments that mean nothing: whatever is let through fails for another reason, and does nothing.
SCRIPT = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
answers = {}
for name, number in json.loads(sys.argv[1]).items():
    ctypes.set_errno(0)
    result = libc.syscall(number, *[ctypes.c_long(-1)] * 6)
    answers[name] = [result, ctypes.get_errno()]
print(json.dumps(answers))
"""
EPERM = 1


@pytest.fixture(scope="module")
def dockerd(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's dockerd with the image that was packed for the engine; the address of its socket."""
    interpreter = sys._base_executable  # type: ignore[attr-defined]
    packing = [program("wherry"), "-H", engine.host, "image", "pack", "python", interpreter]
    subprocess.run(packing, check=True, capture_output=True, timeout=120)
    work = tmp_path_factory.mktemp("dockerd")
    archive = work / "python.tar"
    engine.docker("save", "-o", str(archive), "python")
    with running_dockerd(work) as started:
        command = ["docker", "-H", started.host, "load", "-i", str(archive)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        yield started.host


def answers(host: str, *flags: str) -> dict[str, list[int]]:
    """Make every call in a container; return results and error numbers."""
    command = ["docker", "-H", host, "run", "--rm", *flags, "python", "-c", SCRIPT]
    done = subprocess.run(
        [*command, json.dumps(CALLS)], check=True, capture_output=True, text=True, timeout=60
    )
    return dict(json.loads(done.stdout))


def test_they_are_refused_as_in_dockerd(engine: Engine, dockerd: str) -> None:
    ours = answers(engine.host)
    assert [name for name, (result, _) in ours.items() if result >= 0] == []
    assert ours == answers(dockerd)


def test_an_ordinary_user_may_not_either(engine: Engine, dockerd: str) -> None:
    ours = answers(engine.host, "--user", "65534:65534")
    assert ours["keyctl"] == [-1, EPERM]
    assert ours == answers(dockerd, "--user", "65534:65534")


def test_an_image_has_the_same_identity_there(engine: Engine, dockerd: str) -> None:
    command = ["docker", "-H", dockerd, "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", "python"]
    theirs = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert engine.docker(*command[3:]).stdout == theirs


def test_a_packed_program_runs_with_what_it_needs(engine: Engine, dockerd: str) -> None:
    assert dockerd
    script = "import ssl, sqlite3, json, zlib, hashlib; print(json.dumps('whole'))"
    assert engine.docker("run", "--rm", "python", "-c", script).stdout == '"whole"\n'
    assert str(Path.cwd()) not in engine.docker("run", "--rm", "python", "-c", "import os; "
                                                "print(os.listdir('/'))").stdout  # fmt: skip
