"""`wherry-runtime` by hand, as containerd calls it, and under podman."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.bundles import COMMAND, Bundle, configuration
from fixtures.waiting import PATIENCE, eventually
from wherry.runtime import cgroups

UNIQUE = f"wherry-command-test-{os.getpid()}"


@pytest.fixture
def bundle() -> Iterator[Bundle]:
    # Not pytest's directory: podman wants short paths, and a mapped root has to get in.
    root = Path(tempfile.mkdtemp(prefix="wherry-"))
    root.chmod(0o755)
    made = Bundle(root)
    yield made
    made.clean_up()
    assert str(root) not in Path("/proc/self/mountinfo").read_text()
    shutil.rmtree(root)


def stopped(bundle: Bundle, name: str = UNIQUE) -> bool:
    return bundle.state(name)["status"] == "stopped"


def test_a_container_from_create_to_delete(bundle: Bundle) -> None:
    bundle.write(configuration("sh", "-c", "hostname > /out; id -u >> /out; exec sleep 60"))
    bundle.run("create", "--bundle", str(bundle.path), "--pid-file", "pid", UNIQUE)
    created = bundle.state(UNIQUE)
    assert created["status"] == "created"
    assert created["pid"] == int((bundle.path / "pid").read_text())
    assert created["bundle"] == str(bundle.path)
    assert not (bundle.rootfs / "out").exists()
    bundle.run("start", UNIQUE)
    assert bundle.state(UNIQUE)["status"] == "running"
    eventually(lambda: (bundle.rootfs / "out").read_text() == "box\n0\n")
    bundle.run("kill", UNIQUE, "KILL")
    eventually(lambda: stopped(bundle))
    assert bundle.state(UNIQUE)["pid"] == 0
    bundle.run("delete", UNIQUE)
    assert list(bundle.state_directory.iterdir()) == []
    assert f'container "{UNIQUE}" does not exist' in bundle.run("state", UNIQUE, check=False).stderr


def test_run_gives_the_programs_status_and_output(bundle: Bundle) -> None:
    bundle.write(configuration("sh", "-c", "echo said; exit 7"))
    done = bundle.run("run", UNIQUE, check=False)
    assert (done.returncode, done.stdout) == (7, "said\n")
    assert list(bundle.state_directory.iterdir()) == []


def test_it_runs_from_a_copy_that_nobody_can_change(bundle: Bundle) -> None:
    bundle.write(configuration("sleep", "60"))
    bundle.run("create", UNIQUE)
    exe = os.readlink(f"/proc/{bundle.state(UNIQUE)['pid']}/exe")
    assert exe.startswith("/memfd:wherry-runtime")


def test_nothing_of_the_command_gets_in(bundle: Bundle) -> None:
    bundle.write(configuration("sh", "-c", "ls -l /proc/self/fd; env"))
    out = bundle.run("run", UNIQUE).stdout
    links = [line.split(" -> ")[1] for line in out.splitlines() if " -> " in line]
    assert links == ["/dev/null", str(bundle.root / "out"), str(bundle.root / "err")]
    assert [line for line in out.splitlines() if "=" in line] == [
        "SHLVL=1", "PWD=/", "PATH=/bin",
    ] or "PATH=/bin" in out  # fmt: skip


def test_descriptors_are_preserved_on_demand(bundle: Bundle) -> None:
    bundle.write(configuration("cat", "/proc/self/fd/3"))
    (bundle.root / "given").write_text("handed on")
    with open(bundle.root / "given") as file, open(bundle.root / "output", "w") as out:
        subprocess.run(
            ["bash", "-c", f'exec "$@" 3<&{file.fileno()}', "bash", *bundle.words, "run",
             "--preserve-fds", "1", "--bundle", str(bundle.path), UNIQUE],
            pass_fds=[file.fileno()], stdout=out, check=True, timeout=60 * PATIENCE,
        )  # fmt: skip
    assert (bundle.root / "output").read_text() == "handed on"


def test_a_program_that_is_not_there_fails_the_creation(bundle: Bundle) -> None:
    bundle.write(configuration("nosuch"))
    failed = bundle.run("create", UNIQUE, check=False)
    assert failed.returncode == 1
    text = 'exec: "nosuch": executable file not found in $PATH'
    assert text in failed.stderr
    logged = [json.loads(line) for line in bundle.log.read_text().splitlines()]
    assert [(line["level"], line["msg"]) for line in logged] == [("error", text)]
    assert list(bundle.state_directory.iterdir()) == []


def test_a_program_that_vanishes_fails_the_start(bundle: Bundle) -> None:
    bundle.write(configuration("/bin/mine"))
    shutil.copy(bundle.rootfs / "bin/busybox", bundle.rootfs / "bin/mine")
    bundle.run("create", UNIQUE)
    (bundle.rootfs / "bin/mine").unlink()
    failed = bundle.run("start", UNIQUE, check=False)
    assert "/bin/mine: no such file or directory" in failed.stderr
    eventually(lambda: stopped(bundle))


def test_a_name_is_taken_once(bundle: Bundle) -> None:
    bundle.write(configuration("sleep", "60"))
    bundle.run("create", UNIQUE)
    failed = bundle.run("create", UNIQUE, check=False)
    assert "container with given ID already exists" in failed.stderr
    assert bundle.state(UNIQUE)["status"] == "created"


def test_verbs_need_the_right_status(bundle: Bundle) -> None:
    bundle.write(configuration("sleep", "60"))
    bundle.run("create", UNIQUE)
    assert "that is not stopped: created" in bundle.run("delete", UNIQUE, check=False).stderr
    bundle.run("kill", UNIQUE, "TERM")
    eventually(lambda: stopped(bundle))
    failed = bundle.run("start", UNIQUE, check=False)
    assert "cannot start a container in the stopped state" in failed.stderr
    assert "container not running" in bundle.run("kill", UNIQUE, "9", check=False).stderr
    bundle.run("delete", UNIQUE)
    bundle.run("delete", "--force", UNIQUE)


def test_a_paused_container_is_resumed_and_can_be_killed(bundle: Bundle) -> None:
    bundle.write(configuration("sleep", "60"))
    bundle.run("run", "--detach", UNIQUE)
    bundle.run("pause", UNIQUE)
    assert bundle.state(UNIQUE)["status"] == "paused"
    bundle.run("resume", UNIQUE)
    assert bundle.state(UNIQUE)["status"] == "running"
    bundle.run("pause", UNIQUE)
    bundle.run("delete", "--force", UNIQUE)


def test_all_processes_get_a_signal_where_they_share_the_hosts(bundle: Bundle) -> None:
    config = configuration("sh", "-c", "sleep 60 & sleep 60 & wait")
    config["linux"]["namespaces"] = [{"type": "mount"}]
    del config["hostname"]
    bundle.write(config)
    bundle.run("run", "-d", UNIQUE)
    path = f"/wherry-runtime/{UNIQUE}"
    eventually(lambda: len(cgroups.pids(path)) == 3)
    bundle.run("kill", "--all", UNIQUE, "KILL")
    eventually(lambda: not cgroups.pids(path))
    bundle.run("delete", UNIQUE)


def test_exec_joins_the_container(bundle: Bundle) -> None:
    bundle.write(configuration("sleep", "60"))
    bundle.run("run", "-d", UNIQUE)
    done = bundle.run("exec", UNIQUE, "sh", "-c", "hostname; cat /proc/1/comm; exit 4", check=False)
    assert (done.returncode, done.stdout) == (4, "box\nsleep\n")


def test_a_terminal_goes_to_the_console_socket(bundle: Bundle) -> None:
    config = configuration("sh", "-c", "tty; echo done")
    config["process"]["terminal"] = True
    bundle.write(config)
    assert "needs --console-socket" in bundle.run("create", UNIQUE, check=False).stderr
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(bundle.root / "console"))
        listening.listen(1)
        listening.settimeout(30 * PATIENCE)
        bundle.run("create", "--console-socket", str(bundle.root / "console"), UNIQUE)
        connection, _ = listening.accept()
        with connection:
            _, (master,), _, _ = socket.recv_fds(connection, 100, 1)
    bundle.run("start", UNIQUE)
    text = b""
    while b"done" not in text:
        text += os.read(master, 1000)
    os.close(master)
    assert text.startswith(b"/dev/pts/0\r\n")


def test_hooks_run_in_order_and_get_the_state(bundle: Bundle) -> None:
    outside = str(bundle.root / "hooks")

    def hook(name: str, file: str) -> dict[str, object]:
        script = f"echo {name} $(cat) >> {file}"
        return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"]}

    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    hooks = {kind: [hook(kind, outside)] for kind in kinds}
    hooks["startContainer"] = [hook("startContainer", "/out")]
    bundle.write(configuration("sh", "-c", "echo program >> /out", hooks=hooks))
    bundle.run("create", UNIQUE)
    bundle.run("start", UNIQUE)
    eventually(lambda: stopped(bundle))
    bundle.run("delete", UNIQUE)
    lines = [line.split(" ", 1) for line in Path(outside).read_text().splitlines()]
    assert [name for name, _ in lines] == list(kinds)
    states = {name: json.loads(state) for name, state in lines}
    assert [states[kind]["status"] for kind in kinds] == [
        "creating", "creating", "creating", "running", "stopped",
    ]  # fmt: skip
    assert {state["id"] for state in states.values()} == {UNIQUE}
    assert states["createContainer"]["pid"] == 1
    inside = (bundle.rootfs / "out").read_text().splitlines()
    assert [line.split()[0] for line in inside] == ["startContainer", "program"]


def test_a_hook_that_fails_undoes_the_creation(bundle: Bundle) -> None:
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo because >&2; exit 3"]}
    bundle.write(configuration("sleep", "60", hooks={"createRuntime": [hook]}))
    failed = bundle.run("create", UNIQUE, check=False)
    words = "running createRuntime hook #0 /bin/sh: exit status 3, stderr: because"
    assert words in failed.stderr
    assert list(bundle.state_directory.iterdir()) == []


def test_limits_and_users(bundle: Bundle) -> None:
    config = configuration("sh", "-c", "id -u; id -g; cat /proc/self/status; ulimit -n")
    config["process"] |= {
        "user": {"uid": 1000, "gid": 1000},
        "noNewPrivileges": True,
        "capabilities": {},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}],
    }
    config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}],
    }
    bundle.write(config)
    lines = bundle.run("run", UNIQUE).stdout.splitlines()
    assert lines[:2] == ["1000", "1000"]
    assert lines[-1] == "77"
    assert {"CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} <= set(lines)


def test_a_user_namespace_of_its_own(bundle: Bundle) -> None:
    config = configuration("cat", "/proc/self/uid_map", "/proc/self/cgroup")
    maps = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    kinds = ("user", "pid", "ipc", "uts", "mount", "network")
    config["linux"] = {
        "namespaces": [{"type": kind} for kind in kinds],
        "uidMappings": maps,
        "gidMappings": maps,
        "cgroupsPath": f"/{UNIQUE}/inner",
        "resources": {"pids": {"limit": 20}},
    }
    bundle.write(config)
    try:
        out = bundle.run("run", UNIQUE).stdout
    finally:
        cgroups.remove(f"/{UNIQUE}")
    assert out.split()[:3] == ["0", "100000", "1000"]
    assert f"/{UNIQUE}/inner" in out


def test_a_tmpfs_begins_with_what_it_covers(bundle: Bundle) -> None:
    (bundle.rootfs / "tmp/sub").mkdir()
    (bundle.rootfs / "tmp/sub/file").write_text("covered")
    (bundle.rootfs / "tmp/sub/link").symlink_to("/bin/../../../etc/passwd")
    config = configuration("sh", "-c", "cat /tmp/sub/file; ls -l /tmp/sub; echo x > /tmp/sub/new")
    mount = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}
    config["mounts"].append(mount)
    bundle.write(config)
    out = bundle.run("run", UNIQUE).stdout
    assert out.startswith("covered")
    assert "link -> /bin/../../../etc/passwd" in out
    assert not (bundle.rootfs / "tmp/sub/new").exists()


def test_features_and_version(bundle: Bundle) -> None:
    told = json.loads(bundle.run("features").stdout)
    assert "mount" in told["linux"]["namespaces"]
    assert told["linux"]["seccomp"]["enabled"] is True
    assert bundle.run("--version").stdout.startswith("wherry-runtime version ")
    assert "OCI runtime specification" in bundle.run("--help").stdout


@pytest.mark.parametrize(
    ("flag", "message"),
    [("--no-pivot", "--no-pivot is not supported"), ("--bundle=/nowhere", "does not exist")],
)
def test_what_is_refused(bundle: Bundle, flag: str, message: str) -> None:
    bundle.write(configuration("true"))
    assert message in bundle.run("create", flag, UNIQUE, check=False).stderr


SCRIPT = """
set -e
# What podman keeps for the whole machine is hidden, so that nothing of it changes.
mount -t tmpfs tmpfs /dev/shm
test ! -d /var/lib/containers || mount -t tmpfs tmpfs /var/lib/containers
podman() {
    command podman --root "$1/root" --runroot "$1/run" --tmpdir "$1/tmp" --storage-driver vfs \
        --events-backend file --cgroup-manager cgroupfs --runtime "$1/runtime" "${@:2}"
}
podman "$1" import -q "$1/box.tar" box >/dev/null
limits="--ulimit nofile=1000:1000 --ulimit nproc=1000:1000"
run="run --rm --network none --cgroup-parent $2 $limits"
podman "$1" $run box sh -c 'hostname; exit 3' || echo "status $?"
podman "$1" $run box nosuch 2>&1 || echo "status $?"
podman "$1" $run --read-only --user 1000 --tty box sh -c 'id -u; tty'
podman "$1" $run -d --name sleeper box sleep 60 >/dev/null
podman "$1" exec sleeper cat /proc/1/comm
podman "$1" pause sleeper
podman "$1" unpause sleeper
podman "$1" rm -f -t 0 sleeper
podman "$1" ps -aq
"""


def test_podman_runs_with_it(bundle: Bundle) -> None:
    home = bundle.root
    subprocess.run(["tar", "-C", bundle.rootfs, "-cf", home / "box.tar", "."], check=True)
    wrapper = home / "runtime"
    wrapper.write_text(f'#!/bin/sh\nexec {COMMAND} --root {bundle.state_directory} "$@"\n')
    wrapper.chmod(0o755)
    private = ["unshare", "--mount", "--propagation", "private"]
    done = subprocess.run(
        [*private, "bash", "-c", SCRIPT, "bash", str(home), f"/{UNIQUE}"],
        capture_output=True, text=True, timeout=100 * PATIENCE, check=False,
    )  # fmt: skip
    eventually(lambda: not cgroups.pids(f"/{UNIQUE}/conmon"))
    cgroups.remove(f"/{UNIQUE}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.replace("\r", "").splitlines()
    assert lines[1] == "status 3"
    assert 'exec: "nosuch": executable file not found in $PATH' in lines[2]
    assert lines[3:7] == ["status 127", "1000", "/dev/pts/0", "sleep"], lines
    assert lines[-1].endswith("sleeper"), lines
    eventually(lambda: list(bundle.state_directory.iterdir()) == [])
