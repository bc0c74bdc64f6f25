"""What containers get of the engine's settings, beside dockerd with the same flags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.busybox import busybox_archive
from fixtures.dockerd import docker, running_dockerd
from fixtures.engine import running_engine

pytestmark = pytest.mark.dockerd

CONTAINERS = (
    "--default-ulimit", "nofile=777:888", "--default-ulimit", "core=0", "--default-shm-size",
    "32m", "--default-ipc-mode", "shareable", "--default-cgroupns-mode", "private", "--init",
    "--no-new-privileges", "--dns", "10.9.9.9", "--dns-search", "corp.test", "--dns-opt",
    "ndots:3", "--log-opt", "max-size=1m", "--log-opt", "max-file=3",
)  # fmt: skip
NETWORK = (
    "--bip", "10.213.240.1/24", "--fixed-cidr", "10.213.240.128/25", "--default-gateway",
    "10.213.240.9", "--mtu", "1400", "--ip", "127.0.0.1",
)  # fmt: skip
SCRIPTS = {
    "limits": "ulimit -n; ulimit -Hn; ulimit -c; df -k /dev/shm | tail -1 | awk '{print $2}'",
    "privileges": "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status",
    "names": "sort /etc/resolv.conf",
    "first process": "tr '\\0' ' ' </proc/1/cmdline",
    # Which address it is differs: wherry gives those that were freed as late as possible.
    "network": "ip route | sed 's/ src .*//'; ip addr | grep -oE 'mtu [0-9]+|/[0-9]+ b.*'",
}
OWN = {
    "nothing": (),
    "limits": ("--ulimit", "nofile=50:60", "--shm-size", "1m"),
    "privileges": ("--security-opt", "no-new-privileges=false"),
    "names": ("--dns", "10.8.8.8", "--dns-opt", "timeout:1"),
    "init": ("--init=false",),
    "host's": ("--ipc", "host", "--cgroupns", "host"),
    "logging": ("--log-opt", "max-size=2m"),
}
SHOWN = ("ShmSize", "IpcMode", "CgroupnsMode", "LogConfig", "Dns", "Ulimits", "Init", "SecurityOpt")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where wherryd and dockerd are reached, both with the same flags and the same image."""
    flags = CONTAINERS + NETWORK
    with (
        running_dockerd(tmp_path_factory.mktemp("dockerd"), *flags) as dockerd,
        running_engine(*flags) as engine,
    ):
        docker(dockerd.host, "load", stdin=busybox_archive())
        yield engine.host, dockerd.host
        engine.remove_containers()


@pytest.mark.parametrize("given", sorted(OWN))
@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_a_container_finds_the_same(hosts: tuple[str, str], script: str, given: str) -> None:
    words = ("run", "--rm", *OWN[given], "busybox", "sh", "-c", SCRIPTS[script])
    assert docker(hosts[0], *words).stdout == docker(hosts[1], *words).stdout


@pytest.mark.parametrize("given", sorted(OWN))
def test_inspect_shows_the_same(hosts: tuple[str, str], given: str) -> None:
    shown: list[dict[str, Any]] = []
    for host in hosts:
        name = docker(host, "create", *OWN[given], "busybox", "true").stdout.decode().strip()
        config = json.loads(docker(host, "inspect", name).stdout)[0]["HostConfig"]
        # dockerd's are in any order.
        (config["Ulimits"] or []).sort(key=lambda one: str(one["Name"]))
        shown.append({key: config.get(key) or None for key in SHOWN})
        docker(host, "rm", name)
    assert shown[0] == shown[1]


def test_ports_are_published_on_the_same_address(hosts: tuple[str, str]) -> None:
    said = []
    for host in hosts:
        name = (
            docker(host, "run", "-d", "-p", "80", "busybox", "sleep", "100").stdout.decode().strip()
        )
        bound = json.loads(docker(host, "inspect", name).stdout)[0]["NetworkSettings"]["Ports"]
        said.append({port: [one["HostIp"] for one in places] for port, places in bound.items()})
        docker(host, "rm", "-f", name)
    assert said[0] == said[1] == {"80/tcp": ["127.0.0.1"]}
