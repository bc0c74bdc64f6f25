"""Which control groups this machine has and where they are mounted.

Legacy (v1): a mount for each controller or a few together. Unified (v2): one mount. Hybrid: v1
controllers with an empty v2 mount beside them, which is then only good for nothing: treated as v1.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from wherry.base.values import dataclass

_V1_CONTROLLERS = frozenset(
    {"blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"}
)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Mount points by v1 controller; or the one mount point of v2 and its controllers."""

    legacy: Mapping[str, str]
    unified: str | None = None
    controllers: frozenset[str] = frozenset()

    @property
    def is_unified(self) -> bool:
        """True where resources are controlled by v2."""
        return not self.legacy and self.unified is not None

    def directories(self, path: str, controllers: Iterable[str]) -> list[str]:
        """Return the directory of a cgroup under each of these controllers, without repetition."""
        if self.is_unified:
            return [f"{self.unified}{path}"]
        tops = [self.legacy[name] for name in controllers if name in self.legacy]
        return [f"{top}{path}" for top in dict.fromkeys(tops)]


def parse_mountinfo(text: str) -> Hierarchy:
    """Find the hierarchies in the content of /proc/self/mountinfo."""
    legacy: dict[str, str] = {}
    unified = None
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, rest = after.partition(" ")
        target = before.split(" ")[4]
        if kind == "cgroup2":
            unified = unified or target
        elif kind == "cgroup":
            for option in rest.rpartition(" ")[2].split(","):
                if option in _V1_CONTROLLERS:
                    legacy.setdefault(option, target)
    return Hierarchy(legacy, unified)


@functools.cache
def hierarchy() -> Hierarchy:
    """Return this machine's hierarchy; read once, since nobody remounts these."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        found = parse_mountinfo(file.read())
    if not found.is_unified:
        return found
    with open(f"{found.unified}/cgroup.controllers", encoding="ascii") as file:
        return Hierarchy({}, found.unified, frozenset(file.read().split()))
