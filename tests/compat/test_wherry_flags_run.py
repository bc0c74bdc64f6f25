"""The flags of `run` and `create`: the engine gets from `wherry` what it gets from docker's client.

Each line is given to both clients, and what `inspect` shows of the two containers is compared; so a
flag that is dropped, or sent under another name, is seen. What a flag does in a container is the
affair of the engine's own tests, but for those that are the client's alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.engine import Engine
from fixtures.waiting import eventually
from fixtures.wherry_client import WHERRY, docker, environment, wherry

MAC = "92:d0:c6:0a:29:33"


@pytest.fixture(scope="module", autouse=True)
def things(engine: Engine) -> Iterator[None]:
    """A container to share things with, and a network with addresses of our choice."""
    engine.docker("network", "create", "--subnet", "10.213.77.0/24", "flagnet")
    engine.docker("run", "-d", "--name", "web", "-v", "webdata:/web", "busybox", "sleep", "1000")
    yield
    engine.remove_containers()
    engine.docker("network", "rm", "flagnet")
    engine.docker("volume", "rm", "-f", "webdata", "flagdata")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with the files that flags name."""
    (tmp_path / "labels").write_text("from=file\n")
    (tmp_path / "variables").write_text("FROM=file\n# comment\n")
    return tmp_path


CREATE = [
    "create --attach stdout --annotation a=b --blkio-weight 300 --cgroup-parent /flags-test",
    "create --cpu-period 50000 --cpu-quota 25000 --cpu-shares 512 --cpuset-mems 0",
    "create --cpu-rt-period 1000000 --cpu-rt-runtime 1000",
    "create --device-cgroup-rule c\u00a01:3\u00a0rwm --disable-content-trust",
    "create --env-file variables --expose 80",
    "create --health-cmd true --health-start-interval 2s --health-start-period 3s",
    "create --network flagnet --ip 10.213.77.9 --network-alias other --link web:db",
    "create --net flagnet --net-alias other",
    "create --isolation default --userns host --label-file labels --log-driver json-file",
    "create --mac-address 92:d0:c6:0a:29:33 --memory-swappiness 10 --oom-kill-disable -m 64m",
    "create --platform linux/amd64 --pull never --quiet --runtime wherry",
    "create --volume flagdata:/data --volume-driver local",
    "create --blkio-weight-device /dev/a:300 --device-read-bps /dev/a:1mb",
    "create --device-write-bps /dev/a:5k --device-write-bps /dev/b:77 --device-read-iops /dev/a:8",
    "create --device-write-iops /dev/a:9",
]  # fmt: skip
RUN = [
    "run -d --annotation a=b --blkio-weight 300 --cgroupns private --expose 80 --group-add 5",
    "run -d --cpu-period 50000 --cpu-quota 25000 --cpu-shares 512",
    "run -d --cpus 0.5 --cpuset-cpus 0 --cpuset-mems 0 --cpu-rt-period 1000000",
    "run -d --device /dev/null:/dev/n --device-cgroup-rule c\u00a01:3\u00a0rwm",
    "run -d --disable-content-trust --dns 9.9.9.9 --dns-option ndots:2 --dns-search x",
    "run -d --hostname h --domainname d --env-file variables --label a=b --label-file labels",
    "run -d --health-cmd true --health-interval 5m --health-retries 2 --health-timeout 5s",
    "run -d --health-start-interval 5s --health-start-period 5m --health-cmd true",
    "run -d --no-healthcheck --ipc host --pid host --uts host --userns host",
    "run -d --isolation default --log-driver json-file --log-opt max-size=1m",
    "run -d --network flagnet --ip 10.213.77.9 --network-alias other --link web:db",
    "run -d --net flagnet --net-alias other",
    "run -d --mac-address 92:d0:c6:0a:29:33",
    "run -d --memory 64m --memory-reservation 32m --memory-swap 80m",
    "run -d --memory 64m --memory-swappiness 10 --oom-kill-disable --oom-score-adj 5",
    "run -d --pids-limit 50 --shm-size 5m --platform linux/amd64 --pull never --quiet",
    "run -d --privileged --publish-all --expose 81 --runtime wherry",
    "run -d --security-opt no-new-privileges --stop-signal KILL --stop-timeout 3",
    "run -d --volume flagdata:/data --volume-driver local --volumes-from web",
    "run -d --kernel-memory 16m",
    "create --kernel-memory 16m",
]


