"""The engine as a service of a machine without systemd: installed, started, stopped, removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.engine import program
from fixtures.own_machine import Machine, own_machine
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(180)

SCRIPT = "/etc/init.d/wherry"
LOG = "/var/log/wherry/wherryd.log"
# A /usr of its own, where the stock client is somewhere else and nothing else is left of Docker.
WITHOUT_DOCKER = """
mkdir /run/upper /run/work /run/stock
cp "$(readlink -f "$(command -v docker)")" /run/stock/docker
mount -t overlay overlay -o lowerdir=/usr,upperdir=/run/upper,workdir=/run/work /usr
for d in bin sbin local/bin; do rm -f /usr/$d/docker /usr/$d/dockerd; done
rm -f /usr/lib/systemd/system/docker.*
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine whose engine is installed from the environment that the tests run in."""
    with own_machine() as made:
        made.shell("mount -t tmpfs tmpfs /var/log")
        made.run("wherry", "service", "install", "--force")
        yield made
        made.shell(f"{SCRIPT} stop", check=False)


@pytest.fixture
def running(machine: Machine) -> Machine:
    """The same machine with its engine started and no container."""
    machine.shell(f"{SCRIPT} start")
    machine.load_busybox()
    if names := machine.docker("ps", "-aq").split():
        machine.docker("rm", "-f", *names)
    return machine


def status(machine: Machine) -> dict[str, Any]:
    done = machine.run("wherry", "service", "status", "--format", "json", check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["Running"] else 3)
    return found


def script(machine: Machine, *words: str) -> tuple[int, str]:
    done = machine.run(SCRIPT, *words, check=False)
    return done.returncode, done.stdout + done.stderr


def state(machine: Machine, name: str, field: str) -> str:
    return machine.docker("inspect", "-f", f"{{{{.State.{field}}}}}", name)


def test_installed_it_starts_at_boot_and_can_be_installed_again(machine: Machine) -> None:
    found = status(machine)
    assert (found["Installed"], found["Manager"], found["Enabled"]) == ("pip", "sysv", True)
    assert found["ChangedFiles"] == []
    assert machine.shell("ls /etc/rc2.d /etc/rc0.d | grep wherry").split() == [
        "S01wherry",
        "K01wherry",
    ] or "S" in machine.shell("ls /etc/rc2.d | grep wherry")
    assert "wherry:" in machine.shell("grep ^wherry: /etc/group")
    machine.run("wherryd", "--validate")  # the daemon.json that was written
    again = machine.run("wherry", "service", "install", "--force").stdout
    assert "wrote" not in again
    assert "replaced" not in again


def test_it_starts_and_says_so_when_the_api_answers(machine: Machine) -> None:
    code, told = script(machine, "start")
    assert (code, told) == (0, "wherry: started\n")
    machine.docker("version")
    code, told = script(machine, "start")
    assert code == 0
    assert "runs already, process ID" in told
    found = status(machine)
    assert found["Running"]
    assert found["Since"] > 0
    assert found["EngineVersion"] == found["Version"]
    pid = machine.shell("cat /run/wherry/wherryd.pid").strip()
    assert script(machine, "status") == (0, f"wherry: runs, process ID {pid}\n")
    assert found["Pid"] == int(pid)
    mode, group = machine.shell("stat -c '%a %G' /run/wherry/wherry.sock").split()
    assert (mode, group) == ("660", "wherry")


def test_stop_and_restart_keep_containers(running: Machine) -> None:
    running.docker("run", "-d", "--name", "stays", "busybox", "sleep", "1000")
    pid = state(running, "stays", "Pid")
    assert script(running, "stop") == (0, "wherry: stopped; containers go on\n")
    assert script(running, "status")[0] == 3
    assert status(running)["Keepers"] == 1
    running.shell(f"kill -0 {pid}")
    assert script(running, "stop") == (0, "wherry: does not run\n")
    assert script(running, "start")[0] == 0
    assert state(running, "stays", "Pid") == pid
    for word in ("restart", "try-restart", "force-reload"):
        before = running.shell("cat /run/wherry/wherryd.pid")
        assert script(running, word)[0] == 0
        assert running.shell("cat /run/wherry/wherryd.pid") != before
    assert state(running, "stays", "Pid") == pid


def test_after_a_crash_it_is_dead_and_starts_again(running: Machine) -> None:
    pid = running.shell("cat /run/wherry/wherryd.pid").strip()
    running.shell(f"kill -9 {pid}")
    eventually(lambda: script(running, "status")[0] != 0)
    code, told = script(running, "status")
    assert code == 1
    assert "/run/wherry/wherryd.pid is still there" in told
    assert script(running, "start")[0] == 0
    assert script(running, "status")[0] == 0


def test_a_pid_of_somebody_else_is_not_taken_for_the_engine(running: Machine) -> None:
    script(running, "stop")
    running.shell("echo 1 > /run/wherry/wherryd.pid")
    assert script(running, "status")[0] == 1
    assert script(running, "stop") == (0, "wherry: does not run\n")
    assert script(running, "start")[0] == 0


def test_reload_checks_the_configuration_first(running: Machine) -> None:
    pid = running.shell("cat /run/wherry/wherryd.pid")
    running.shell("cp /etc/wherry/daemon.json /etc/wherry/kept")
    try:
        running.shell("""echo '{"labels": ["a=b"]}' > /etc/wherry/daemon.json""")
        assert script(running, "reload")[0] == 0
        eventually(lambda: running.docker("info", "-f", "{{.Labels}}") == "[a=b]")
        running.shell("""echo '{"labels": 5}' > /etc/wherry/daemon.json""")
        code, told = script(running, "reload")
        assert code == 6
        assert "labels" in told
        assert running.docker("info", "-f", "{{.Labels}}") == "[a=b]"
    finally:
        running.shell("mv /etc/wherry/kept /etc/wherry/daemon.json")
    assert running.shell("cat /run/wherry/wherryd.pid") == pid


def test_what_keeps_it_from_starting_is_said(running: Machine) -> None:
    script(running, "stop")
    running.shell("echo 'WHERRYD_OPTIONS=--group=nobody-has-it' > /etc/default/wherry")
    try:
        code, told = script(running, "start")
    finally:
        running.shell("rm /etc/default/wherry")
    assert code == 1
    assert "did not start" in told
    assert "there is no group nobody-has-it" in told
    assert script(running, "status")[0] == 3


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
def test_any_shell_runs_the_script(running: Machine, shell: str) -> None:
    told = running.shell(
        f"{shell} {SCRIPT} restart; {shell} {SCRIPT} status; {shell} {SCRIPT} stop"
    )
    stopped = "wherry: stopped; containers go on\n"
    assert told.startswith(f"{stopped}wherry: started\nwherry: runs, process ID ")
    assert told.endswith(stopped)
    running.shell(f"{shell} {SCRIPT} start")


def test_words_that_it_does_not_know(running: Machine) -> None:
    code, told = script(running, "dance")
    assert code == 2
    assert told.startswith(f"Usage: {SCRIPT} start|stop|")
    script(running, "stop")
    assert script(running, "reload") == (7, "wherry: does not run\n")


def test_going_down_stops_containers_as_they_want_to_be_stopped(running: Machine) -> None:
    trap = "trap 'exit 7' USR1; while :; do sleep 0.1; done"
    flags = ("--stop-signal", "USR1", "--restart", "unless-stopped")
    running.docker("run", "-d", "--name", "polite", *flags, "busybox", "sh", "-c", trap)
    running.docker("run", "-d", "--name", "once", "--stop-timeout", "1", "busybox", "sleep", "1000")
    running.docker("run", "-d", "--name", "back", "--restart", "always", "busybox", "sleep", "1000")
    running.docker("run", "-d", "--name", "off", *flags, "busybox", "sh", "-c", trap)
    running.docker("stop", "off")
    done = running.run(SCRIPT, "stop", environment={"RUNLEVEL": "0"})
    assert done.stdout == "wherry: stopped\n"
    assert running.shell("cat /sys/fs/cgroup/*/wherry-*/*/cgroup.procs 2>/dev/null || :") == ""
    assert status(running)["Keepers"] == 0
    running.shell(f"{SCRIPT} start")
    eventually(lambda: state(running, "back", "Running") == "true")
    eventually(lambda: state(running, "polite", "Running") == "true")
    assert state(running, "once", "ExitCode") == "137"
    assert state(running, "once", "Running") == "false"
    assert state(running, "off", "Running") == "false"


def test_its_log_is_kept_and_can_be_rotated(running: Machine) -> None:
    assert "API listen on unix:///run/wherry/wherry.sock" in running.shell(f"cat {LOG}")
    assert running.shell(f"stat -c %a {LOG}").strip() == "640"
    running.shell(f"cp {LOG} {LOG}.1; : > {LOG}")  # copytruncate
    running.docker("info")
    assert script(running, "restart")[0] == 0
    assert running.shell(f"head -c 1 {LOG}") != "\0"


def test_changed_files_are_named_and_left_alone(machine: Machine) -> None:
    machine.shell(f"echo '# ours' >> {SCRIPT}")
    assert status(machine)["ChangedFiles"] == [SCRIPT]
    done = machine.run("wherry", "service", "install", check=False)
    assert done.returncode == 1
    assert SCRIPT in done.stderr
    assert "# ours" in machine.shell(f"cat {SCRIPT}")
    assert f"replaced {SCRIPT}" in machine.run("wherry", "service", "install", "--force").stdout
    assert "# ours" not in machine.shell(f"cat {SCRIPT}")


def test_beside_a_docker_it_does_not_become_docker(machine: Machine) -> None:
    done = machine.run("wherry", "service", "install", "--force", "--docker", check=False)
    assert done.returncode == 1
    assert "a Docker is here: the program /usr" in done.stderr
    assert machine.run("test", "-e", "/run/docker.sock", check=False).returncode == 1


def test_as_docker_it_is_found_by_those_who_look_for_docker() -> None:
    with own_machine() as made:
        made.shell("mount -t tmpfs tmpfs /var/log")
        made.shell(WITHOUT_DOCKER)
        made.run("wherry", "service", "install", "--force", "--docker", "--now")
        answer = made.run("/run/stock/docker", "version", "-f", "{{.Server.Platform.Name}}").stdout
        assert answer.startswith("wherry ")
        assert made.run("/usr/local/bin/docker", "ps", "-q").stdout == ""
        made.shell(f"{SCRIPT} stop; rm /run/docker.sock; {SCRIPT} start")  # as after a boot
        assert made.run("/run/stock/docker", "ps", "-q").stdout == ""
        made.run("wherry", "service", "uninstall")
        assert made.run("test", "-e", "/usr/local/bin/docker", check=False).returncode == 1
        made.shell("kill $(cat /run/wherry/wherryd.pid)")


def test_uninstalling_ends_nothing_and_keeps_data(running: Machine) -> None:
    running.docker("run", "-d", "--name", "stays", "busybox", "sleep", "1000")
    pid = running.shell("cat /run/wherry/wherryd.pid").strip()
    told = running.run("wherry", "service", "uninstall").stdout
    assert f"removed {SCRIPT}" in told
    assert f"the engine still runs: `kill {pid}` ends it" in told
    assert state(running, "stays", "Running") == "true"
    found = status(running)
    assert (found["Installed"], found["Enabled"], found["Running"]) == ("no", False, True)
    refused = running.run("wherry", "service", "uninstall", "--purge", check=False)
    assert f"the engine runs, process ID {pid}" in refused.stderr
    running.shell(f"kill {pid}")
    eventually(lambda: not status(running)["Running"])
    refused = running.run("wherry", "service", "uninstall", "--purge", check=False)
    assert "containers still run" in refused.stderr
    assert running.run("test", "-e", "/var/lib/wherry/wherry.db").returncode == 0


def test_purging_removes_everything(machine: Machine) -> None:
    machine.run("wherry", "service", "install", "--force", "--now")
    for name in machine.docker("ps", "-aq").split():
        machine.docker("rm", "-f", name)
    machine.shell(f"{SCRIPT} stop")
    refused = machine.run("wherry", "service", "uninstall", "--purge", check=False)
    assert "/var/lib/wherry is mounted" in refused.stderr
    machine.shell("umount /var/lib/wherry; mkdir -p /var/lib/wherry/content")
    told = machine.run("wherry", "service", "uninstall", "--purge").stdout
    for path in ("/var/lib/wherry", "/etc/wherry", "/var/log/wherry"):
        assert f"removed {path}" in told
        assert machine.run("test", "-e", path, check=False).returncode == 1
    assert machine.run("grep", "^wherry:", "/etc/group", check=False).returncode == 1


def test_into_the_root_of_an_image(tmp_path: Path) -> None:
    for folder in ("etc/init.d", "run", "usr/sbin"):
        (tmp_path / folder).mkdir(parents=True)

    def service(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program("wherry"), "service", *words, "--root", str(tmp_path)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    told = service("install", "--force")
    assert told.returncode == 0, told.stderr
    assert f"wrote {SCRIPT}" in told.stdout
    assert f"have {SCRIPT} start run then" in told.stdout
    assert (tmp_path / "etc/init.d/wherry").stat().st_mode & 0o777 == 0o755
    shown = service("status", "--format", "{{.Installed}} {{.Manager}} {{.Running}}")
    assert (shown.returncode, shown.stdout) == (3, "pip sysv false\n")
    assert "Installed by:     pip\n" in service("status").stdout
    assert service("uninstall", "--purge").returncode == 0
    assert not (tmp_path / "etc/init.d/wherry").exists()
    missing = subprocess.run(
        [program("wherry"), "service", "install", "--root", f"{tmp_path}/none"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert missing.returncode == 1
    assert "there is no such directory" in missing.stderr


def test_only_root_changes_services(machine: Machine) -> None:
    for verb in ("install", "uninstall"):
        words = ("setpriv", "--reuid", "65534", sys.executable, "-P", "-m", "wherry.cli.main")
        done = machine.run(*words, "service", verb, check=False)
        assert done.returncode == 1
        assert "only root can change services" in done.stderr
