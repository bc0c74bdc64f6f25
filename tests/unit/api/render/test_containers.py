"""Containers in the shapes that clients index into without asking."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wherry.api.render import containers as render
from wherry.base.ids import ContainerId
from wherry.engine.containers.record import Container, MountPoint, State, Status
from wherry.oci.digest import Digest
from wherry.wire.container_config import Config, EndpointSettings, HostConfig, PortBinding

SECOND = 10**9
NOW = 1_795_465_174 * SECOND
# What dockerd 20.10 answers, key by key.
INSPECT_KEYS = set(
    "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name"
    " RestartCount Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs HostConfig"
    " GraphDriver Mounts Config NetworkSettings".split()
)
SETTINGS_KEYS = set(
    "Bridge SandboxID HairpinMode LinkLocalIPv6Address LinkLocalIPv6PrefixLen Ports SandboxKey"
    " SecondaryIPAddresses SecondaryIPv6Addresses EndpointID Gateway GlobalIPv6Address"
    " GlobalIPv6PrefixLen IPAddress IPPrefixLen IPv6Gateway MacAddress Networks".split()
)
HOST_KEYS = set(
    "Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove"
    " VolumeDriver VolumesFrom CapAdd CapDrop CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts"
    " GroupAdd IpcMode Cgroup Links OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs"
    " SecurityOpt UTSMode UsernsMode ShmSize Runtime ConsoleSize Isolation CpuShares Memory"
    " NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps"
    " BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod"
    " CpuRealtimeRuntime CpusetCpus CpusetMems Devices DeviceCgroupRules DeviceRequests"
    " MemoryReservation MemorySwap MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount"
    " CpuPercent IOMaximumIOps IOMaximumBandwidth MaskedPaths ReadonlyPaths".split()
)


def view(**changes: Any) -> Any:
    """A running container with a published port, as the engine shows it."""
    fields: dict[str, Any] = {
        "id": ContainerId("c" * 64),
        "name": "web",
        "created": NOW,
        "config": Config(image="busybox", cmd=["sh", "-c", "echo a b"]),
        "host_config": HostConfig(
            network_mode="bridge", port_bindings={"80/tcp": [PortBinding(host_port=8080)]}
        ),
        "image_id": Digest("sha256:" + "1" * 64),
        "image_name": "busybox",
        "path": "sh",
        "args": ["-c", "echo a b"],
        "state": State(Status.RUNNING, pid=12, started_at=NOW),
        "networks": {"bridge": EndpointSettings(ip_address="172.17.0.2", gateway="172.17.0.1")},
        "mounts": [MountPoint("volume", "/v", source="/s", name="vv", driver="local")],
        "ports": {"80/tcp": [PortBinding("0.0.0.0", "8080")], "81/udp": None},
    }
    return SimpleNamespace(
        record=Container(**{**fields, **changes}),
        directory="/d/c",
        log_path="/d/c/logs",
        graph_data={},
        size_rw=None,
        size_root_fs=None,
    )


def test_inspect_has_every_key_that_clients_know() -> None:
    shown = render.inspect(view())
    assert set(shown) == INSPECT_KEYS
    assert set(shown["NetworkSettings"]) == SETTINGS_KEYS
    assert set(shown["HostConfig"]) - {"Annotations"} == HOST_KEYS


def test_inspect_values() -> None:
    shown = render.inspect(view())
    assert shown["Name"] == "/web"
    assert shown["Created"] == "2026-11-23T20:19:34Z"
    assert shown["State"]["FinishedAt"] == "0001-01-01T00:00:00Z"
    assert shown["NetworkSettings"]["IPAddress"] == "172.17.0.2"
    assert shown["NetworkSettings"]["Ports"] == {
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}],
        "81/udp": None,
    }
    assert shown["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    assert shown["HostConfig"]["Dns"] == []
    assert shown["Config"]["Labels"] == {}
    assert "Healthcheck" not in shown["Config"]
    assert shown["Mounts"][0]["Name"] == "vv"


def test_summary() -> None:
    shown = render.summary(view(), NOW + 3 * SECOND)
    assert shown["Command"] == "sh -c 'echo a b'"
    assert shown["Status"] == "Up 3 seconds"
    assert shown["Ports"] == [
        {"IP": "0.0.0.0", "PublicPort": 8080, "PrivatePort": 80, "Type": "tcp"},
        {"PrivatePort": 81, "Type": "udp"},
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State(), "Created"),
        (State(Status.PAUSED, started_at=NOW), "Up 2 minutes (Paused)"),
        (State(Status.EXITED, exit_code=137, finished_at=NOW), "Exited (137) 2 minutes ago"),
        (State(Status.RESTARTING, exit_code=1, finished_at=NOW), "Restarting (1) 2 minutes ago"),
    ],
)
def test_status_words(state: State, words: str) -> None:
    assert render.status_text(state, NOW + 120 * SECOND) == words