@pytest.mark.parametrize("line", [*CREATE, *RUN])
def test_the_same_container(engine: Engine, folder: Path, line: str) -> None:
    """A no-break space stands for a space within a word."""
    words = [word.replace("\u00a0", " ") for word in line.split(" ")]
    words += ["busybox", "sleep", "1000"]
    ours = inspected(engine, wherry(engine, *words, folder=folder).strip())
    theirs = inspected(engine, docker(engine, *words, folder=folder).strip())
    assert ours == theirs
    for word in words:
        if word.startswith("--") and word.partition("=")[0] in SEEN:
            assert SEEN[word.partition("=")[0]](ours), word


# That the line does something at all: two clients that both drop a flag would be alike.
SEEN: dict[str, Any] = {
    "--annotation": lambda c: c["HostConfig"]["Annotations"] == {"a": "b"},
    "--attach": lambda c: c["Config"]["AttachStdout"] and not c["Config"]["AttachStderr"],
    "--blkio-weight-device": lambda c: c["HostConfig"]["BlkioWeightDevice"][0]["Weight"] == 300,
    "--cgroup-parent": lambda c: c["HostConfig"]["CgroupParent"] == "/flags-test",
    "--cpu-period": lambda c: c["HostConfig"]["CpuPeriod"] == 50000,
    "--cpu-quota": lambda c: c["HostConfig"]["CpuQuota"] == 25000,
    "--cpu-shares": lambda c: c["HostConfig"]["CpuShares"] == 512,
    "--cpus": lambda c: c["HostConfig"]["NanoCpus"] == 500_000_000,
    "--cpuset-cpus": lambda c: c["HostConfig"]["CpusetCpus"] == "0",
    "--cpuset-mems": lambda c: c["HostConfig"]["CpusetMems"] == "0",
    "--cpu-rt-period": lambda c: c["HostConfig"]["CpuRealtimePeriod"] == 1_000_000,
    "--cpu-rt-runtime": lambda c: c["HostConfig"]["CpuRealtimeRuntime"] == 1000,
    "--device": lambda c: c["HostConfig"]["Devices"][0]["PathInContainer"] == "/dev/n",
    "--device-cgroup-rule": lambda c: c["HostConfig"]["DeviceCgroupRules"] == ["c 1:3 rwm"],
    "--device-read-bps": lambda c: c["HostConfig"]["BlkioDeviceReadBps"][0]["Rate"] == 1 << 20,
    "--device-read-iops": lambda c: c["HostConfig"]["BlkioDeviceReadIOps"][0]["Rate"] == 8,
    "--device-write-bps": lambda c: c["HostConfig"]["BlkioDeviceWriteBps"][1]["Path"] == "/dev/b",
    "--device-write-iops": lambda c: c["HostConfig"]["BlkioDeviceWriteIOps"][0]["Rate"] == 9,
    "--dns": lambda c: c["HostConfig"]["Dns"] == ["9.9.9.9"],
    "--dns-option": lambda c: c["HostConfig"]["DnsOptions"] == ["ndots:2"],
    "--domainname": lambda c: c["Config"]["Domainname"] == "d",
    "--env-file": lambda c: "FROM=file" in c["Config"]["Env"],
    "--expose": lambda c: c["Config"]["ExposedPorts"],
    "--group-add": lambda c: c["HostConfig"]["GroupAdd"] == ["5"],
    "--health-cmd": lambda c: c["Config"]["Healthcheck"]["Test"] == ["CMD-SHELL", "true"],
    "--health-interval": lambda c: c["Config"]["Healthcheck"]["Interval"] == 300 * 10**9,
    "--health-start-period": lambda c: c["Config"]["Healthcheck"]["StartPeriod"] >= 3 * 10**9,
    "--health-start-interval": lambda c: c["Config"]["Healthcheck"]["StartInterval"] >= 2 * 10**9,
    "--health-timeout": lambda c: c["Config"]["Healthcheck"]["Timeout"] == 5 * 10**9,
    "--health-retries": lambda c: c["Config"]["Healthcheck"]["Retries"] == 2,
    "--hostname": lambda c: c["Config"]["Hostname"] == "h",
    "--ip": lambda c: c["NetworkSettings"]["Networks"]["flagnet"]["IPAMConfig"]["IPv4Address"],
    "--label-file": lambda c: c["Config"]["Labels"]["from"] == "file",
    "--log-opt": lambda c: c["HostConfig"]["LogConfig"]["Config"] == {"max-size": "1m"},
    "--memory-reservation": lambda c: c["HostConfig"]["MemoryReservation"] == 32 << 20,
    "--memory-swap": lambda c: c["HostConfig"]["MemorySwap"] == 80 << 20,
    "--memory-swappiness": lambda c: c["HostConfig"]["MemorySwappiness"] == 10,
    "--net-alias": lambda c: "other" in c["NetworkSettings"]["Networks"]["flagnet"]["Aliases"],
    "--network-alias": lambda c: "other" in c["NetworkSettings"]["Networks"]["flagnet"]["Aliases"],
    "--no-healthcheck": lambda c: c["Config"]["Healthcheck"]["Test"] == ["NONE"],
    "--oom-kill-disable": lambda c: c["HostConfig"]["OomKillDisable"],
    "--oom-score-adj": lambda c: c["HostConfig"]["OomScoreAdj"] == 5,
    "--pids-limit": lambda c: c["HostConfig"]["PidsLimit"] == 50,
    "--privileged": lambda c: c["HostConfig"]["Privileged"],
    "--publish-all": lambda c: c["HostConfig"]["PublishAllPorts"],
    "--runtime": lambda c: c["HostConfig"]["Runtime"] == "wherry",
    "--security-opt": lambda c: c["HostConfig"]["SecurityOpt"] == ["no-new-privileges"],
    "--shm-size": lambda c: c["HostConfig"]["ShmSize"] == 5 << 20,
    "--stop-signal": lambda c: c["Config"]["StopSignal"] == "KILL",
    "--stop-timeout": lambda c: c["Config"]["StopTimeout"] == 3,
    "--volume": lambda c: any(mount["Name"] == "flagdata" for mount in c["Mounts"]),
    "--volumes-from": lambda c: any(mount["Name"] == "webdata" for mount in c["Mounts"]),
}


