"""Control groups of containers, on cgroup v1, v2 and hybrid machines.

`hierarchy` finds what is mounted, `plan` turns OCI resources into writes (pure), `manage` makes,
joins, empties and removes. A cgroups path is like `/wherry-1a2b3c/<container id>`, the same below
every controller.
"""

from wherry.runtime.cgroups.manage import (
    anticipate,
    begin_join,
    freeze,
    is_frozen,
    join,
    kill,
    make,
    oom_kills,
    pids,
    place,
    remove,
    remove_parent,
    update,
)

__all__ = [
    "anticipate",
    "begin_join", "freeze", "is_frozen", "join", "kill", "make", "oom_kills", "pids", "place",
    "remove", "remove_parent", "update",
]  # fmt: skip
