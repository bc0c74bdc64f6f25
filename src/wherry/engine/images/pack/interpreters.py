"""Programs that are text: what `#!` asks for; and Python, with where it keeps its modules.

Python is found as it finds itself (Modules/getpath.py): the standard library is the directory
`lib/pythonX.Y` with an `os.py` beside or above the program, or beside the `home` that a virtual
environment's `pyvenv.cfg` names.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from wherry.base.values import dataclass
from wherry.engine.images.pack.errors import MissingLibraryError
from wherry.engine.images.pack.host import Host

_PYTHON: Final = re.compile(r"python(?:(\d+)(?:\.(\d+))?)?[a-z]*")
_VERSIONED: Final = re.compile(r"python(3\.\d+)[a-z]*")
# What an image hardly needs: tests, tools for development, a toolkit for windows.
_LEFT_OUT: Final = frozenset(
    {"__pycache__", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"}
)
_OTHERS_PACKAGES: Final = frozenset({"site-packages", "dist-packages"})
_EXTENSION_OF_TKINTER: Final = "_tkinter."


def shebang(head: bytes) -> list[str] | None:
    """Return the words behind `#!`: the interpreter, and its argument if any; None without one."""
    if not head.startswith(b"#!"):
        return None
    line = head[2:].partition(b"\n")[0].decode(errors="surrogateescape").strip()
    return line.split(None, 1) if line else None


def run_by_env(words: Sequence[str]) -> str | None:
    """Return the program that `#!/usr/bin/env NAME` looks for; None for another interpreter."""
    if posixpath.basename(words[0]) != "env" or len(words) == 1:
        return None
    for word in words[1].split():
        if not word.startswith("-") and "=" not in word:
            return word
    return None


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter: `standard` are its libraries, `environment` is a virtual one's top or empty.

    `home` is the directory of the program that a virtual environment was made from. `packages` are
    directories of installed packages that a script of this interpreter can import.
    """

    version: str
    standard: Sequence[str]
    packages: Sequence[str]
    environment: str = ""
    home: str = ""


def find_python(host: Host, path: str) -> Python | None:
    """Return what belongs to the interpreter at `path`; None when it is not Python.

    Raises MissingLibraryError when the standard library is not where the interpreter looks.
    """
    real = host.real(path)
    if not _PYTHON.fullmatch(posixpath.basename(real)):
        return None
    environment = _environment(host, path)
    settings = _settings(host.text(f"{environment}/pyvenv.cfg")) if environment else {}
    home = settings.get("home", "")
    tops = [top for start in (home, posixpath.dirname(real)) if start for top in _upward(start)]
    version = _version(host, real, settings, tops)
    standard = _standard(host, tops, version)
    if not standard:
        raise MissingLibraryError("the standard library of Python", path)
    isolated = environment and settings.get("include-system-site-packages", "").lower() != "true"
    packages = [f"{environment}/{lib}/python{version}/site-packages" for lib in ("lib", "lib64")]
    packages = packages if environment else []
    if not isolated:
        packages += _system_packages(standard, version)
    existing = [name for name in packages if host.is_directory(name)]
    return Python(version, standard, existing, environment, home)


def wanted_of_standard_library(path: str) -> bool:
    """Tell whether a file or directory of the standard library goes into an image."""
    name = posixpath.basename(path)
    return (
        name not in _LEFT_OUT
        and name not in _OTHERS_PACKAGES
        and not name.startswith((_EXTENSION_OF_TKINTER, "config-"))
    )


def wanted_of_packages(path: str) -> bool:
    """Tell whether a file or directory of installed packages goes into an image."""
    return posixpath.basename(path) != "__pycache__"


def linked_projects(host: Host, packages: str) -> Iterator[str]:
    """Yield the directories that *.pth files add: projects that are installed to be edited."""
    top = host.real(packages)
    for name in sorted(os.listdir(host.at(top))):
        if not name.endswith(".pth"):
            continue
        for line in host.text(f"{top}/{name}").splitlines():
            path = posixpath.normpath(posixpath.join(top, line.strip()))
            named = line.strip() and not line.startswith(("#", "import ", "import\t"))
            if named and host.is_directory(path) and not f"{path}/".startswith(f"{top}/"):
                yield path


def _environment(host: Host, path: str) -> str:
    folder = posixpath.dirname(path)
    for top in (posixpath.dirname(folder), folder):
        if host.find(f"{top}/pyvenv.cfg") is not None:
            return top
    return ""


def _settings(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _upward(folder: str) -> Iterator[str]:
    while folder not in ("", "/"):
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def _version(host: Host, real: str, settings: dict[str, str], tops: Sequence[str]) -> str:
    if told := _VERSIONED.fullmatch(posixpath.basename(real)):
        return told[1]
    written = settings.get("version") or settings.get("version_info") or ""
    if written.count("."):
        return ".".join(written.split(".")[:2])
    for top in tops:
        for minor in range(40, 4, -1):  # the newest of several: a bare `python3` is that
            if host.find(f"{top}/lib/python3.{minor}/os.py") is not None:
                return f"3.{minor}"
    return ""


def _standard(host: Host, tops: Sequence[str], version: str) -> list[str]:
    """Return the directories of the nearest standard library; two where lib64 is apart."""
    for top in tops:
        places = [f"{top}/{lib}/python{version}" for lib in ("lib", "lib64")]
        if any(host.find(f"{place}/os.py") is not None for place in places):
            found = {host.real(place): place for place in places if host.is_directory(place)}
            return list(found.values())
    return []


def _system_packages(standard: Sequence[str], version: str) -> list[str]:
    """Return where packages for everyone are, with the places that Debian uses instead."""
    places = [f"{place}/site-packages" for place in standard]
    if "/usr/lib" in {posixpath.dirname(place) for place in standard}:
        places += [
            f"/usr/local/lib/python{version}/dist-packages",
            "/usr/lib/python3/dist-packages",
        ]
    return places