def inspected(engine: Engine, container: str) -> dict[str, Any]:
    """Remove a container; return what `inspect` shows of it, less what is drawn for each."""
    [found] = json.loads(engine.docker("inspect", container).stdout)
    engine.docker("rm", "-fv", container)
    kept = {key: found[key] for key in ("Config", "HostConfig", "Mounts")}
    if found["Config"]["Hostname"] == found["Id"][:12]:
        del found["Config"]["Hostname"]
    networks = found["NetworkSettings"]["Networks"]
    for network in networks.values():
        for drawn in ("EndpointID", "NetworkID", "DNSNames", "IPAddress"):
            network.pop(drawn, None)
        if network["MacAddress"] != MAC:
            del network["MacAddress"]
        network["Aliases"] = [name for name in network["Aliases"] or () if name not in found["Id"]]
    return {**kept, "NetworkSettings": {"Networks": networks}}


REFUSED = [
    "create --ip6 2001:db8::5 --net flagnet busybox",
    "create --link-local-ip 169.254.2.2 --net flagnet busybox",
    "create --storage-opt size=1G busybox",
    "run --rm --ip6 2001:db8::5 --net flagnet busybox",
    "run --rm --link-local-ip 169.254.2.2 --net flagnet busybox",
    "run --rm --storage-opt size=1G busybox",
    "run --rm --blkio-weight-device /dev/null:300 busybox",
    "run --rm --device-read-bps /dev/nothing:1mb busybox",
    "run --rm --device-read-iops /dev/null:1 --device-write-iops /dev/null:1 busybox",
    "run --rm --device-write-bps /dev/null:1mb busybox",
]


