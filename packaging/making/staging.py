"""What a package has outside of /opt, made by the commands that the programs have for that."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from making.targets import MAINTAINER, BuildError
from making.tree import PREFIX, PROGRAMS


def stage_wherry(root: Path, repository: Path, epoch: int) -> None:
    """Write what `wherry` installs beside its programs below `root`."""
    root.mkdir(parents=True)
    _run(repository, "-m", "wherry.service", "files", "--into", str(root), "--prefix", PREFIX)
    configuration = root / "etc" / "wherry"
    configuration.mkdir(parents=True)
    text = _run(repository, "-m", "wherry.daemon.configuration", "default")
    (configuration / "daemon.json").write_text(_with_group(text))
    manual = root / "usr" / "share" / "man"
    _run(repository, "scripts/reference.py", "man", str(manual))
    for page in sorted(manual.rglob("*.[0-9]")):
        _compress(page)
    _run(repository, "scripts/reference.py", "completions", str(root))
    commands = root / "usr" / "bin"
    commands.mkdir(parents=True)
    for program in PROGRAMS:
        (commands / program).symlink_to(f"{PREFIX}/bin/{program}")
    _stage_documents(root, repository, epoch)


def _with_group(text: str) -> str:
    """Return the default settings with the group that the packages make.

    With systemd the socket's unit names it; without, this is how the engine knows.
    """
    unset, ours = '//"group": "",', '"group": "wherry",'
    if text.count(unset) != 1:
        raise BuildError(f"the default settings have no line {unset} for the package's group")
    return text.replace(unset, ours)


def stage_docker(root: Path, repository: Path, epoch: int) -> None:
    """Write what `wherry-docker` installs below `root`."""
    root.mkdir(parents=True)
    _run(
        repository,
        "-m",
        "wherry.service",
        "files",
        "--docker",
        "--into",
        str(root),
        "--prefix",
        PREFIX,
    )
    _run(repository, "scripts/reference.py", "completions-docker", str(root))
    _stage_documents(root, repository, epoch)


def _stage_documents(root: Path, repository: Path, epoch: int) -> None:
    documents = root / "usr" / "share" / "doc" / root.name
    documents.mkdir(parents=True)
    shutil.copyfile(repository / "packaging" / "copyright", documents / "copyright")
    shutil.copyfile(repository / "LICENSE", documents / "LICENSE")
    shutil.copyfile(repository / "CHANGELOG.md", documents / "CHANGELOG.md")
    (documents / "changelog").write_text(_debian_changelog(root.name, repository, epoch))
    for name in ("LICENSE", "CHANGELOG.md", "changelog"):
        _compress(documents / name)


def _debian_changelog(name: str, repository: Path, epoch: int) -> str:
    """Return a changelog as Debian's tools read it, which leads to ours."""
    version = _run(repository, "-c", "import wherry; print(wherry.__version__)").strip()
    date = format_datetime(datetime.fromtimestamp(epoch, UTC))
    return (
        f"{name} ({version}) unstable; urgency=medium\n\n"
        f"  * What has changed is in CHANGELOG.md.gz, beside this file.\n\n"
        f" -- {MAINTAINER}  {date}\n"
    )


def _compress(path: Path) -> None:
    """Replace a file by its compressed form, in which there is neither date nor name."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


def _run(repository: Path, *words: str) -> str:
    """Run Python on the sources; returns what it printed."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(repository / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=repository,
        env=environment,
    )
    if done.returncode:
        raise BuildError(f"python {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
