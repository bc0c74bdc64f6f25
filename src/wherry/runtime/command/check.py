"""Whether a configuration can be run here; one clear sentence where not. Pure but for `root`.

What the specification has and this runtime does not do is refused, never ignored: who asks for a
label or a limit relies on it.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from wherry.linux import namespaces
from wherry.runtime.command.errors import ConfigError
from wherry.runtime.hooks import KINDS
from wherry.runtime.security.capabilities import NAMES

_REFUSED: Final = (
    ("process", "apparmorProfile"), ("process", "selinuxLabel"), ("process", "scheduler"),
    ("process", "ioPriority"), ("process", "execCPUAffinity"), ("linux", "mountLabel"),
    ("linux", "intelRdt"), ("linux", "personality"), ("linux", "netDevices"),
    ("linux", "memoryPolicy"), ("linux", "seccomp", "listenerPath"),
    ("linux", "resources", "hugepageLimits"), ("linux", "resources", "network", "classID"),
    ("linux", "resources", "network", "priorities"), ("linux", "resources", "rdma"),
    ("vm",), ("windows",), ("solaris",),
)  # fmt: skip
# Which namespace a sysctl is in; others are the host's.
_SYSCTLS: Final = (
    ("net.", "network"), ("kernel.msg", "ipc"), ("kernel.sem", "ipc"), ("kernel.shm", "ipc"),
    ("fs.mqueue.", "ipc"), ("kernel.domainname", "uts"), ("kernel.hostname", "uts"),
)  # fmt: skip


def check(config: Mapping[str, Any], bundle: str) -> None:
    """Raise ConfigError for the first thing that is wrong."""
    if problem := next(problems(config, bundle), None):
        raise ConfigError(problem)


def problems(config: Mapping[str, Any], bundle: str) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong."""
    version = config.get("ociVersion") or ""
    if not version.startswith("1."):
        yield f"ociVersion is {version!r}: this runtime knows versions 1.x of the specification"
    for path in _REFUSED:
        if _at(config, path) not in (None, "", [], {}, "unconfined"):
            yield f"{'.'.join(path)} is not supported"
    root = (config.get("root") or {}).get("path")
    if not root:
        yield "root.path is missing"
    elif not os.path.isdir(os.path.join(bundle, root)):
        yield f"root.path: {os.path.join(bundle, root)} is not a directory"
    yield from process_problems(config.get("process"))
    yield from _namespaces(config)
    yield from _mounts(config)
    yield from _hooks(config)


def _at(config: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = config
    for name in path:
        found = (found or {}).get(name)
    return found


def process_problems(process: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with an OCI process."""
    if not process or not process.get("args"):
        yield "process.args is empty: there is nothing to run"
        return
    if not (process.get("cwd") or "").startswith("/"):
        yield f"process.cwd is {process.get('cwd')!r}: it has to be an absolute path"
    for limit in process.get("rlimits") or []:
        kind = limit.get("type") or ""
        if not kind.startswith("RLIMIT_") or not hasattr(resource, kind):
            yield f"process.rlimits: {kind!r} is not a limit that this system knows"
        elif limit["soft"] > limit["hard"]:
            yield f"process.rlimits: {kind} has a soft limit above the hard one"
    for kind, names in (process.get("capabilities") or {}).items():
        for name in names or []:
            if name not in NAMES:
                yield f"process.capabilities.{kind}: unknown capability {name!r}"


def _namespaces(config: Mapping[str, Any]) -> Iterator[str]:
    linux = config.get("linux") or {}
    kinds = [entry.get("type") for entry in linux.get("namespaces") or []]
    paths = {entry.get("type"): entry.get("path") for entry in linux.get("namespaces") or []}
    for kind in sorted(set(map(str, kinds))):
        if kind not in namespaces.FLAGS:
            yield f"linux.namespaces: unknown type {kind!r}"
        elif kinds.count(kind) > 1:
            yield f"linux.namespaces: {kind} is there more than once"
        elif paths[kind] and not os.path.exists(paths[kind]):
            yield f"linux.namespaces: {paths[kind]} for {kind} does not exist"
    if "mount" not in kinds or paths["mount"]:
        yield "linux.namespaces: a new mount namespace is needed; without one the host's changes"
    if "user" in kinds and not paths["user"] and not linux.get("uidMappings"):
        yield "linux.uidMappings is empty: a new user namespace needs users"
    if (linux.get("uidMappings") or linux.get("gidMappings")) and "user" not in kinds:
        yield "linux.uidMappings needs a user namespace"
    yield from _named_in_namespaces(config, set(map(str, kinds)))


def _named_in_namespaces(config: Mapping[str, Any], kinds: Set[str]) -> Iterator[str]:
    """What would change the host where its namespace is not the container's own."""
    for key in ("hostname", "domainname"):
        if config.get(key) and "uts" not in kinds:
            yield f"{key} needs a UTS namespace; without one the host's would change"
    for name in (config.get("linux") or {}).get("sysctl") or {}:
        owner = next((kind for prefix, kind in _SYSCTLS if name.startswith(prefix)), None)
        if owner is None:
            yield f"linux.sysctl: {name} is not in a namespace, it is the whole host's"
        elif owner not in kinds:
            yield f"linux.sysctl: {name} needs a namespace of its own for {owner}"


def _mounts(config: Mapping[str, Any]) -> Iterator[str]:
    for mount in config.get("mounts") or []:
        target = mount.get("destination") or ""
        if not target.startswith("/"):
            yield f"mounts: destination {target!r} is not an absolute path"
        if mount.get("uidMappings") or mount.get("gidMappings"):
            yield f"mounts: {target}: mounts with mapped users are not supported"
    if ":" in ((config.get("linux") or {}).get("cgroupsPath") or ""):
        yield "linux.cgroupsPath is one of systemd's: use the cgroupfs manager"


def _hooks(config: Mapping[str, Any]) -> Iterator[str]:
    for kind, hooks in (config.get("hooks") or {}).items():
        if kind not in KINDS:
            yield f"hooks: unknown kind {kind!r}"
        for hook in hooks or []:
            if not (hook.get("path") or "").startswith("/"):
                yield f"hooks.{kind}: {hook.get('path')!r} is not an absolute path"
            if hook.get("timeout") is not None and hook["timeout"] <= 0:
                yield f"hooks.{kind}: {hook.get('path')}: a timeout has to be more than 0"