@pytest.mark.parametrize("line", REFUSED)
def test_what_the_engine_refuses(engine: Engine, line: str) -> None:
    status = 125 if line.startswith("run") else 1
    told = docker(engine, *line.split(), status=status)
    reason = told.split("daemon: ")[1].split("\n")[0]
    assert reason.rstrip(".") in wherry(engine, *line.split(), status=status)


def test_gpus_are_refused(engine: Engine) -> None:
    told = docker(engine, "create", "--gpus", "all", "busybox", status=1)
    assert 'could not select device driver "" with capabilities: [["gpu"]]' in told


def test_the_parent_of_a_cgroup(engine: Engine) -> None:
    parent = f"/flags-run-{os.getpid()}"
    try:
        told = wherry(
            engine, "run", "--rm", "--cgroup-parent", parent, "busybox", "cat", "/proc/self/cgroup"
        )
        assert parent in told or "0::/\n" in told  # on cgroup v2 a container sees its own as /
    finally:
        for top in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()):
            with contextlib.suppress(OSError):
                (top / parent[1:]).rmdir()


def test_the_id_in_a_file(engine: Engine, tmp_path: Path) -> None:
    told = wherry(engine, "create", "--cidfile", str(tmp_path / "one"), "busybox")
    assert (tmp_path / "one").read_text() == told.strip()
    told = wherry(engine, "run", "-d", "--cidfile", str(tmp_path / "two"), "busybox", "true")
    assert (tmp_path / "two").read_text() == told.strip()
    told = wherry(engine, "run", "--cidfile", str(tmp_path / "two"), "busybox", status=125)
    assert "container ID file found" in told


def test_real_time_is_asked_of_the_kernel(engine: Engine) -> None:
    """Which gives it or not; the words of `run` are those of docker's client."""
    words = ("run", "--rm", "--cpu-rt-runtime", "1000", "busybox", "true")
    theirs = subprocess.run(
        ["docker", *words], capture_output=True, check=False, env=environment(engine)
    )
    ours = wherry(engine, "run", "--rm", "--cpu-rt-runtime", "1000", "busybox", "true",
                  status=theirs.returncode)  # fmt: skip
    assert ("rt_runtime" in ours) == (b"rt_runtime" in theirs.stderr)


def test_detached_by_keys_of_our_choice(engine: Engine) -> None:
    ours, theirs = pty.openpty()
    name = f"keys-{os.getpid()}"
    process = subprocess.Popen(
        [WHERRY, "run", "-it", "--name", name, "--detach-keys", "ctrl-x,x", "busybox", "cat"],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment(engine),
    )  # fmt: skip
    os.close(theirs)
    try:
        eventually(lambda: name in engine.docker("ps", "--format", "{{.Names}}").stdout)
        os.write(ours, b"\x18x")
        assert process.wait(20) == 0
        assert engine.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        engine.docker("rm", "-f", name)


def test_signals_that_are_not_passed_on(engine: Engine) -> None:
    name = f"proxy-{os.getpid()}"
    process = subprocess.Popen(
        [WHERRY, "run", "--name", name, "--sig-proxy=false", "busybox", "sleep", "1000"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=environment(engine),
    )  # fmt: skip
    try:
        eventually(lambda: name in engine.docker("ps", "--format", "{{.Names}}").stdout)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert engine.docker("inspect", "-f", "{{.State.Running}}", name).stdout == "true\n"
    finally:
        process.kill()
        process.wait()
        engine.docker("rm", "-f", name)


def test_quiet_and_pull(engine: Engine) -> None:
    told = wherry(engine, "run", "--pull", "never", "--quiet", "nothere", status=125)
    assert re.search("No such image: nothere", told)
    assert "Unable to find image" not in told
