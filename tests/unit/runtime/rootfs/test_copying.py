"""Directories are copied by descriptors, links as links."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wherry.runtime.rootfs.copying import copy_tree


def test_a_tree_is_copied_as_it_is(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "sub").mkdir(parents=True)
    (source / "sub/file").write_bytes(b"content")
    (source / "sub/file").chmod(0o4711)
    os.utime(source / "sub/file", ns=(1, 2))
    (source / "link").symlink_to("/etc/passwd")
    os.mkfifo(source / "pipe")
    source.chmod(0o1777)
    target.mkdir()
    read = os.open(source, os.O_PATH | os.O_DIRECTORY)
    write = os.open(target, os.O_PATH | os.O_DIRECTORY)
    copy_tree(read, write)
    os.close(read)
    os.close(write)
    told = (target / "sub/file").stat()
    assert (target / "sub/file").read_bytes() == b"content"
    assert (stat.S_IMODE(told.st_mode), told.st_mtime_ns) == (0o4711, 2)
    assert os.readlink(target / "link") == "/etc/passwd"
    assert stat.S_IMODE(target.stat().st_mode) == 0o1777
    assert sorted(os.listdir(target)) == ["link", "sub"]
