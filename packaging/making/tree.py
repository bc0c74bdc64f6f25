"""What lies below /opt/wherry, laid out in a directory.

    bin/wherry, wherryd, wherry-runtime   launchers
    bin/python3.11 ... python3.14         the distribution's interpreters, those that are there
    bin/python3                           the one that is used; libexec/choose-python makes it
    pyvenv.cfg                            makes the above a virtual environment
    lib/common/                           wherry, and libraries that are the same for every Python
    lib/python3.X/site-packages/          compiled ones, and links into common
    libexec/choose-python

So one package serves every Python of a distribution, and the next one after an upgrade of it.
Links, not a .pth file, join the two directories: a .pth file is read at every start, and a second
directory is searched at every import.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from making.elf import stripped
from making.targets import PYTHONS, BuildError
from making.wheels import is_shared

PREFIX: Final = "/opt/wherry"
PROGRAMS: Final = {
    "wherry": "wherry.cli.main",
    "wherryd": "wherry.daemon.main",
    "wherry-runtime": "wherry.runtime.command",
}
# Of use to compilers and type checkers alone; RECORD to pip, which never touches this environment.
_LEFT_OUT: Final = (".pyx", ".pxd", ".pxi", ".pyi", ".c", ".h", ".hash", "/RECORD", "/")


def lay_out(into: Path, wheels: dict[str, list[Path]], own: Path, files: Path) -> None:
    """Make /opt/wherry at `into`. The launcher and choose-python are in `files`."""
    common = into / "lib" / "common"
    _unpack(own, common)
    done: set[str] = set()
    for python in PYTHONS:
        site = into / "lib" / f"python{python}" / "site-packages"
        site.mkdir(parents=True)
        links = _top_level(own)
        for wheel in wheels[python]:
            if not is_shared(wheel):
                _unpack(wheel, site)
                continue
            if wheel.name not in done:
                done.add(wheel.name)
                _unpack(wheel, common)
            links |= _top_level(wheel)
        for name in links:
            (site / name).symlink_to(f"../../common/{name}")
    _make_programs(into, files)


def _make_programs(into: Path, files: Path) -> None:
    (into / "bin").mkdir()
    (into / "libexec").mkdir()
    launcher = (files / "launcher").read_text()
    for program, module in PROGRAMS.items():
        path = into / "bin" / program
        path.write_text(launcher.replace("@MODULE@", module))
        path.chmod(0o755)
    for python in PYTHONS:
        (into / "bin" / f"python{python}").symlink_to(f"/usr/bin/python{python}")
    choose = into / "libexec" / "choose-python"
    shutil.copyfile(files / "choose-python", choose)
    choose.chmod(0o755)
    (into / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")


def _unpack(wheel: Path, into: Path) -> None:
    """Unpack a wheel. Modes are ours: those in a wheel are whatever its builder's machine had."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise BuildError(f"{wheel.name}: {name} lies outside of the wheel")
            if path.parts[0].endswith(".data") and path.parts[1] == "scripts":
                continue  # programs of a library: the system's name space is not ours to fill
            if path.parts[0].endswith(".data"):
                raise BuildError(f"{wheel.name}: {name} has to be laid out, which we cannot do yet")
            if name.endswith(_LEFT_OUT):
                continue
            target = into / path
            if target.exists():
                raise BuildError(f"{wheel.name}: {name} is in another wheel too")
            target.parent.mkdir(parents=True, exist_ok=True)
            content = archive.read(name)
            target.write_bytes(stripped(content) if name.endswith(".so") else content)


def _top_level(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = {PurePosixPath(name).parts[0] for name in archive.namelist()}
    return {name for name in names if not name.endswith(".data")}


def settle(root: Path, epoch: int) -> None:
    """Give everything below `root` its mode and the one date, whatever umask there was."""
    for directory, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                executable = os.path.isdir(path) or os.stat(path).st_mode & 0o100
                os.chmod(path, 0o755 if executable else 0o644)
            os.utime(path, (epoch, epoch), follow_symlinks=False)
    os.chmod(root, 0o755)
    os.utime(root, (epoch, epoch))
