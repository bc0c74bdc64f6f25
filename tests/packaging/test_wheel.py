"""The wheel: installed by pip into an environment of its own, and `wherry service install`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.package_roots import directory
from fixtures.packages import REPOSITORY, Packages
from wherry import __version__

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def environment(packages: Packages) -> Iterator[Path]:
    """A fresh virtual environment with the wheel, and the libraries that the build fetched."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    arch = packages.deb.stem.rpartition("_")[2]
    libraries = sorted(
        (REPOSITORY / "build/packaging").glob(f"tools-*/wheels/{arch}/{python}"),
        key=lambda path: path.stat().st_mtime,
    )
    with directory() as place:
        made = place / "environment"
        subprocess.run([sys.executable, "-m", "venv", made], check=True, timeout=120)
        subprocess.run(
            [made / "bin/python", "-m", "pip", "install", "--quiet", "--no-index",
             "--find-links", libraries[-1], packages.wheel],
            check=True, timeout=300,
        )  # fmt: skip
        yield made


def output(*words: str | Path) -> str:
    """Run a program that has to work; returns what it printed."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_programs_answer(environment: Path) -> None:
    assert __version__ in output(environment / "bin/wherry", "--version")
    for program in ("wherry", "wherryd", "wherry-runtime"):
        assert "usage" in output(environment / "bin" / program, "-h").lower()
    assert "usage" in output(environment / "bin/wherry", "registry", "--help").lower()


def test_it_has_all_that_the_package_is_made_of(environment: Path) -> None:
    """pip says so itself: every requirement is met."""
    assert "No broken requirements" in output(environment / "bin/python", "-m", "pip", "check")


@pytest.mark.parametrize(
    ("sign", "file"),
    [
        ("usr/lib/systemd/systemd", "etc/systemd/system/wherry.service"),
        ("etc/init.d/README", "etc/init.d/wherry"),
    ],
    ids=["systemd", "sysv"],
)
def test_the_service_is_installed_and_removed_without_a_package(
    environment: Path, tmp_path: Path, sign: str, file: str
) -> None:
    """Into another root, which is known for what it is by a file."""
    root = tmp_path / "root"
    (root / sign).parent.mkdir(parents=True)
    (root / sign).touch()
    wherry = environment / "bin/wherry"
    output(wherry, "service", "install", "--root", root)
    assert f"{environment}/bin/wherryd" in (root / file).read_text()
    output(wherry, "service", "install", "--root", root)  # once more changes nothing
    output(wherry, "service", "uninstall", "--root", root)
    kept = {path.name for path in root.rglob("*") if not path.is_dir()}
    assert kept == {Path(sign).name, "daemon.json"}
