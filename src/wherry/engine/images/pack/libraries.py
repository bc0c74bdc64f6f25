"""Which shared libraries a program loads: the search of ld.so(8), by reading alone.

Order for each name: the loading object's DT_RPATH and that of whatever loaded it (unless it has a
DT_RUNPATH), its DT_RUNPATH, the directories of /etc/ld.so.conf, the standard directories. What is
for another machine (32 bits beside 64) is passed over, as ld.so does.

The layer gets no /etc/ld.so.cache. A directory that the linker does not search by itself, because
only the configuration names it, is therefore found out with `unknown_to`.
"""

from __future__ import annotations

import os
import posixpath
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from wherry.base.values import dataclass, field
from wherry.engine.images.pack.elf import Elf, Machine, read_elf
from wherry.engine.images.pack.errors import named
from wherry.engine.images.pack.host import Host

_MULTIARCH: Final = {
    "x64": "x86_64-linux-gnu",
    "AArch64": "aarch64-linux-gnu",
    "ARM": "arm-linux-gnueabihf",
    "x86": "i386-linux-gnu",
    "RISC-V": "riscv64-linux-gnu",
    "64-bit PowerPC": "powerpc64le-linux-gnu",
    "IBM S/390": "s390x-linux-gnu",
}
_PLATFORM: Final = {"x64": "x86_64", "AArch64": "aarch64", "ARM": "v7l", "x86": "i686"}


@dataclass(frozen=True, slots=True)
class _Folder:
    """A directory to search; `moves` when it is found relative to the file that asks."""

    path: str
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Library:
    """A library that was found at `path` (links not resolved)."""

    path: str
    elf: Elf
    folder: _Folder


@dataclass(frozen=True, slots=True)
class _Loaded:
    path: str
    elf: Elf
    inherited: tuple[_Folder, ...] = ()


@dataclass(slots=True)
class Closure:
    """All that one file loads. `missing` has pairs of a name and the file that needs it."""

    interpreter: str = ""
    libraries: list[Library] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    @property
    def folders(self) -> list[str]:
        """The directories where libraries were found, but for those found by $ORIGIN."""
        return [library.folder.path for library in self.libraries if not library.folder.moves]

    @property
    def relative(self) -> list[str]:
        """The directories that were found by $ORIGIN: wrong for a program that moves."""
        return [library.folder.path for library in self.libraries if library.folder.moves]


@dataclass(slots=True)
class Libraries:
    """The linker's search on one machine; reads every file once."""

    host: Host
    _elves: dict[str, Elf | None] = field(default_factory=dict)
    _configured: list[str] | None = None

    def elf(self, path: str) -> Elf | None:
        """Return what an ELF file says; None for another kind of file."""
        with named(path):
            real = self.host.real(path)
            if real not in self._elves:
                self._elves[real] = read_elf(self.host.at(real), path)
        return self._elves[real]

    def closure(self, path: str, elf: Elf) -> Closure:
        """Find what the dynamic linker would load for this program or library."""
        closure = Closure(elf.interpreter)
        # The linker is a library too: libc needs it by name, and it is loaded already.
        seen = {posixpath.basename(elf.interpreter)}
        queue = deque([_Loaded(path, elf)])
        while queue:
            loaded = queue.popleft()
            folders = self._folders(loaded)
            for name in loaded.elf.needed:
                if name in seen:
                    continue
                seen.add(name)
                found = self._find(name, folders, elf.machine)
                if found is None:
                    closure.missing.append((name, loaded.path))
                    continue
                closure.libraries.append(found)
                seen.add(found.elf.soname)
                queue.append(_Loaded(found.path, found.elf, self._handed_on(loaded)))
        return closure

    def named(self, name: str, machine: Machine) -> Library | None:
        """Find a library by its name alone, as dlopen does."""
        return self._find(name, self._common(machine), machine)

    def unknown_to(self, interpreter: str, folders: Sequence[str]) -> list[str]:
        """Return those of these directories that only ld.so.conf makes this linker search."""
        # The linker has its own directories as strings, each with a slash at its end.
        known = self.host.read(interpreter) if interpreter else b""
        configured = set(self._configuration())
        return [
            folder
            for folder in dict.fromkeys(folders)
            if folder in configured and f"{folder}/\0".encode() not in known
        ]

    def _folders(self, loaded: _Loaded) -> list[_Folder]:
        origins = self._origins(loaded.path)
        if loaded.elf.runpath:
            own = _expanded(loaded.elf.runpath, origins, loaded.elf.machine)
        else:
            own = [*_expanded(loaded.elf.rpath, origins, loaded.elf.machine), *loaded.inherited]
        return [*own, *self._common(loaded.elf.machine)]

    def _handed_on(self, loaded: _Loaded) -> tuple[_Folder, ...]:
        if loaded.elf.runpath:
            return loaded.inherited
        own = _expanded(loaded.elf.rpath, self._origins(loaded.path), loaded.elf.machine)
        return (*own, *loaded.inherited)

    def _origins(self, path: str) -> list[str]:
        real = self.host.find(path) or path
        return list(dict.fromkeys((posixpath.dirname(real), posixpath.dirname(path))))

    def _common(self, machine: Machine) -> list[_Folder]:
        names = [*self._configuration(), *_standard(machine)]
        return [_Folder(name) for name in dict.fromkeys(names)]

    def _find(self, name: str, folders: Sequence[_Folder], machine: Machine) -> Library | None:
        if "/" in name:
            folder, name = _Folder(posixpath.dirname(name)), posixpath.basename(name)
            folders = [folder]
        for folder in folders:
            path = posixpath.join(folder.path, name)
            real = self.host.find(path)
            if real is None or not os.path.isfile(self.host.at(real)):
                continue
            elf = self.elf(path)
            if elf is not None and elf.machine == machine and elf.runs:
                return Library(path, elf, folder)
        return None

    def _configuration(self) -> list[str]:
        if self._configured is None:
            self._configured = list(_configured(self.host, "/etc/ld.so.conf", set()))
        return self._configured


