"""Operations on the file system of a container: each is data that describes and executes itself.

Every target is resolved by openat2 with the container's root as the root, and mounts are attached
by descriptor: a link in a hostile image leads to another place in the image and nowhere else.
Nothing may be mounted below /proc but the few files that tools replace, since what is hidden there
is hidden by mounts as well (runc, rootfs_linux.go). The umask must be 0: modes are as said.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from typing import Final, Protocol

from wherry.base.values import dataclass, field
from wherry.linux import mounts, openat2
from wherry.runtime.rootfs.copying import copy_tree
from wherry.runtime.rootfs.options import Options, split_lowers

# An option that the new calls do not take, or a string longer than they allow.
_NOT_TAKEN: Final = (errno.EINVAL, errno.ENOSYS)
# What programs such as lxcfs show their own version of.
_REPLACEABLE: Final = frozenset(
    f"/proc/{name}"
    for name in (
        "cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg", "slabinfo",
        "net/dev", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled",
    )
)  # fmt: skip
# Where a link instead of a directory would move what masking relies on.
_PLACED_STRICTLY: Final = ("proc", "sysfs")
_NULL_DEVICE: Final = os.makedev(1, 3)


class Operation(Protocol):
    """One step of making a root file system."""

    def describe(self) -> str:
        """Say what is done, for an error message."""

    def execute(self, root: int) -> None:
        """Do it; `root` is a descriptor of the container's root directory."""


