"""Places of the layer: links are kept, what moves follows them."""

from __future__ import annotations

import os
import socket

import pytest

from fixtures.elf import Machine
from wherry.engine.images.pack.errors import NoSuchProgramError, NotPackableError
from wherry.engine.images.pack.host import Host
from wherry.engine.images.pack.tree import Tree


def shown(tree: Tree) -> list[str]:
    """Return the places as `ls -F` would: `path/`, `path -> target`, `path`."""
    signs = {"directory": "/", "file": ""}
    return sorted(
        f"{e.destination} -> {e.target}"
        if e.kind == "symlink"
        else f"{e.destination}{signs[e.kind]}"
        for e in tree.entries.values()
    )


def test_links_on_the_way_are_kept(machine: Machine, host: Host) -> None:
    machine.file("/usr/lib/libz.so.1.2")
    machine.link("/usr/lib/libz.so.1", "libz.so.1.2")
    machine.link("/lib", "usr/lib")
    tree = Tree(host)
    assert tree.add("/lib/libz.so.1") == "/usr/lib/libz.so.1.2"
    assert shown(tree) == [
        "/lib -> usr/lib",
        "/usr/",
        "/usr/lib/",
        "/usr/lib/libz.so.1 -> libz.so.1.2",
        "/usr/lib/libz.so.1.2",
    ]


def test_modes_are_kept(machine: Machine, host: Host) -> None:
    machine.file("/bin/su", mode=0o4755)
    tree = Tree(host)
    tree.add("/bin/su")
    assert tree.entries["/bin/su"].mode == 0o4755


def test_what_is_not_there_and_what_goes_in_circles(machine: Machine, host: Host) -> None:
    machine.link("/a", "a")
    with pytest.raises(NoSuchProgramError, match="no such file: /gone"):
        Tree(host).add("/gone")
    with pytest.raises(NotPackableError, match="circle"):
        Tree(host).add("/a")


def test_a_folder_with_links_out_of_it_and_nowhere(machine: Machine, host: Host) -> None:
    machine.file("/app/code/a.py")
    machine.file("/app/skipped/b.py")
    machine.file("/data/file")
    machine.file("/data/folder/inner")
    machine.link("/app/file", "../data/file")
    machine.link("/app/folder", "/data/folder")
    machine.link("/app/code/up", "..")
    machine.link("/app/nowhere", "gone")
    tree = Tree(host)
    files = tree.add_folder("/app", lambda path: "skipped" not in path)
    assert sorted(files) == ["/app/code/a.py", "/data/file", "/data/folder/inner"]
    assert shown(tree) == [
        "/app/",
        "/app/code/",
        "/app/code/a.py",
        "/app/code/up -> ..",
        "/app/file -> ../data/file",
        "/app/folder -> /data/folder",
        "/app/nowhere -> gone",
        "/data/",
        "/data/file",
        "/data/folder/",
        "/data/folder/inner",
    ]


def test_folders_that_link_to_each_other_end(machine: Machine, host: Host) -> None:
    machine.link("/a/b", "/b")
    machine.link("/b/a", "/a")
    tree = Tree(host)
    tree.add_folder("/a")
    assert shown(tree) == ["/a/", "/a/b -> /b", "/b/", "/b/a -> /a"]


def test_what_moves_follows_the_links_that_are_there(machine: Machine, host: Host) -> None:
    machine.file("/usr/bin/x")
    machine.link("/bin", "usr/bin")
    machine.file("/home/me/tool")
    tree = Tree(host)
    tree.add("/bin/x")
    tree.put("/home/me/tool", "/bin/tool")
    tree.put("/home/me/tool", "/opt/new/tool")
    assert shown(tree) == [
        "/bin -> usr/bin", "/opt/", "/opt/new/", "/opt/new/tool",
        "/usr/", "/usr/bin/", "/usr/bin/tool", "/usr/bin/x",
    ]  # fmt: skip


def test_a_folder_moves_with_its_links(machine: Machine, host: Host) -> None:
    machine.file("/srv/app/v1/main")
    machine.link("/srv/app/current", "v1")
    machine.link("/srv/app/absolute", "/srv/app/v1/main")
    machine.link("/srv/app/outside", "../shared")
    machine.file("/srv/shared")
    tree = Tree(host)
    tree.put("/srv/app", "/app")
    assert shown(tree) == [
        "/app/",
        "/app/absolute -> /app/v1/main",
        "/app/current -> v1",
        "/app/outside -> /srv/shared",
        "/app/v1/",
        "/app/v1/main",
        "/srv/",
        "/srv/shared",
    ]


def test_a_file_cannot_take_a_directorys_place(machine: Machine, host: Host) -> None:
    machine.file("/etc/x/y")
    machine.file("/file")
    tree = Tree(host)
    tree.add("/etc/x/y")
    with pytest.raises(NotPackableError, match="a directory is at /etc/x"):
        tree.put("/file", "/etc/x")
    with pytest.raises(NotPackableError, match="/etc/x/y is a file"):
        tree.put("/file", "/etc/x/y/z")


def test_special_files_are_refused(
    machine: Machine, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.file("/run/file")
    os.mkfifo(machine.root / "run/pipe")
    with pytest.raises(NotPackableError, match="/run/pipe is a device, a pipe or a socket"):
        Tree(host).add_folder("/run")
    (machine.root / "run/pipe").unlink()
    monkeypatch.chdir(machine.root)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("run/socket")
        with pytest.raises(NotPackableError, match="/run/socket is a device"):
            Tree(host).put("/run", "/x")
