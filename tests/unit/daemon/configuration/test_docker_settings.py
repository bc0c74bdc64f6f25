"""dockerd's settings that do nothing here: what is taken, with which words, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wherry.daemon.configuration import ConfigurationError, Options, load
from wherry.daemon.configuration.flags import parse
from wherry.daemon.configuration.table import BY_KEY, TABLE

# Keys of dockerd 28's configuration (moby daemon/config: Config and what it embeds) and the flags
# of `dockerd --help`, in the order of its documentation.
DOCKER_KEYS = """
    allow-direct-routing allow-nondistributable-artifacts api-cors-header authorization-plugins bip
    bip6 bridge bridge-accept-fwmark builder cdi-spec-dirs cgroup-parent containerd
    containerd-namespace containerd-plugin-namespace cpu-rt-period cpu-rt-runtime cri-containerd
    data-root debug default-address-pools default-cgroupns-mode default-gateway default-gateway-v6
    default-ipc-mode default-network-opts default-runtime default-shm-size default-ulimits
    deprecated-key-path dns dns-opts dns-search exec-opts exec-root experimental features
    firewall-backend fixed-cidr fixed-cidr-v6 group host-gateway-ip host-gateway-ips hosts icc init
    init-path insecure-registries ip ip-forward ip-forward-no-drop ip-masq ip6tables iptables ipv6
    labels live-restore log-driver log-format log-level log-opts max-concurrent-downloads
    max-concurrent-uploads max-download-attempts metrics-addr mtu network-control-plane-mtu
    network-diagnostic-port no-new-privileges node-generic-resources oom-score-adjust pidfile
    proxies raw-logs registry-mirrors rootless runtimes seccomp-profile selinux-enabled
    shutdown-timeout storage-driver storage-opts swarm-default-advertise-addr
    swarm-raft-election-tick swarm-raft-heartbeat-tick tls tlscacert tlscert tlskey tlsverify
    userland-proxy userland-proxy-path userns-remap
""".split()
DOCKER_FLAGS = """
    --add-runtime --allow-direct-routing --allow-nondistributable-artifacts --api-cors-header
    --authorization-plugin --bip --bip6 -b --bridge --bridge-accept-fwmark --cdi-spec-dir
    --cgroup-parent --config-file --containerd --containerd-namespace
    --containerd-plugins-namespace --cpu-rt-period --cpu-rt-runtime --cri-containerd --data-root -D
    --debug --default-address-pool --default-cgroupns-mode --default-gateway --default-gateway-v6
    --default-ipc-mode --default-network-opt --default-runtime --default-shm-size --default-ulimit
    --dns --dns-opt --dns-search --exec-opt --exec-root --experimental --feature --firewall-backend
    --fixed-cidr --fixed-cidr-v6 -G --group --help -H --host --host-gateway-ip --http-proxy
    --https-proxy --icc --init --init-path --insecure-registry --ip --ip-forward
    --ip-forward-no-drop --ip-masq --ip6tables --iptables --ipv6 --label --live-restore
    --log-driver --log-format -l --log-level --log-opt --max-concurrent-downloads
    --max-concurrent-uploads --max-download-attempts --metrics-addr --mtu
    --network-control-plane-mtu --network-diagnostic-port --no-new-privileges --no-proxy
    --node-generic-resource --oom-score-adjust -p --pidfile --raw-logs --registry-mirror -r
    --restart --rootless --seccomp-profile --selinux-enabled --shutdown-timeout -s
    --storage-driver --storage-opt --swarm-default-advertise-addr --tls --tlscacert --tlscert
    --tlskey --tlsverify --userland-proxy --userland-proxy-path --userns-remap --validate -v
    --version
