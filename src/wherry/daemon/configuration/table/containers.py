"""The settings that new containers get which asked for nothing else."""

from __future__ import annotations

from typing import Final

from wherry.daemon.configuration import forms
from wherry.daemon.configuration.setting import Setting

_CONTAINERS: Final = "New containers"
_OUTPUT: Final = "Output of containers"
_NAMES: Final = "Names (DNS)"
_SAID: Final = " Containers that say something else get that."

CONTAINERS: Final = (
    Setting(
        "default-ulimits", ("--default-ulimit",), forms.ULIMITS,
        "Limits of processes by name, soft and hard; -1 for none." + _SAID,
        _CONTAINERS, default={}, example={"nofile": {"Soft": 1024, "Hard": 4096}},
        into="engine.containers.ulimits", reloads=True,
    ),
    Setting(
        "default-shm-size", ("--default-shm-size",), forms.SIZE,
        "The size of /dev/shm; units are powers of 1024." + _SAID,
        _CONTAINERS, default="64MiB", example="128MiB", into="engine.containers.shm_bytes",
        reloads=True,
    ),
    Setting(
        "default-ipc-mode", ("--default-ipc-mode",), forms.choice("private", "shareable"),
        "The IPC namespace of containers: shareable is one that others may join." + _SAID,
        _CONTAINERS, default="private", example="shareable", into="engine.containers.ipc_mode",
        reloads=True,
    ),
    Setting(
        "default-cgroupns-mode", ("--default-cgroupns-mode",), forms.choice("private", "host"),
        "Whether a container sees the cgroups of the host; unset, it is private with cgroup v2"
        " and host with v1." + _SAID,
        _CONTAINERS, example="private", into="engine.containers.cgroupns_mode", reloads=True,
    ),
    Setting(
        "init", ("--init",), forms.SWITCH,
        "Put an init before the program of a container, which forwards signals and reaps"
        " processes.",
        _CONTAINERS, default=False, into="engine.containers.init", reloads=True,
    ),
    Setting(
        "init-path", ("--init-path",), forms.PATH,
        "The program that is that init; unset, docker-init, tini or catatonit, wherever it is.",
        _CONTAINERS, example="/usr/bin/tini", into="engine.containers.init_path", reloads=True,
    ),
    Setting(
        "no-new-privileges", ("--no-new-privileges",), forms.SWITCH,
        "Let no process get privileges by executing a file, such as sudo.",
        _CONTAINERS, default=False, into="engine.containers.no_new_privileges", reloads=True,
    ),
    Setting(
        "seccomp-profile", ("--seccomp-profile",), forms.PROFILE,
        "The system calls that containers may make: builtin, unconfined, or the file of a"
        " profile.",
        _CONTAINERS, default="builtin", example="unconfined",
        into="engine.containers.seccomp_profile", reloads=True,
    ),
    Setting(
        "cgroup-parent", ("--cgroup-parent",), forms.CGROUP,
        "The cgroup below which containers get theirs; unset, one of the engine's." + _SAID,
        _CONTAINERS, example="/containers", into="engine.containers.cgroup_parent", reloads=True,
    ),
    Setting(
        "log-driver", ("--log-driver",), forms.TEXT,
        "Where the output of containers goes: json-file and local keep it for `logs`, none drops"
        " it."
        + _SAID,
        _OUTPUT, default="json-file", example="none", into="engine.containers.log_driver",
        reloads=True,
    ),
    Setting(
        "log-opts", ("--log-opt",), forms.MAP,
        "Options of that driver, such as max-size and max-file: how much output is kept.",
        _OUTPUT, default={}, example={"max-size": "10m", "max-file": "3"},
        into="engine.containers.log_options", reloads=True,
    ),
    Setting(
        "dns", ("--dns",), forms.ADDRESSES,
        "Servers that answer names of other machines; unset, those of the host." + _SAID,
        _NAMES, default=[], example=["192.0.2.53"], into="engine.containers.dns", reloads=True,
    ),
    Setting(
        "dns-opts", ("--dns-opt",), forms.OPTIONS,
        "Options of the resolver in containers, as resolv.conf(5) has them." + _SAID,
        _NAMES, default=[], example=["ndots:2"], into="engine.containers.dns_options",
        reloads=True,
    ),
    Setting(
        "dns-search", ("--dns-search",), forms.DOMAINS,
        "Domains in which short names are looked for; one dot for none." + _SAID,
        _NAMES, default=[], example=["example.com"], into="engine.containers.dns_search",
        reloads=True,
    ),
)  # fmt: skip
