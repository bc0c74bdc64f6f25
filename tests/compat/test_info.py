"""`info` and `version` beside dockerd's, field by field, with the same settings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.dockerd import running_dockerd
from fixtures.engine import Engine, running_engine

pytestmark = pytest.mark.dockerd

FLAGS = (
    "--label", "rack=7", "--insecure-registry", "10.0.0.0/8", "--insecure-registry", "reg:5000",
    "--registry-mirror", "http://127.0.0.1:9", "--default-address-pool", "base=10.9.0.0/16,size=24",
    "--log-opt", "max-size=1m", "--mtu", "1500",
)  # fmt: skip
# What dockerd 28 has no more (moby api/types/system/info.go), and what 20.10 called otherwise.
GONE = {
    "KernelMemory",
    "ClusterStore",
    "ClusterAdvertise",
    "BridgeNfIptables",
    "BridgeNfIp6tables",
    "SystemStatus",
}
# What is of one machine, or of what both were told, and so the same.
SAME = (
    "KernelVersion", "OperatingSystem", "OSVersion", "OSType", "Architecture", "NCPU", "MemTotal",
    "Name", "CgroupVersion", "CgroupDriver", "MemoryLimit", "SwapLimit", "CpuCfsPeriod",
    "CpuCfsQuota", "CPUShares", "CPUSet", "PidsLimit", "OomKillDisable", "KernelMemoryTCP",
    "Labels", "Driver", "LoggingDriver", "IndexServerAddress", "DefaultAddressPools", "HttpProxy",
    "Isolation", "ExperimentalBuild",
)  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, str]]:
    """An engine and dockerd's host, both started with the same flags."""
    with (
        running_dockerd(tmp_path_factory.mktemp("dockerd"), *FLAGS) as dockerd,
        running_engine(*FLAGS) as engine,
    ):
        yield engine, dockerd.host


def asked(host: str, what: str) -> dict[str, Any]:
    command = ["docker", "-H", host, what, "--format", "{{json .}}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def raw(host: str, path: str) -> dict[str, Any]:
    """Return what the API answers, which the client has not put into its own shape."""
    command = ["curl", "-s", "--unix-socket", host.removeprefix("unix://"), f"http://x{path}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_every_field_of_dockerd_is_there(told: tuple[Engine, str]) -> None:
    engine, host = told
    ours, theirs = raw(engine.host, "/info"), raw(host, "/info")
    assert set(theirs) - set(ours) - GONE == set()
    kinds = {
        key: (type(ours[key]).__name__, type(value).__name__)
        for key, value in theirs.items()
        if key in ours and ours[key] is not None and value is not None
    }
    assert {key: both for key, both in kinds.items() if both[0] != both[1]} == {}


def test_what_is_of_the_machine_and_the_settings_is_the_same(told: tuple[Engine, str]) -> None:
    engine, host = told
    ours, theirs = raw(engine.host, "/info"), raw(host, "/info")
    assert {key: ours[key] for key in SAME} == {key: theirs[key] for key in SAME}
    registries, others = ours["RegistryConfig"], theirs["RegistryConfig"]
    assert registries["Mirrors"] == others["Mirrors"]
    assert registries["IndexConfigs"] == others["IndexConfigs"]
    assert set(registries["InsecureRegistryCIDRs"]) >= set(others["InsecureRegistryCIDRs"])
    backing = [dict(told["DriverStatus"])["Backing Filesystem"] for told in (ours, theirs)]
    assert backing[0] == backing[1]


def test_the_fields_of_version(told: tuple[Engine, str]) -> None:
    engine, host = told
    ours, theirs = raw(engine.host, "/version"), raw(host, "/version")
    assert set(theirs) - set(ours) == set()
    details = [answer["Components"][0]["Details"] for answer in (ours, theirs)]
    assert set(details[1]) - set(details[0]) == set()
    for key in ("Os", "Arch", "KernelVersion"):
        assert ours[key] == theirs[key]


def test_the_default_network_shows_the_same_options(told: tuple[Engine, str]) -> None:
    engine, host = told
    options = []
    for one in (engine.host, host):
        shown = subprocess.run(
            ["docker", "-H", one, "network", "inspect", "bridge"],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        options.append(json.loads(shown)[0]["Options"])
    name = "com.docker.network.bridge.name"
    assert options[0].pop(name).startswith("whb")
    assert options[1].pop(name) == "docker0"
    assert options[0] == options[1]
