"""Layers without archives: what is made again is what was hashed, on a real file system."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.layers import described, image_of, upper_of
from wherry.oci.digest import Digest
from wherry.store.errors import CorruptContentError
from wherry.store.layers.seal import SealedLayer, seal
from wherry.store.layers.unpack import OPAQUE_XATTR
from wherry.store.store import Store

ADOPT = """
import os, sys
from fixtures.layers import upper_of
from wherry.store.store import Store
store = Store.open(sys.argv[1])
upper = upper_of(store, "step", {"f": b"x"})
store.layers.adopt(upper, store.layers.seal(upper, clamp_ns=0))
"""

NAMES = st.binary(min_size=1, max_size=120).filter(
    lambda name: not {0, ord("/")} & {*name} and name not in (b".", b"..") and name[:4] != b".wh."
)
SIMPLE = ("file", "hard", "link", "pipe", "character", "block", "whiteout", "socket")
KINDS = st.sampled_from(["directory", "directory", "opaque", "file", *SIMPLE])
XATTRS = st.fixed_dictionaries(
    {},
    optional={
        b"user.a": st.binary(max_size=200),
        b"user.\xff": st.binary(max_size=200),
        b"trusted.b": st.binary(max_size=200),
        b"security.capability": st.binary(min_size=16, max_size=16).map(b"\0\0\0\2".__add__)
        | st.just(b""),
    },
)


@dataclass(frozen=True)
class Thing:
    """Something in a directory that is chosen among those made before it."""

    where: int
    name: bytes
    kind: str
    mode: int
    uid: int
    mtime_ns: int
    data: bytes
    xattrs: dict[bytes, bytes]


THINGS = st.builds(
    Thing,
    where=st.integers(0, 50),
    name=NAMES,
    kind=KINDS,
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    mtime_ns=st.integers(-(2**31) * 10**9, 2**33 * 10**9),
    data=st.binary(max_size=1500),
    xattrs=XATTRS,
)


def make(top: str, things: Sequence[Thing]) -> None:
    """Make what can be made; times come last, for making changes them."""
    directories, files, made = [os.fsencode(top)], list[bytes](), list[tuple[bytes, Thing]]()
    for thing in things:
        path = directories[thing.where % len(directories)] + b"/" + thing.name
        if os.path.lexists(path):
            continue
        if thing.kind in ("directory", "opaque"):
            os.mkdir(path)
            directories.append(path)
        elif thing.kind == "file":
            Path(os.fsdecode(path)).write_bytes(thing.data)
            files.append(path)
        elif thing.kind == "hard" and files:
            os.link(files[thing.where % len(files)], path)
            continue
        elif thing.kind == "link":
            os.symlink(thing.name + b"/" + thing.name, path)
        elif not make_node(path, thing):
            continue
        adorn(path, thing)
        made.append((path, thing))
    for path, thing in reversed(made):
        os.utime(path, ns=(0, thing.mtime_ns), follow_symlinks=False)


def make_node(path: bytes, thing: Thing) -> bool:
    if thing.kind == "pipe":
        os.mkfifo(path)
    elif thing.kind == "character":
        os.mknod(path, stat.S_IFCHR, os.makedev(5, thing.uid % 1_000_000))
    elif thing.kind == "block":
        os.mknod(path, stat.S_IFBLK, os.makedev(0, 0))
    elif thing.kind == "whiteout":
        os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
    elif thing.kind == "socket":
        os.mknod(path, stat.S_IFSOCK)
    else:
        return False
    return True


def adorn(path: bytes, thing: Thing) -> None:
    os.chown(path, thing.uid, thing.uid // 2, follow_symlinks=False)
    names = list(thing.xattrs.items()) if thing.kind in ("file", "directory", "opaque") else []
    if thing.kind == "opaque":
        names.append((OPAQUE_XATTR.encode(), b"y"))
    # What overlayfs itself leaves behind.
    names.append((b"trusted.overlay.origin", b"\x00\xfb!"))
    if thing.kind != "link":
        os.chmod(path, thing.mode)
    for name, value in names:
        with contextlib.suppress(OSError):  # capabilities have a form, names a file system's limits
            os.setxattr(path, name, value, follow_symlinks=False)


def listing(top: str) -> list[tuple[object, ...]]:
    """Describe all that a layer has."""
    found, inodes = [], dict[tuple[int, int], bytes]()
    for folder, directories, files in os.walk(os.fsencode(top)):
        directories.sort()
        for name in sorted([*directories, *files]):
            path = folder + b"/" + name
            told = os.lstat(path)
            whiteout = stat.S_ISCHR(told.st_mode) and told.st_rdev == 0
            content = Path(os.fsdecode(path)).read_bytes() if stat.S_ISREG(told.st_mode) else b""
            first = b"" if whiteout else inodes.setdefault((told.st_dev, told.st_ino), path)
            attributes = {}
            for attribute in os.listxattr(path, follow_symlinks=False):
                with contextlib.suppress(OSError):  # a capability that is none cannot be read
                    value = os.getxattr(path, attribute, follow_symlinks=False)
                    attributes[attribute] = value
            found.append(
                (
                    path.removeprefix(os.fsencode(top)),
                    # A whiteout has only a name.
                    None if whiteout else (told.st_mode, told.st_uid, told.st_gid, told.st_rdev),
                    None if whiteout else told.st_mtime_ns,
                    os.readlink(path) if stat.S_ISLNK(told.st_mode) else content,
                    first.removeprefix(os.fsencode(top)) if stat.S_ISREG(told.st_mode) else b"",
                    attributes,
                )
            )
    return sorted(found)


def digest_of(store: Store, diff_id: Digest) -> str:
    sink = io.BytesIO()
    store.layers.regenerate(diff_id, sink)
    return f"sha256:{hashlib.sha256(sink.getvalue()).hexdigest()}"


@contextlib.contextmanager
def two_stores(folder: Path) -> Iterator[tuple[Store, Store]]:
    name = os.urandom(6).hex()
    with (
        contextlib.closing(Store.open(str(folder / f"{name}-1"), sync=False)) as first,
        contextlib.closing(Store.open(str(folder / f"{name}-2"), sync=False)) as second,
    ):
        yield first, second


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    things=st.lists(THINGS, max_size=25), clamp_ns=st.none() | st.integers(0, 2_000_000_000 * 10**9)
)
def test_a_layer_gives_its_archive_here_and_wherever_it_is_unpacked(
    tmp_path: Path, things: list[Thing], clamp_ns: int | None
) -> None:
    with two_stores(tmp_path) as (here, elsewhere):
        upper = upper_of(here, "step", {})
        make(upper, things)
        sealed = here.layers.seal(upper, clamp_ns=clamp_ns)
        assert here.layers.seal(upper, clamp_ns=clamp_ns) == sealed
        assert sealed.empty is (os.listdir(upper) == [])
        if sealed.empty:
            return
        before = listing(upper)
        here.layers.adopt(upper, sealed)
        assert listing(here.layers.path(sealed.diff_id)) == before
        assert digest_of(here, sealed.diff_id) == sealed.diff_id
        with here.blobs.open(described(sealed)) as source:
            unpacked = elsewhere.layers.unpack(source, "", sealed.diff_id)
        assert unpacked.size == sealed.size
        image_of(elsewhere, sealed)  # which settles it
        assert digest_of(elsewhere, sealed.diff_id) == sealed.diff_id
        assert listing(elsewhere.layers.path(sealed.diff_id)) == before
        if clamp_ns is not None:
            assert all(one[2] is None or one[2] <= clamp_ns for one in before)  # type: ignore[operator]


@pytest.fixture
def mounted(store: Store, tmp_path: Path) -> Iterator[Path]:
    """A step's root file system, mounted on a layer with some files, as the engine would."""
    low = upper_of(store, "low", {"d/kept": b"1", "d/gone": b"2", "old/f": b"3", "e/f": b"4"})
    (mount,) = store.snapshots.prepare_on("step", [low])
    root = tmp_path / "mounted"
    root.mkdir()
    options = ",".join(mount.options)
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", str(root)], check=True)


