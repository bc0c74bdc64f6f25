"""Files that programs open at run time without their ELF headers saying so.

Users and groups are ours: those of the machine are nobody's business. Of the machine come the
certificates of authorities, the plug-ins of the C library that resolve names, and descriptions of
the usual terminals. Locales and gconv's tables are left out: they are large and seldom needed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from wherry.engine.images.pack.elf import Machine
from wherry.engine.images.pack.libraries import Libraries
from wherry.engine.images.pack.tree import Tree

CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
_OPENSSL: Final = ("/usr/lib/ssl/cert.pem", "/usr/lib/ssl/openssl.cnf")
_TLS: Final = ("libssl.so", "libgnutls.so")
_TERMINALS: Final = ("libtinfo.so", "libncurses.so", "libncursesw.so")
_DESCRIBED: Final = (
    "d/dumb", "l/linux", "s/screen", "s/screen-256color", "t/tmux", "t/tmux-256color", "v/vt100",
    "v/vt220", "x/xterm", "x/xterm-256color",
)  # fmt: skip
_DESCRIPTIONS: Final = ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo")
# libgcc_s is what glibc loads when a thread is cancelled; without it the program is ended.
_LOADED_BY_NAME: Final = ("libnss_files.so.2", "libnss_dns.so.2", "libgcc_s.so.1")
_GLIBC: Final = "libc.so.6"

_USERS: Final = b"""\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
"""
_GROUPS: Final = b"root:x:0:\nnogroup:x:65534:\n"
_NAME_SERVICES: Final = b"passwd: files\ngroup: files\nhosts: files dns\n"


def add_users(tree: Tree) -> None:
    """Put what every image gets: root, nobody, and a place for temporary files."""
    tree.write("/etc/passwd", _USERS)
    tree.write("/etc/group", _GROUPS)
    tree.make_directory("/root", 0o700)
    tree.make_directory("/tmp", 0o1777)


def add_for_libraries(
    tree: Tree, libraries: Libraries, machine: Machine, names: Collection[str]
) -> list[str]:
    """Put what the loaded libraries open; return the libraries that they load by name."""
    if any(name.startswith(_TERMINALS) for name in names):
        add_existing(tree, [f"{top}/{name}" for top in _DESCRIPTIONS for name in _DESCRIBED])
    if _GLIBC not in names:
        return []
    tree.write("/etc/nsswitch.conf", _NAME_SERVICES)
    found = (libraries.named(name, machine) for name in _LOADED_BY_NAME)
    return [library.path for library in found if library is not None]


def wants_certificates(names: Collection[str]) -> bool:
    """Tell whether a library among these speaks TLS."""
    return any(name.startswith(_TLS) for name in names)


def add_certificates(tree: Tree) -> bool:
    """Put the authorities' certificates where TLS libraries look; tell whether there are any."""
    if tree.host.find(CERTIFICATES) is None:
        return False
    add_existing(tree, (CERTIFICATES, *_OPENSSL))
    return True


def add_existing(tree: Tree, paths: Sequence[str]) -> None:
    """Take those of these files that the machine has."""
    for path in paths:
        if tree.host.find(path) is not None:
            tree.add(path)
