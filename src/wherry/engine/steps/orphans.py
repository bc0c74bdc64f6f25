"""Ends steps that a killed engine has left: their processes go before their files do.

No record speaks of a step, but its directory has the bundle, which names its cgroup. That holds
also where a keeper was killed as well and nobody knows the processes any more, and for cgroups
below a parent of the user's, which are found by nothing else. Blocking, before keepers are asked.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection

from wherry.keeper import stdio
from wherry.runtime import cgroups

log = logging.getLogger(__name__)


def end_orphans(containers: str, exec_root: str, known: Collection[str]) -> None:
    """Kill what runs in the cgroups of bundles below `containers` that no record speaks of."""
    for name in os.listdir(containers):
        if name in known:
            continue
        # With no keeper left either, nobody else would.
        stdio.remove_stdio(exec_root, name)
        path = _cgroups_path(f"{containers}/{name}/config.json")
        if path.endswith(f"/{name}"):
            try:
                cgroups.kill(path)
                cgroups.remove(path)
            except OSError as error:
                log.warning("the cgroup %s of a step could not be removed: %s", path, error)


def _cgroups_path(bundle: str) -> str:
    try:
        with open(bundle, "rb") as file:
            return str(json.load(file)["linux"]["cgroupsPath"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""  # made by a step that had not come to its bundle