""".split()

# Values that are so anyway, and values that ask for what wherry does not do.
SO: dict[str, list[Any]] = {
    "live-restore": [True],
    "iptables": [True],
    "ip6tables": [True],
    "ip-forward": [True],
    "ip-forward-no-drop": [True],
    "firewall-backend": ["nftables"],
    "userland-proxy": [True],
    "userland-proxy-path": ["/usr/bin/docker-proxy"],
    "storage-driver": ["overlay2", "overlayfs"],
    "storage-opts": [["overlay2.override_kernel_check=true"]],
    "exec-opts": [["native.cgroupdriver=cgroupfs"], ["native.cgroupdriver=systemd"]],
    "default-runtime": ["runc"],
    "containerd": ["/run/containerd/containerd.sock"],
    "containerd-namespace": ["moby"],
    "containerd-plugin-namespace": ["plugins.moby"],
    "shutdown-timeout": [15, -1],
    "experimental": [True],
    "features": [{"buildkit": True, "containerd-snapshotter": False}],
    "raw-logs": [True],
    "network-control-plane-mtu": [1500],
    "allow-nondistributable-artifacts": [["r.example"]],
    "deprecated-key-path": ["/etc/docker/key.json"],
    "builder.history": [{"maxEntries": 4}],
    "builder.entitlements": [{"network-host": True}],
}
NOT_SO: dict[str, list[Any]] = {
    "live-restore": [False],
    "iptables": [False],
    "ip-forward": [False],
    "firewall-backend": ["iptables"],
    "storage-driver": ["btrfs", "vfs"],
    "storage-opts": [["overlay2.size=10G"]],
    "exec-opts": [["isolation=hyperv"]],
    "default-runtime": ["nvidia"],
    "builder.gc.policy": [[{"keepStorage": "10GB", "all": True}]],
    "builder.gc.defaultMinFreeSpace": ["10GB"],
    "runtimes": [{"nvidia": {"path": "/usr/bin/nvidia-container-runtime"}}],
    "authorization-plugins": [["p"]],
    "userns-remap": ["default"],
    "selinux-enabled": [True],
    "rootless": [True],
    "ipv6": [True],
    "bip6": ["fd00::1/64"],
    "fixed-cidr-v6": ["fd00::/80"],
    "default-gateway-v6": ["fd00::1"],
    "host-gateway-ip": ["192.0.2.1"],
    "host-gateway-ips": [["192.0.2.1"]],
    "allow-direct-routing": [True],
    "bridge-accept-fwmark": ["0x1"],
    "cdi-spec-dirs": [["/etc/cdi"]],
    "cri-containerd": [True],
    "api-cors-header": ["*"],
    "metrics-addr": ["127.0.0.1:9323"],
    "network-diagnostic-port": [2000],
    "cpu-rt-period": [1000],
    "cpu-rt-runtime": [1000],
    "oom-score-adjust": [-500],
    "swarm-default-advertise-addr": ["eth0"],
    "swarm-raft-heartbeat-tick": [1],
    "swarm-raft-election-tick": [10],
    "node-generic-resources": [["gpu=1"]],
}
# What they are called where they stand inside others is of the table itself.
OWN_KEYS = {"keepers", "registry", "registry-htpasswd", "registry-tls-certificate",
            "registry-tls-key"}  # fmt: skip


def options(folder: Path, key: str, value: Any) -> Options:
    for name in reversed(BY_KEY[key].path):
        value = {name: value}
    file = folder / "daemon.json"
    file.write_text(json.dumps(value))
    return load(["--config-file", str(file)])


def test_every_key_of_dockerd_is_known_and_no_other_is_said_to_be_docker_s() -> None:
    known = {one.path[0] for one in TABLE}
    assert known == set(DOCKER_KEYS) | OWN_KEYS
    assert {one.key for one in TABLE if not one.docker} == OWN_KEYS


@pytest.mark.parametrize("flag", DOCKER_FLAGS)
def test_every_flag_of_dockerd_is_known(flag: str) -> None:
    try:
        parse([flag])
    except ConfigurationError as error:
        assert str(error) == f"{flag}: a word is wanted after it"  # noqa: PT017 - or none


def test_each_that_does_not_act_is_looked_at() -> None:
    silent = {one.key for one in TABLE if not one.acts}
    assert silent == set(SO) | set(NOT_SO)
    # Of those that take some values, the refused ones are looked at, too.
    assert {one.key for one in TABLE if one.state == "refused"} <= set(NOT_SO)


@pytest.mark.parametrize("key", SO)
def test_what_is_so_anyway_is_taken_with_a_note(key: str, tmp_path: Path) -> None:
    for value in SO[key]:
        found = options(tmp_path, key, value)
        assert found == Options()
        assert found.notes == (
            f"{tmp_path}/daemon.json:1: {key}: changes nothing: {BY_KEY[key].reason}",
        )


@pytest.mark.parametrize("key", NOT_SO)
def test_what_wherry_does_not_do_is_refused_with_its_reason(key: str, tmp_path: Path) -> None:
    for value in NOT_SO[key]:
        with pytest.raises(ConfigurationError) as caught:
            options(tmp_path, key, value)
        assert f"{tmp_path}/daemon.json:1: {key}: " in str(caught.value)
        assert str(caught.value).endswith(f"is not supported: {BY_KEY[key].reason}")


@pytest.mark.parametrize("key", [one.key for one in TABLE if not one.acts])
def test_empty_ones_say_nothing(key: str, tmp_path: Path) -> None:
    for empty in ("", None, [], {}, 0):
        assert options(tmp_path, key, empty).notes == ()


def test_flags_say_the_same() -> None:
    words = "--live-restore -s overlay2 --restart --exec-opt native.cgroupdriver=systemd"
    found = load(["--config-file", "/dev/null", *words.split(), "--feature", "buildkit"])
    assert found == Options()
    assert [note.split(":")[0] for note in found.notes] == [
        "--restart", "--live-restore", "-s", "--exec-opt", "--feature"
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="--iptables: false is not supported"):
        load(["--config-file", "/dev/null", "--iptables=false"])


def test_the_example_of_docker_s_documentation_says_all_that_is_wrong_with_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "daemon.json"
    file.write_text(EXAMPLE)
    with pytest.raises(ConfigurationError) as caught:
        load(["--config-file", str(file)])
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (11, "ip-forward"), (13, "iptables"), (16, "runtimes"), (19, "tls"), (19, "tls"),
        (19, "tls"),
    ]  # fmt: skip


# After the full example of docs.docker.com/reference/cli/dockerd, shortened.
EXAMPLE = """{
  "allow-nondistributable-artifacts": [],
  "api-cors-header": "", "authorization-plugins": [], "bip": "", "bridge": "",
  "containerd": "/run/containerd/containerd.sock",
  "default-ulimits": {"nofile": {"Hard": 64000, "Name": "nofile", "Soft": 64000}},
  "dns": [], "dns-opts": [], "exec-opts": [], "experimental": false, "features": {},
  "proxies": {
    "http-proxy": "http://proxy.example.com:80",
    "no-proxy": "*.test.example.com,.example.org",
  },
  "icc": false, "init": false, "ip": "0.0.0.0", "ip-forward": false,
  "ip-masq": false,
  "iptables": false, "ip6tables": false,
  "log-opts": {"cache-disabled": "false", "env": "os,customer", "max-file": "5", "max-size": "10m"},
  "mtu": 0, "oom-score-adjust": 0,
  "runtimes": {"cc-runtime": {"path": "/usr/bin/cc-runtime"}},
  "seccomp-profile": "", "selinux-enabled": false, "shutdown-timeout": 15, "storage-driver": "",
  "tlscacert": "", "tlscert": "", "tlskey": "",
  "tls": true, "tlsverify": true,
  "userland-proxy": false, "userns-remap": ""
}
"""
