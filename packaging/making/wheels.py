"""The libraries, as wheels: fetched by pip for each Python, by the hashes in requirements.lock."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from packaging.markers import Marker
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from making.targets import PYTHONS, BuildError, Machine


def locked(text: str, environment: dict[str, str]) -> list[str]:
    """Return those entries of a lock file that `environment` needs, hashes behind them, no markers.

    pip would ask the interpreter that it runs on about markers, not the one that it fetches for.
    """
    entries = []
    for entry in text.replace("\\\n", " ").splitlines():
        if not entry.strip() or entry.startswith("#"):
            continue
        what, *hashes = entry.split(" --hash=")
        name, _, marker = what.partition(";")
        if not marker or Marker(marker).evaluate(environment):
            entries.append(" ".join([name.strip(), *(f"--hash={word.strip()}" for word in hashes)]))
    return entries


def metadata(wheel: Path) -> str:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode()


def check(lock: str, own: str, machine: Machine) -> None:
    """Raise BuildError when the lock does not have what the project's own wheel requires."""
    required = Metadata.from_email(own, validate=False).requires_dist or []
    for python in PYTHONS:
        environment = machine.environment(python)
        versions: dict[str, str] = {}
        for entry in locked(lock, environment):
            name, _, version = entry.split(" ")[0].partition("==")
            versions[canonicalize_name(name)] = version
        for requirement in required:
            if not _is_met(requirement, versions, environment):
                lacks = f"requirements.lock has no {requirement} for Python {python}"
                raise BuildError(f"{lacks}: run ./packaging/lock")


def _is_met(
    requirement: Requirement, versions: dict[str, str], environment: dict[str, str]
) -> bool:
    marker = requirement.marker
    if marker is not None and not marker.evaluate({**environment, "extra": "cluster"}):
        return True
    version = versions.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def fetch(lock: str, machine: Machine, directory: Path) -> dict[str, list[Path]]:
    """Fetch every wheel that is not in `directory` yet. Returns those of each Python, sorted."""
    return {python: _fetch_for(python, lock, machine, directory) for python in PYTHONS}


def _fetch_for(python: str, lock: str, machine: Machine, directory: Path) -> list[Path]:
    entries = locked(lock, machine.environment(python))
    wanted = directory / f"requirements-{python}.txt"
    wanted.write_text("\n".join(entries) + "\n")
    into = directory / python
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp",
        f"--python-version={python}", "--dest", str(into), "--requirement", str(wanted),
        *(f"--platform={platform}" for platform in machine.platforms),
    ]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(
            f"pip could not fetch the libraries for Python {python}:\n{done.stderr.strip()}"
        )
    found = sorted(into.glob("*.whl"))
    if len(found) != len(entries):
        raise BuildError(
            f"{into}: {len(found)} wheels for {len(entries)} libraries; remove that directory"
        )
    return found


def is_shared(wheel: Path) -> bool:
    """Tell whether a wheel is for any Python: pure, or built for the stable ABI."""
    python, abi, _ = wheel.stem.rsplit("-", 2)
    return python.startswith("py3") or abi == "abi3" or "py3" in python