def change(root: Path) -> None:
    """Do what leaves traces of overlayfs: copies, removals, renames, replacements."""
    (root / "d" / "gone").unlink()
    with (root / "d" / "kept").open("ab") as file:
        file.write(b"more")
    os.chown(root / "e" / "f", 7, 7)
    subprocess.run(["mv", str(root / "old"), str(root / "new")], check=True)
    (root / "made").mkdir()
    (root / "made").rename(root / "d" / "moved")
    (root / "e" / "link").symlink_to("f")
    (root / "twice").write_bytes(b"x")
    (root / "again").hardlink_to(root / "twice")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(root / "s"))


def test_what_overlayfs_leaves_is_a_layer(store: Store, mounted: Path) -> None:
    change(mounted)
    upper = store.snapshots.upper("step")
    sealed = store.layers.seal(upper)
    store.layers.adopt(upper, sealed)
    path = store.layers.path(sealed.diff_id)
    names = {
        name
        for folder, directories, files in os.walk(path)
        for entry in (".", *directories, *files)
        for name in os.listxattr(f"{folder}/{entry}", follow_symlinks=False)
    }
    assert names <= {OPAQUE_XATTR}
    assert digest_of(store, sealed.diff_id) == sealed.diff_id
    view = store.layers.view([sealed.diff_id])
    assert view.read("new/f") == b"3"
    assert view.read("d/kept") == b"1more"
    assert not os.path.lexists(f"{path}/s")


