"""The file tree of an image, read from a saved archive: its layers applied in their order.

Done here from the tar streams alone, apart from the code under test. Owns no state on disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
# Times from here on are of the build itself, and are not compared.
LATELY = 1_600_000_000
XATTR = "SCHILY.xattr."
SHOWN_BYTES = 200
KINDS = {
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "link",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "character",
    tarfile.BLKTYPE: "block",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree. `same` lists all names of a file that has several.

    `content` is the beginning, for a person to read; `digest` is of all of it. `mtime` is None for
    times of the build.
    """

    kind: str
    mode: int
    owner: tuple[int, int]
    mtime: int | None
    size: int = 0
    content: bytes = b""
    digest: str = ""
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, bytes] = field(default_factory=dict)
    same: tuple[str, ...] = ()


Tree = Mapping[str, Entry]


def tree_of(archive: bytes) -> Tree:
    """Return the tree of the one image in what `docker save` has written."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as saved:
        manifest = json.loads(_read(saved, "manifest.json"))
        layers = [_read(saved, name) for name in manifest[0]["Layers"]]
    return apply_layers(layers)


def saved_configuration(archive: bytes) -> dict[str, object]:
    """Return the configuration of the one image in a saved archive, as it stands there."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as saved:
        manifest = json.loads(_read(saved, "manifest.json"))
        told: dict[str, object] = json.loads(_read(saved, manifest[0]["Config"]))
    return told


def apply_layers(layers: Iterable[bytes]) -> Tree:
    """Apply layers, the lowest first; each is a tar archive, compressed or not."""
    nodes: dict[str, list[Entry]] = {}  # names of one file share their list
    for layer in layers:
        with tarfile.open(
            fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape"
        ) as archive:
            members = archive.getmembers()
            _remove_what_is_whited_out(nodes, members)
            for member in members:
                _add(nodes, archive, member)
    return _finished(nodes)


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    source = archive.extractfile(name)
    assert source is not None, f"{name} is no file"
    return source.read()


def _remove_what_is_whited_out(
    nodes: dict[str, list[Entry]], members: list[tarfile.TarInfo]
) -> None:
    for member in members:
        folder, name = posixpath.split(_path(member.name))
        if name == OPAQUE:
            _remove_below(nodes, folder)
        elif name.startswith(WHITEOUT):
            gone = posixpath.join(folder, name.removeprefix(WHITEOUT))
            nodes.pop(gone, None)
            _remove_below(nodes, gone)


def _add(nodes: dict[str, list[Entry]], archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    path = _path(member.name)
    if path == "/" or posixpath.basename(path).startswith(WHITEOUT):
        return
    if not member.isdir() and path in nodes:
        _remove_below(nodes, path)
    if member.islnk():
        nodes[path] = nodes[_path(member.linkname)]
        return
    nodes[path] = [_entry(archive, member)]


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    data = b""
    if member.isreg():
        source = archive.extractfile(member)
        data = source.read() if source is not None else b""
    prefix = len(XATTR)
    return Entry(
        kind=KINDS.get(member.type, "file"),
        mode=member.mode & 0o7777,
        owner=(member.uid, member.gid),
        mtime=int(member.mtime) if member.mtime < LATELY else None,
        size=len(data),
        content=data[:SHOWN_BYTES],
        digest=hashlib.sha256(data).hexdigest() if member.isreg() else "",
        target=member.linkname if member.issym() else "",
        device=(member.devmajor, member.devminor) if member.isdev() else (0, 0),
        xattrs={
            name[prefix:]: value.encode("utf-8", "surrogateescape")
            for name, value in member.pax_headers.items()
            if name.startswith(XATTR)
        },
    )


def _path(name: str) -> str:
    return posixpath.normpath("/" + name.lstrip("/"))


def _remove_below(nodes: dict[str, list[Entry]], path: str) -> None:
    start = path.rstrip("/") + "/"
    for below in [one for one in nodes if one.startswith(start)]:
        del nodes[below]


def _finished(nodes: dict[str, list[Entry]]) -> Tree:
    names: dict[int, list[str]] = defaultdict(list)
    for path, node in nodes.items():
        names[id(node)].append(path)
    finished = {}
    for path, node in sorted(nodes.items()):
        together = names[id(node)]
        same = tuple(sorted(together)) if len(together) > 1 else ()
        finished[path] = replace(node[0], same=same)
    return finished
