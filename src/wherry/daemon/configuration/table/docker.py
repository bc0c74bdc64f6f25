"""dockerd's settings that do nothing here.

A value that asks for what is so anyway is taken, with a note; one that asks for something else is
refused: whoever set it would rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from wherry.daemon.configuration import forms
from wherry.daemon.configuration.setting import REFUSED, TAKEN, Form, Setting

_SWARM: Final = "there is no swarm mode"
_IPV6: Final = "networks of containers have IPv4 only"
_ONE_LIMIT: Final = "the build cache has one limit: set builder.gc.defaultMaxUsedSpace"
_GATEWAY: Final = "the name host-gateway stands for the gateway of the default network"
_REALTIME: Final = "give containers --cpu-rt-period and --cpu-rt-runtime instead"


def _anything(_value: Any) -> bool:
    return True


def _nothing(value: Any) -> bool:
    return not value


def _taken(
    key: str, form: Form, reason: str, flags: Sequence[str] | None = None,
    allows: Callable[[Any], bool] = _anything,
) -> Setting:  # fmt: skip
    """Return a setting of which some values, or all, change nothing."""
    return Setting(
        key, _flags(key, flags), form, reason, TAKEN, allows=allows, reason=reason
    )  # fmt: skip


def _refused(
    key: str, form: Form, reason: str, flags: Sequence[str] | None = None
) -> Setting:  # fmt: skip
    """Return a setting of which only an empty value or false is taken."""
    return Setting(
        key, _flags(key, flags), form, reason, REFUSED, allows=_nothing, reason=reason
    )  # fmt: skip


def _flags(key: str, flags: Sequence[str] | None) -> tuple[str, ...]:
    return (f"--{key}",) if flags is None else tuple(flags)


def _only(*known: Any) -> Callable[[Any], bool]:
    return lambda value: value in known


def _exec_options(value: Any) -> bool:
    known = {"native.cgroupdriver=cgroupfs", "native.cgroupdriver=systemd"}
    return all(one.replace(" ", "").lower() in known for one in value)


def _storage_options(value: Any) -> bool:
    return all(one.replace(" ", "").startswith("overlay2.override_kernel_check=") for one in value)


DOCKER: Final = (
    _taken(
        "live-restore", forms.SWITCH, "containers always go on while the engine is away",
        allows=_only(True),
    ),
    _taken(
        "iptables", forms.SWITCH,
        "what containers may reach is always filtered, by nftables", allows=_only(True),
    ),
    _taken("ip6tables", forms.SWITCH, _IPV6),
    _taken(
        "ip-forward", forms.SWITCH, "forwarding of packets is switched on with the first network",
        allows=_only(True),
    ),
    _taken(
        "ip-forward-no-drop", forms.SWITCH,
        "the policy of FORWARD is left alone, and wherry's own rules keep others out",
    ),
    _taken(
        "firewall-backend", forms.TEXT, "rules are made by nftables", allows=_only("nftables"),
    ),
    _taken("userland-proxy", forms.SWITCH, "published ports need no proxy, also on the loopback"),
    _taken("userland-proxy-path", forms.TEXT, "published ports need no proxy"),
    _taken(
        "storage-driver", forms.TEXT, "layers are always mounted by overlayfs",
        flags=["-s", "--storage-driver"],
        allows=_only("overlay2", "overlay", "overlayfs"),
    ),
    _taken(
        "storage-opts", forms.LIST, "layers are always mounted by overlayfs, without quotas",
        flags=["--storage-opt"], allows=_storage_options,
    ),
    _taken(
        "exec-opts", forms.LIST,
        "cgroups are made by wherry, below a scope of systemd's where systemd runs",
        flags=["--exec-opt"], allows=_exec_options,
    ),
    _taken(
        "default-runtime", forms.TEXT, "containers are started by wherry's own runtime",
        allows=_only("runc", "io.containerd.runc.v2", "wherry"),
    ),
    _taken("containerd", forms.TEXT, "there is no containerd"),
    _taken("containerd-namespace", forms.TEXT, "there is no containerd"),
    _taken(
        "containerd-plugin-namespace", forms.TEXT, "there is no containerd",
        flags=["--containerd-plugins-namespace"],
    ),
    _taken(
        "shutdown-timeout", forms.whole(-1), "containers go on when the engine ends"
    ),
    _taken("experimental", forms.SWITCH, "nothing is hidden"),
    _taken("features", forms.FEATURES, "nothing is hidden", flags=["--feature"]),
    _taken("raw-logs", forms.SWITCH, "the log has full times and no colours"),
    _taken("network-control-plane-mtu", forms.whole(), _SWARM),
    _taken(
        "allow-nondistributable-artifacts", forms.LIST, "Docker has given it up",
    ),
    _taken("deprecated-key-path", forms.TEXT, "Docker has given it up", ()),
    _taken("builder.history", forms.ANY_MAP, "no history of builds is kept", ()),
    _taken(
        "builder.entitlements", forms.FEATURES, "a build is given them by its command: --allow", ()
    ),
    _refused("builder.gc.policy", forms.ANY_LIST, _ONE_LIMIT, ()),
    _refused("builder.gc.defaultMinFreeSpace", forms.SIZE, _ONE_LIMIT, ()),
    _refused(
        "runtimes", forms.ANY_MAP, "containers are started by wherry's own runtime",
        flags=["--add-runtime"],
    ),
    _refused(
        "authorization-plugins", forms.LIST,
        "there are no plugins: who may use the engine is decided by group and by TLS",
        flags=["--authorization-plugin"],
    ),
    _refused("userns-remap", forms.TEXT, "root in containers is root of the host, confined"),
    _refused("selinux-enabled", forms.SWITCH, "containers get no SELinux labels"),
    _refused("rootless", forms.SWITCH, "the engine needs root"),
    _refused("ipv6", forms.SWITCH, _IPV6),
    _refused("bip6", forms.TEXT, _IPV6),
    _refused("fixed-cidr-v6", forms.TEXT, _IPV6),
    _refused("default-gateway-v6", forms.TEXT, _IPV6),
    _refused("host-gateway-ip", forms.TEXT, _GATEWAY),
    _refused("host-gateway-ips", forms.LIST, _GATEWAY, ()),
    _refused(
        "allow-direct-routing", forms.SWITCH,
        "other machines reach what is published, at the address of the host",
    ),
    _refused("bridge-accept-fwmark", forms.TEXT, "marks of packets open nothing"),
    _refused(
        "cdi-spec-dirs", forms.LIST, "devices are given by --device", flags=["--cdi-spec-dir"]
    ),
    _refused("cri-containerd", forms.SWITCH, "there is no containerd"),
    _refused("api-cors-header", forms.TEXT, "Docker has removed it: use a reverse proxy"),
    _refused("metrics-addr", forms.TEXT, "the engine has no metrics"),
    _refused("network-diagnostic-port", forms.whole(), "there is no diagnostic server"),
    _refused("cpu-rt-period", forms.whole(), _REALTIME),
    _refused("cpu-rt-runtime", forms.whole(), _REALTIME),
    _refused(
        "oom-score-adjust", forms.whole(-1000, 1000),
        "the service manager does it: OOMScoreAdjust= of systemd",
    ),
    _refused("swarm-default-advertise-addr", forms.TEXT, _SWARM),
    _refused("swarm-raft-heartbeat-tick", forms.whole(), _SWARM, ()),
    _refused("swarm-raft-election-tick", forms.whole(), _SWARM, ()),
    _refused(
        "node-generic-resources", forms.LIST, _SWARM, flags=["--node-generic-resource"]
    ),
)  # fmt: skip
