"""Mount options of the runtime-spec, sorted into what the kernel wants where: pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wherry.base.values import dataclass
from wherry.linux import mounts

_SET: Final = {
    "ro": mounts.MOUNT_ATTR_RDONLY,
    "nosuid": mounts.MOUNT_ATTR_NOSUID,
    "nodev": mounts.MOUNT_ATTR_NODEV,
    "noexec": mounts.MOUNT_ATTR_NOEXEC,
    "nodiratime": mounts.MOUNT_ATTR_NODIRATIME,
    "nosymfollow": mounts.MOUNT_ATTR_NOSYMFOLLOW,
}
_CLEAR: Final = {
    "rw": mounts.MOUNT_ATTR_RDONLY,
    "suid": mounts.MOUNT_ATTR_NOSUID,
    "dev": mounts.MOUNT_ATTR_NODEV,
    "exec": mounts.MOUNT_ATTR_NOEXEC,
    "diratime": mounts.MOUNT_ATTR_NODIRATIME,
    "symfollow": mounts.MOUNT_ATTR_NOSYMFOLLOW,
}
# One field of two bits with relatime as 0: setting it means clearing the field as well.
_ACCESS_TIME: Final = {
    "noatime": mounts.MOUNT_ATTR_NOATIME,
    "strictatime": mounts.MOUNT_ATTR_STRICTATIME,
    "relatime": 0,
    "atime": 0,
}
_PROPAGATION: Final = {
    "private": mounts.MS_PRIVATE,
    "slave": mounts.MS_SLAVE,
    "shared": mounts.MS_SHARED,
    "unbindable": mounts.MS_UNBINDABLE,
}
_IGNORED: Final = frozenset(
    {"defaults", "async", "sync", "dirsync", "mand", "nomand", "lazytime", "silent", "loud"}
)

# Every option that has a meaning of its own; others go to the file system.
KNOWN: Final = frozenset(
    [*_SET, *_CLEAR, *_ACCESS_TIME, *_PROPAGATION, *_IGNORED, "rro", "bind", "rbind", "tmpcopyup"]
) | {f"r{word}" for word in _PROPAGATION}


@dataclass(frozen=True, slots=True)
class Options:
    """`add`, `clear` are MOUNT_ATTR flags, `propagation` MS flags, `data` for the file system.

    With `copy_up` a new file system begins with what was in the directory that it covers.
    """

    add: int = 0
    clear: int = 0
    propagation: int = 0
    propagation_recursive: bool = False
    recursive_read_only: bool = False
    bind: bool = False
    bind_recursive: bool = False
    copy_up: bool = False
    data: tuple[str, ...] = ()


def parse_options(words: Sequence[str]) -> Options:
    """Sort the options of one mount; a later word overrides an earlier one."""
    add = clear = propagation = 0
    propagation_recursive = recursive_read_only = bind = recursive = copy_up = False
    data = []
    for word in words:
        if word in ("bind", "rbind"):
            bind, recursive = True, word == "rbind"
        elif word in _SET:
            add, clear = add | _SET[word], clear & ~_SET[word]
        elif word in _CLEAR:
            add, clear = add & ~_CLEAR[word], clear | _CLEAR[word]
        elif word in _ACCESS_TIME:
            add = add & ~mounts.MOUNT_ATTR_ATIME | _ACCESS_TIME[word]
            clear |= mounts.MOUNT_ATTR_ATIME
        elif word == "tmpcopyup":
            copy_up = True
        elif word == "rro":
            add, recursive_read_only = add | mounts.MOUNT_ATTR_RDONLY, True
        elif word.removeprefix("r") in _PROPAGATION:
            propagation_recursive = word.startswith("r")
            propagation = _PROPAGATION[word.removeprefix("r")]
        elif word not in _IGNORED:
            data.append(word)
    return Options(
        add, clear, propagation, propagation_recursive, recursive_read_only, bind, recursive,
        copy_up, tuple(data),
    )  # fmt: skip


def split_lowers(text: str) -> list[str]:
    """Split the value of overlayfs's `lowerdir`: at colons, which a backslash makes ordinary."""
    paths = [""]
    escaped = False
    for character in text:
        if escaped or character not in ":\\":
            paths[-1] += character
            escaped = False
        elif character == ":":
            paths.append("")
        else:
            escaped = True
    return paths
