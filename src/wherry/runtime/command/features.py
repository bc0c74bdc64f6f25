"""`features`: what this runtime can do, as the runtime-spec's features.md has it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from wherry.linux import namespaces
from wherry.runtime import hooks
from wherry.runtime.rootfs.options import KNOWN
from wherry.runtime.security import seccomp
from wherry.runtime.security.capabilities import NAMES
from wherry.runtime.version import SPECIFICATION


def main(_parsed: argparse.Namespace) -> int:
    """Print the features."""
    sys.stdout.write(json.dumps(features(), indent=2) + "\n")
    return 0


def features() -> dict[str, Any]:
    """Return the features structure."""
    absent = {"enabled": False}
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": SPECIFICATION,
        "hooks": list(hooks.KINDS),
        "mountOptions": sorted(KNOWN),
        "linux": {
            "namespaces": sorted(namespaces.FLAGS),
            "capabilities": list(NAMES),
            "cgroup": {
                "v1": True,
                "v2": True,
                "systemd": False,
                "systemdUser": False,
                "rdma": False,
            },
            "seccomp": {
                "enabled": seccomp.is_available(),
                "actions": sorted(seccomp.ACTIONS),
                "operators": sorted(seccomp.COMPARISONS),
                "archs": sorted(seccomp.KNOWN_ARCHITECTURES),
                "knownFlags": [],
                "supportedFlags": [],
            },
            "apparmor": absent,
            "selinux": absent,
            "intelRdt": absent,
            "mountExtensions": {"idmap": absent},
        },
        "annotations": {},
        "potentiallyUnsafeConfigAnnotations": [],
    }