def _configured(host: Host, path: str, seen: set[str]) -> Iterator[str]:
    """Yield the directories of ld.so.conf and what it includes, in order; each file once."""
    if path in seen:
        return
    seen.add(path)
    for line in host.text(path).splitlines():
        words = line.partition("#")[0].replace(",", " ").replace(":", " ").split()
        if words[:1] == ["hwcap"]:
            continue
        if words[:1] != ["include"]:
            yield from (word.rstrip("/") for word in words if word.startswith("/"))
        else:
            for pattern in words[1:]:
                for found in _matching(host, posixpath.join(posixpath.dirname(path), pattern)):
                    yield from _configured(host, found, seen)


def _matching(host: Host, pattern: str) -> list[str]:
    import fnmatch  # noqa: PLC0415 - only where the configuration includes files

    folder, name = posixpath.split(pattern)
    real = host.find(folder)
    if real is None or not os.path.isdir(host.at(real)):
        return []
    names = sorted(fnmatch.filter(os.listdir(host.at(real)), name))
    return [f"{folder}/{found}" for found in names]


def _standard(machine: Machine) -> list[str]:
    places = [_MULTIARCH[machine.architecture]] if machine.architecture in _MULTIARCH else []
    folders = [f"{top}/{place}" for place in places for top in ("/lib", "/usr/lib")]
    if machine.bits == 64:
        folders += ["/lib64", "/usr/lib64"]
    return [*folders, "/lib", "/usr/local/lib", "/usr/lib"]


def _expanded(entries: Sequence[str], origins: Sequence[str], machine: Machine) -> list[_Folder]:
    """Replace $ORIGIN, $LIB and $PLATFORM by all that they can stand for."""
    place = _MULTIARCH.get(machine.architecture, "")
    values = {
        "ORIGIN": list(origins),
        "LIB": [f"lib/{place}", "lib64" if machine.bits == 64 else "lib", "lib"],
        "PLATFORM": [_PLATFORM.get(machine.architecture, machine.architecture)],
    }
    folders = []
    for entry in entries:
        written = [entry]
        for name, replacements in values.items():
            for form in (f"${{{name}}}", f"${name}"):
                written = [
                    text.replace(form, value)
                    for text in written
                    for value in (replacements if form in text else [""])
                ]
        moves = "ORIGIN" in entry
        folders += [_Folder(posixpath.normpath(text), moves) for text in written]
    return folders