@pytest.mark.parametrize("others", ["", "redirect_dir=on", "metacopy=on", "index=on"])
def test_a_layer_is_complete_whatever_the_kernel_would_do(
    store: Store, tmp_path: Path, others: str
) -> None:
    """The defaults of a distribution, put before our options, change nothing."""
    low = upper_of(store, "low", {"d/f": b"1", "old/f": b"2"})
    (mount,) = store.snapshots.prepare_on("step", [low])
    root = tmp_path / "mounted"
    root.mkdir()
    options = ",".join(filter(None, [others, *mount.options]))
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    try:
        os.chown(root / "d" / "f", 5, 5)
        with pytest.raises(OSError, match="cross-device"):
            (root / "old").rename(root / "new")
        (root / "fresh").mkdir()
    finally:
        subprocess.run(["umount", str(root)], check=True)
    upper = store.snapshots.upper("step")
    assert Path(upper, "d", "f").read_bytes() == b"1"
    assert OPAQUE_XATTR not in os.listxattr(f"{upper}/fresh")
    seal(upper)


@pytest.mark.parametrize("name", ["redirect", "metacopy"])
def test_a_file_whose_content_is_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "f").touch()
    os.setxattr(tmp_path / "f", f"trusted.overlay.{name}", b"")
    with pytest.raises(CorruptContentError, match=f"^f has trusted.overlay.{name}"):
        seal(str(tmp_path))


def test_a_layer_can_be_adopted_while_it_is_mounted_below(store: Store, tmp_path: Path) -> None:
    low = upper_of(store, "low", {"d/f": b"1", "g": b"2"})
    sealed = store.layers.seal(low)
    (mount,) = store.snapshots.prepare_on("step", [low])
    root = tmp_path / "mounted"
    root.mkdir()
    options = ",".join(mount.options)
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    try:
        store.layers.adopt(low, sealed)
        store.snapshots.remove("low")
        assert (root / "d" / "f").read_bytes() == b"1"
        (root / "d" / "f").write_bytes(b"changed")
        (root / "g").unlink()
        assert sorted(os.listdir(root)) == ["d"]
    finally:
        subprocess.run(["umount", str(root)], check=True)
    assert digest_of(store, sealed.diff_id) == sealed.diff_id
    upper = store.snapshots.upper("step")
    second: SealedLayer = store.layers.seal(upper)
    store.layers.adopt(upper, second)
    view = store.layers.view([sealed.diff_id, second.diff_id])
    assert (view.read("d/f"), view.read("g")) == (b"changed", None)


def test_the_root_of_a_step_is_like_that_below(store: Store, tmp_path: Path) -> None:
    low = tmp_path / "low"
    low.mkdir()
    low.chmod(0o1777)
    os.chown(low, 3, 4)
    store.snapshots.prepare_on("step", [str(low), "/nothing"])
    told = os.stat(store.snapshots.upper("step"))
    assert (stat.S_IMODE(told.st_mode), told.st_uid, told.st_gid) == (0o1777, 3, 4)
    (mount,) = store.snapshots.mounts_on("step", [])
    assert mount.options[0] == f"lowerdir={store.layout.empty_layer}"


def test_death_between_rename_and_row_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "mounted"
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "WHERRY_FAULTS": "layers.adopted", "PYTHONPATH": str(tests)}
    died = subprocess.run([sys.executable, "-c", ADOPT, str(root)], env=environment)
    assert died.returncode == -signal.SIGKILL
    with contextlib.closing(Store.open(str(root))) as store:
        assert os.listdir(store.layout.layers) == ["empty"]
        assert os.listdir(store.layout.trash) == []
        store.snapshots.remove_orphans(set())
        assert os.listdir(store.layout.containers) == []