@dataclass(frozen=True, slots=True)
class MountFilesystem:
    """A new file system of a kind, mounted at a target that is made if missing."""

    kind: str
    source: str
    target: str
    options: Options = field(default_factory=Options)

    def describe(self) -> str:
        return f'mounting "{self.source}" ({self.kind}) at "{self.target}"'

    def execute(self, root: int) -> None:
        if self.kind in _PLACED_STRICTLY:
            _require_no_link(root, self.target)
        tree = _new_filesystem(self.kind, self.source, self.options)
        try:
            if self.options.copy_up:
                _copy_up(root, self.target, tree)
            if self.options.propagation:
                mounts.set_attributes(tree, propagation=self.options.propagation)
            _attach(root, self.target, tree, directory=True)
        finally:
            os.close(tree)


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of the host, shown at a target that is made if missing."""

    source: str
    target: str
    options: Options

    def describe(self) -> str:
        return f'mounting "{self.source}" to rootfs at "{self.target}"'

    def execute(self, root: int) -> None:
        directory = stat.S_ISDIR(os.stat(self.source).st_mode)
        options = self.options
        tree = mounts.clone_tree(self.source, recursive=options.bind_recursive)
        try:
            if options.add or options.clear:
                mounts.set_attributes(
                    tree,
                    add=options.add,
                    clear=options.clear,
                    recursive=options.recursive_read_only,
                )
            if self.target.rstrip("/") == "/proc":
                _require_proc(tree)
            # A bind of a shared mount of the host would show the host what is mounted below it.
            mounts.set_attributes(
                tree,
                propagation=options.propagation or mounts.MS_PRIVATE,
                recursive=options.propagation_recursive or not options.propagation,
            )
            _attach(root, self.target, tree, directory=directory)
        finally:
            os.close(tree)


@dataclass(frozen=True, slots=True)
class Device:
    """A device node; where making one is not allowed, the host's own is bound."""

    path: str
    kind: str
    major: int
    minor: int
    mode: int = 0o666
    uid: int = 0
    gid: int = 0

    def describe(self) -> str:
        return f'creating device node "{self.path}"'

    def execute(self, root: int) -> None:
        folder, _, name = self.path.rpartition("/")
        parent = openat2.make_directories(root, folder)
        try:
            kind = {"b": stat.S_IFBLK, "p": stat.S_IFIFO}.get(self.kind, stat.S_IFCHR)
            device = os.makedev(self.major, self.minor)
            os.mknod(name, kind | self.mode & 0o7777, device, dir_fd=parent)
            if self.uid or self.gid:
                os.chown(name, self.uid, self.gid, dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            pass  # the image's own, or the user's: neither replaced nor given another mode
        except PermissionError:
            Bind(self.path, self.path, Options()).execute(root)
        finally:
            os.close(parent)


@dataclass(frozen=True, slots=True)
class Protect:
    """Make a mount read-only after it has been filled."""

    target: str

    def describe(self) -> str:
        return f'making "{self.target}" read-only'

    def execute(self, root: int) -> None:
        target = openat2.open_in_root(root, self.target, os.O_PATH | os.O_DIRECTORY)
        try:
            mounts.set_attributes(target, add=mounts.MOUNT_ATTR_RDONLY)
        finally:
            os.close(target)


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link; one that is there already is left. Made only where the host has `needs`."""

    path: str
    leads_to: str
    needs: str = "/"

    def describe(self) -> str:
        return f'creating link "{self.path}"'

    def execute(self, root: int) -> None:
        if not os.path.exists(self.needs):
            return
        folder, _, name = self.path.rpartition("/")
        parent = openat2.make_directories(root, folder)
        try:
            with contextlib.suppress(FileExistsError):
                os.symlink(self.leads_to, name, dir_fd=parent)
        finally:
            os.close(parent)


@dataclass(frozen=True, slots=True)
class Mask:
    """Hide paths: an empty read-only directory over directories, /dev/null over everything else."""

    paths: Sequence[str]

    def describe(self) -> str:
        return "masking paths"

    def execute(self, root: int) -> None:
        null = -1
        try:
            for path in self.paths:
                target = _open_present(root, path)
                if target is None:
                    continue
                try:
                    if stat.S_ISDIR(os.fstat(target).st_mode):
                        # One for each: before Linux 6.15, what is not mounted is not copied.
                        tree = _empty_directory()
                    else:
                        null = _null_device(root) if null < 0 else null
                        tree = mounts.clone_tree("", recursive=False, directory=null)
                    mounts.attach(tree, target)
                    os.close(tree)
                finally:
                    os.close(target)
        finally:
            if null >= 0:
                os.close(null)


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Make what is at these paths read-only, by binding each on itself."""

    paths: Sequence[str]

    def describe(self) -> str:
        return "making paths read-only"

    def execute(self, root: int) -> None:
        for path in self.paths:
            target = _open_present(root, path)
            if target is None:
                continue
            try:
                tree = mounts.clone_tree("", recursive=True, directory=target)
                mounts.set_attributes(tree, add=mounts.MOUNT_ATTR_RDONLY)
                mounts.attach(tree, target)
                os.close(tree)
            finally:
                os.close(target)


def overlay(options: Sequence[str]) -> int:
    """Return a detached overlay mount; paths in `options` are escaped as overlayfs wants them.

    `lowerdir+` takes one layer at a time (Linux 6.5), so a hundred layers fit; before that all have
    to fit one page, which numbers of descriptors instead of paths make the most of.
    """
    pairs = dict(option.partition("=")[::2] for option in options if "=" in option)
    # The kernel takes no directory twice, and what is below its own copy is never seen.
    lowers = list(dict.fromkeys(split_lowers(pairs.pop("lowerdir", ""))))
    try:
        context = mounts.open_filesystem("overlay")
        try:
            mounts.configure(context, "source", "overlay")
            for lower in lowers:
                mounts.configure(context, "lowerdir+", lower)
            for key, value in pairs.items():
                mounts.configure(context, key, value)
        except BaseException:
            os.close(context)
            raise
        return mounts.create_filesystem(context)
    except OSError as error:
        if error.errno not in _NOT_TAKEN:
            raise
    return _overlay_at_once(lowers, pairs)


def _overlay_at_once(lowers: Sequence[str], pairs: dict[str, str]) -> int:
    """Name the layers by numbers of descriptors, of which a thousand fit one page."""
    opened = [os.open(lower, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for lower in lowers]
    names = ":".join(str(descriptor) for descriptor in opened)
    data = ",".join([f"lowerdir={names}", *(f"{key}={value}" for key, value in pairs.items())])
    # Any directory does to mount on: the copy taken of it is what gets attached.
    somewhere = os.path.dirname(lowers[0])
    os.chdir("/proc/self/fd")
    mounts.mount("overlay", somewhere, "overlay", 0, data)
    os.chdir("/")
    for descriptor in opened:
        os.close(descriptor)
    tree = mounts.clone_tree(somewhere, recursive=False)
    # It would hide what other mounts are made of.
    mounts.unmount(somewhere, mounts.MNT_DETACH)
    return tree


def _new_filesystem(kind: str, source: str, options: Options) -> int:
    if kind == "overlay":
        tree = overlay(options.data)
        if options.add:
            mounts.set_attributes(tree, add=options.add)
        return tree
    context = mounts.open_filesystem(kind)
    try:
        if source:
            mounts.configure(context, "source", source)
        for word in options.data:
            key, separator, value = word.partition("=")
            mounts.configure(context, key, value if separator else None)
    except BaseException:
        os.close(context)
        raise
    return mounts.create_filesystem(context, options.add)


def _copy_up(root: int, path: str, tree: int) -> None:
    """Fill a new file system with what is in the directory that it will cover."""
    covered = openat2.make_directories(root, path)
    try:
        copy_tree(covered, tree)
    finally:
        os.close(covered)


def _empty_directory() -> int:
    context = mounts.open_filesystem("tmpfs")
    mounts.configure(context, "source", "tmpfs")
    mounts.configure(context, "size", "0k")
    return mounts.create_filesystem(context, mounts.MOUNT_ATTR_RDONLY)


def _null_device(root: int) -> int:
    """Open the container's /dev/null, having made sure that it is one.

    The host's own is not used: its mount would tell the container what the host's /dev is.
    """
    null = openat2.open_in_root(root, "dev/null", os.O_PATH | os.O_NOFOLLOW)
    told = os.fstat(null)
    if not stat.S_ISCHR(told.st_mode) or told.st_rdev != _NULL_DEVICE:
        os.close(null)
        raise OSError(errno.ENODEV, "/dev/null is not the null device")
    return null


def _open_present(root: int, path: str) -> int | None:
    try:
        return openat2.open_in_root(root, path, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _require_no_link(root: int, target: str) -> None:
    """Refuse /proc or /sys in an image that has something else there than a directory."""
    resolve = openat2.RESOLVE_IN_ROOT | openat2.RESOLVE_NO_SYMLINKS
    try:
        os.close(openat2.open_how(root, target, os.O_PATH | os.O_DIRECTORY, 0, resolve))
    except FileNotFoundError:
        return
    except OSError as error:
        text = f"{target} must be an ordinary directory"
        raise OSError(error.errno, text) from error


def _require_proc(tree: int) -> None:
    if mounts.filesystem_magic(tree) != mounts.PROC_MAGIC:
        raise OSError(errno.EPERM, "/proc cannot be mounted on because it is not of type proc")


def _attach(root: int, path: str, tree: int, *, directory: bool) -> None:
    make = openat2.make_directories if directory else openat2.make_file
    target = make(root, path)
    try:
        _require_allowed(path, target)
        mounts.attach(tree, target)
    finally:
        os.close(target)


def _require_allowed(path: str, target: int) -> None:
    if mounts.filesystem_magic(target) != mounts.PROC_MAGIC:
        return
    if path.rstrip("/") != "/proc" and path not in _REPLACEABLE:
        raise OSError(errno.EPERM, f'"{path}" cannot be mounted because it is inside /proc')
