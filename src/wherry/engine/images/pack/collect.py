"""Collects what the words of `wherry image pack` ask for: programs, and all that they need.

A word is a program (a path, or a name on the search path), or `SOURCE:DESTINATION`, a file or
directory to be put elsewhere. What moves is put last: see `tree`.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Sequence
from typing import Final

from wherry.base.values import dataclass, field
from wherry.engine.images.pack import data
from wherry.engine.images.pack.elf import Elf, Machine, read_elf
from wherry.engine.images.pack.errors import (
    MissingLibraryError,
    NoSuchProgramError,
    NotPackableError,
    named,
)
from wherry.engine.images.pack.host import STANDARD_PATH, Host, is_program
from wherry.engine.images.pack.interpreters import (
    Python,
    find_python,
    linked_projects,
    run_by_env,
    shebang,
    wanted_of_packages,
    wanted_of_standard_library,
)
from wherry.engine.images.pack.libraries import Closure, Libraries
from wherry.engine.images.pack.tree import Entry, Tree, Wanted, everything

__all__ = ["Entry", "Packed", "collect"]

_HEAD_BYTES: Final = 256  # as much of a first line as the kernel reads
_DEEPEST_SCRIPT: Final = 4  # as the kernel's own limit
_SHELLS: Final = ("sh", "bash", "dash", "zsh", "ksh")


@dataclass(frozen=True, slots=True)
class Packed:
    """What goes into the layer, sorted by destination, and the image's defaults.

    `entrypoint` is the first program's path inside, empty when only data was given. `notes` are
    lines for whoever watches.
    """

    entries: Sequence[Entry]
    entrypoint: Sequence[str]
    env: Sequence[str]
    notes: Sequence[str]


def collect(paths: Sequence[str], include: Sequence[str], host: Host | None = None) -> Packed:
    """Collect programs and what they need; nothing is executed.

    Raises NoSuchProgramError, MissingLibraryError or NotPackableError, which name the file.
    """
    host = host or Host(search=_search_path())
    collector = _Collector(host, _machine_of_this_program())
    sources = [_parse(host, word, program=True) for word in paths]
    for source in sources:
        collector.take(source, strict=not source.destination)
    for word in include:
        source = _parse(host, word, program=False)
        collector.take(source, strict=False)
        sources.append(source)
    return collector.finish([source for source in sources if source.destination])


@dataclass(frozen=True, slots=True)
class _Source:
    """A word of the user: an absolute path, and where it goes unless it stays."""

    path: str
    destination: str = ""


def _parse(host: Host, word: str, *, program: bool) -> _Source:
    path, colon, destination = word.rpartition(":")
    if not colon or "/" not in destination or host.find(os.path.abspath(word)) is not None:
        path, destination = word, ""
    elif not destination.startswith("/"):
        raise NotPackableError(f"{word}: the destination has to be an absolute path")
    found = os.path.abspath(path) if "/" in path else host.program(path)
    if found is None and not program:
        found = os.path.abspath(path)
    if not path or found is None or host.find(found) is None:
        raise NoSuchProgramError(f"no such program: {path or word}")
    if destination.endswith("/") and not host.is_directory(found):
        destination += posixpath.basename(found)
    return _Source(found, posixpath.normpath(destination) if destination else "")


def _search_path() -> Sequence[str]:
    return os.environ.get("PATH", ":".join(STANDARD_PATH)).split(":")


def _machine_of_this_program() -> Machine:
    own = read_elf("/proc/self/exe", "this program")
    if own is None:
        raise NotPackableError("this machine runs no ELF files")
    return own.machine


@dataclass(slots=True)
class _Collector:
    """What was collected so far."""

    host: Host
    machine: Machine
    tree: Tree = field(init=False)
    libraries: Libraries = field(init=False)
    entrypoint: str = ""
    path: list[str] = field(default_factory=list)
    interpreter: str = ""
    folders: list[str] = field(default_factory=list)
    moved_folders: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    certificates: bool = False
    notes: list[str] = field(default_factory=list)
    _done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tree, self.libraries = Tree(self.host), Libraries(self.host)

    def take(self, source: _Source, *, strict: bool) -> None:
        """Take a word's file or directory; with `strict` it has to be a program."""
        with named(source.path):
            real = self.host.real(source.path)
            status = os.lstat(self.host.at(real))
        if stat.S_ISDIR(status.st_mode):
            if strict:
                raise NotPackableError(
                    f"{source.path} is a directory: say where it goes, {source.path}:/DESTINATION"
                )
            self._take_folder(source, real)
        elif strict or (is_program(status) and self._starts_as_program(real)):
            self.program(source.path, source.destination)
        elif not stat.S_ISREG(status.st_mode):
            raise NotPackableError(f"{source.path} is a device, a pipe or a socket, and not a file")
        else:
            if not source.destination:
                self.tree.add(source.path)
            self._libraries_of([real], source)

    def program(self, path: str, destination: str = "", depth: int = 0) -> None:
        """Take a program with its libraries, its interpreter and the interpreter's modules."""
        with named(path):
            real = self.host.real(path)
            status = os.lstat(self.host.at(real))
        if not stat.S_ISREG(status.st_mode):
            raise NotPackableError(f"{path} is not a file")
        if not is_program(status):
            raise NotPackableError(f"{path} is not executable")
        if not destination:
            self.tree.add(path)
        if depth == 0:
            self.entrypoint = self.entrypoint or destination or path
            self.path.append(posixpath.dirname(destination or path))
        elf = self.libraries.elf(path)
        if elf is None:
            self._script(path, depth)
            return
        self._binary(path, elf, moved=bool(destination))
        if python := find_python(self.host, path):
            self._python(path, python, with_packages=depth > 0)

    def finish(self, moved: Sequence[_Source]) -> Packed:
        """Add what the whole needs, put what moves, and give the result."""
        for path in data.add_for_libraries(self.tree, self.libraries, self.machine, self.names):
            elf = self.libraries.elf(path)
            self.tree.add(path)
            if elf is not None:
                self._load(self.libraries.closure(path, elf), path, strict=False)
        if self.certificates or data.wants_certificates(self.names):
            self.certificates = data.add_certificates(self.tree)
        for source in moved:
            self.tree.put(source.path, source.destination)
        data.add_users(self.tree)
        entries = sorted(self.tree.entries.values(), key=lambda entry: entry.destination)
        return Packed(
            entries=[entry for entry in entries if entry.destination != "/"],
            entrypoint=[self.entrypoint] if self.entrypoint else [],
            env=self._environment(),
            notes=self.notes,
        )

    def _environment(self) -> list[str]:
        added = [folder for folder in self.path if folder not in STANDARD_PATH]
        env = [f"PATH={':'.join(dict.fromkeys([*added, *STANDARD_PATH]))}"]
        told = [*self.moved_folders, *self.libraries.unknown_to(self.interpreter, self.folders)]
        if told:
            env.append(f"LD_LIBRARY_PATH={':'.join(dict.fromkeys(told))}")
        if self.certificates:
            env.append(f"SSL_CERT_FILE={data.CERTIFICATES}")
        return env

    def _starts_as_program(self, real: str) -> bool:
        head = self.host.read(real, _HEAD_BYTES)
        elf = self.libraries.elf(real)
        # A shared library is often executable too; a program names its interpreter, or is static.
        program = elf is not None and (bool(elf.interpreter) or not elf.needed) and not elf.soname
        return program or shebang(head) is not None

    def _binary(self, path: str, elf: Elf, *, moved: bool) -> None:
        if not elf.runs:
            raise NotPackableError(f"{path} is an ELF file, but not a program")
        if elf.machine != self.machine:
            raise NotPackableError(
                f"{path} is a program for {elf.machine}; this machine is {self.machine}"
            )
        closure = self.libraries.closure(path, elf)
        if elf.interpreter:
            if self.host.find(elf.interpreter) is None:
                raise MissingLibraryError(elf.interpreter, path)
            self.tree.add(elf.interpreter)
            self.interpreter = elf.interpreter
        self._load(closure, path, strict=True)
        if moved:
            self.moved_folders += closure.relative
        if closure.libraries:
            count = len(closure.libraries)
            self.notes.append(f"{posixpath.basename(path)}: {count} shared libraries")

    def _load(self, closure: Closure, path: str, *, strict: bool, within: str = "") -> None:
        """Take a closure's libraries, but none that moves with the directory `within`."""
        for name, needed_by in closure.missing:
            if strict:
                raise MissingLibraryError(name, needed_by)
            note = f"{posixpath.basename(path)}: {name} is not on this machine"
            self.notes.append(note)
        for library in closure.libraries:
            self.names.add(posixpath.basename(library.path))
            real = self.host.find(library.path) or library.path
            if not within or not real.startswith(f"{within}/"):
                self.tree.add(library.path)
        self.folders += closure.folders

    def _script(self, path: str, depth: int) -> None:
        words = shebang(self.host.read(path, _HEAD_BYTES))
        if words is None:
            raise NotPackableError(
                f"{path} is neither an ELF file nor a script that begins with #!"
            )
        if depth >= _DEEPEST_SCRIPT:
            raise NotPackableError(f"{path}: scripts whose interpreters are scripts form a circle")
        interpreter, by_env = words[0], run_by_env(words)
        if not interpreter.startswith("/"):
            raise NotPackableError(f"{path}: its interpreter {interpreter} is no absolute path")
        wanted = [interpreter]
        if by_env is not None:
            found = by_env if "/" in by_env else self.host.program(by_env)
            wanted.append(found or by_env)
        for program in wanted:
            if self.host.find(program) is None:
                raise MissingLibraryError(program, path)
            self.program(program, depth=depth + 1)
        if posixpath.basename(wanted[-1]) in _SHELLS:
            name = posixpath.basename(path)
            self.notes.append(f"{name}: a shell script; the programs that it calls are not sought")

    def _python(self, path: str, python: Python, *, with_packages: bool) -> None:
        name = f"python{python.version}"
        for folder in python.standard:
            self._modules(folder, wanted_of_standard_library, f"{name}: %s of the standard library")
        if python.environment:
            self.tree.add(f"{python.environment}/pyvenv.cfg")
            if self.host.find(python.home) is not None:
                self.tree.add(python.home)
        if python.environment or with_packages:
            for folder in python.packages:
                self._modules(folder, wanted_of_packages, f"{name}: %s of {folder}")
                for project in linked_projects(self.host, folder):
                    self._modules(project, wanted_of_packages, f"{name}: %s of {project}")
        self.certificates = True  # the module ssl looks for them, whichever library it is built on
        self.path.append(posixpath.dirname(path))

    def _modules(self, folder: str, wanted: Wanted, note: str) -> None:
        real = self.host.real(folder)
        self.tree.add(folder)
        if real in self._done:
            return
        self._done.add(real)
        files = self.tree.add_folder(folder, wanted)
        self.notes.append(note % f"{len(files):,} files")
        self._libraries_of(files, _Source(real))

    def _take_folder(self, source: _Source, real: str) -> None:
        if source.destination:
            found = self.tree.walk(real, everything)
            files = [step.path for step in found if stat.S_ISREG(step.status.st_mode)]
        else:
            files = self.tree.add_folder(source.path)
        self._libraries_of(files, _Source(real, source.destination))

    def _libraries_of(self, files: Sequence[str], source: _Source) -> None:
        """Take what ELF files among data need; what is missing is told, and no error."""
        within = source.path if source.destination else ""
        for path in files:
            elf = self.libraries.elf(path)
            if elf is None or elf.machine != self.machine or not elf.runs:
                continue
            closure = self.libraries.closure(path, elf)
            if closure.interpreter and self.host.find(closure.interpreter) is not None:
                self.tree.add(closure.interpreter)
            self._load(closure, path, strict=False, within=within)
