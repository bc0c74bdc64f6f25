"""What is wrong with a configuration, in one sentence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from wherry.runtime.command.check import check, problems
from wherry.runtime.command.errors import ConfigError

GOOD: dict[str, Any] = {
    "ociVersion": "1.0.2",
    "root": {"path": "rootfs"},
    "process": {"args": ["sh"], "cwd": "/"},
    "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(GOOD)
    *folders, name = path.split("/")
    at = config
    for folder in folders:
        at = at.setdefault(folder, {})
    at[name] = value
    return config


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    (tmp_path / "rootfs").mkdir()
    return str(tmp_path)


def test_a_good_one(bundle: str) -> None:
    check(GOOD, bundle)


MOUNT = [{"type": "mount"}]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("ociVersion", "2.0.0", "ociVersion is '2.0.0'"),
        ("root", {}, "root.path is missing"),
        ("root/path", "/no/such", "root.path: /no/such is not a directory"),
        ("process", None, "process.args is empty"),
        ("process/args", [], "process.args is empty"),
        ("process/cwd", "relative", "process.cwd is 'relative'"),
        ("process/apparmorProfile", "x", "process.apparmorProfile is not supported"),
        ("process/selinuxLabel", "x", "process.selinuxLabel is not supported"),
        ("process/rlimits", [{"type": "RLIMIT_X", "soft": 1, "hard": 1}], "'RLIMIT_X' is not"),
        ("process/rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}], "above the hard one"),
        ("process/capabilities", {"bounding": ["CAP_X"]}, "bounding: unknown capability 'CAP_X'"),
        ("linux/namespaces", [], "a new mount namespace is needed"),
        ("linux/namespaces", [{"type": "mount", "path": "/proc/1/ns/mnt"}], "a new mount"),
        ("linux/namespaces", MOUNT * 2, "mount is there more than once"),
        ("linux/namespaces", [*MOUNT, {"type": "color"}], "unknown type 'color'"),
        ("linux/namespaces", [*MOUNT, {"type": "pid", "path": "/no"}], "/no for pid does not"),
        ("linux/namespaces", [*MOUNT, {"type": "user"}], "a new user namespace needs users"),
        ("linux/uidMappings", [{}], "linux.uidMappings needs a user namespace"),
        ("hostname", "x", "hostname needs a UTS namespace"),
        ("linux/sysctl", {"net.core.somaxconn": "1"}, "needs a namespace of its own for network"),
        ("linux/sysctl", {"vm.swappiness": "1"}, "vm.swappiness is not in a namespace"),
        ("linux/resources", {"hugepageLimits": [{}]}, "linux.resources.hugepageLimits is not"),
        ("linux/intelRdt", {"closID": "x"}, "linux.intelRdt is not supported"),
        ("linux/seccomp", {"listenerPath": "/x"}, "linux.seccomp.listenerPath is not supported"),
        ("linux/cgroupsPath", "a.slice:b:c", "linux.cgroupsPath is one of systemd's"),
        ("mounts", [{"destination": "x"}], "destination 'x' is not an absolute path"),
        ("mounts", [{"destination": "/x", "uidMappings": [{}]}], "mapped users are not supported"),
        ("hooks", {"preheat": []}, "unknown kind 'preheat'"),
        ("hooks", {"prestart": [{"path": "x"}]}, "hooks.prestart: 'x' is not an absolute path"),
        ("hooks", {"prestart": [{"path": "/x", "timeout": 0}]}, "a timeout has to be more than 0"),
    ],
)
def test_a_bad_one_says_why(bundle: str, path: str, value: Any, problem: str) -> None:
    config = changed(path, value)
    assert any(problem in found for found in problems(config, bundle))
    with pytest.raises(ConfigError):
        check(config, bundle)


@pytest.mark.parametrize("value", ["", "unconfined", None])
def test_no_profile_is_no_problem(bundle: str, value: str | None) -> None:
    check(changed("process/apparmorProfile", value), bundle)
