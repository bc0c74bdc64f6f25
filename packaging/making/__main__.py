"""The program behind ./packaging/build; run by the interpreter of its tools' environment."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from making import packages, tree, wheels
from making.staging import stage_docker, stage_wherry
from making.targets import MACHINES, BuildError, Machine

_HERE = Path(__file__).resolve().parent.parent
_REPOSITORY = _HERE.parent


def main() -> None:
    """Build, and print the path of each file; ends with 1 and a sentence where one cannot be."""
    given = _arguments()
    os.umask(0o022)
    try:
        for path in build(MACHINES[given.arch], given.output.resolve(), _epoch()):
            sys.stdout.write(f"{path}\n")
    except (BuildError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"error: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="packaging/build",
        description="Make the wheel, the .deb and the .rpm files of wherry.",
        epilog="The same commit gives the same bytes. Every date is its, or SOURCE_DATE_EPOCH.",
    )
    parser.add_argument(
        "--output", type=Path, default=_REPOSITORY / "dist", metavar="DIR", help="(./dist)"
    )
    parser.add_argument("--arch", choices=sorted(MACHINES), default=_arch(), help=f"({_arch()})")
    return parser.parse_args()


def _arch() -> str:
    return next((name for name, its in MACHINES.items() if its.rpm == os.uname().machine), "amd64")


def _epoch() -> int:
    """Return the one date of everything, in seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        log = ["git", "-C", str(_REPOSITORY), "log", "-1", "--format=%ct"]
        done = subprocess.run(log, check=False, capture_output=True, text=True)
        given = done.stdout.strip() if done.returncode == 0 else ""
    if not given.isdecimal():
        raise BuildError(
            "this is no clone of the repository, which has a date: set SOURCE_DATE_EPOCH"
        )
    return int(given)


def build(machine: Machine, output: Path, epoch: int) -> list[Path]:
    """Make everything for one machine in `output`; returns the paths."""
    output.mkdir(parents=True, exist_ok=True)
    lock = (_HERE / "requirements.lock").read_text()
    with tempfile.TemporaryDirectory(prefix="wherry-packages.") as temporary:
        work = Path(temporary)
        own = _own_wheel(work / "own", epoch)
        version = own.name.split("-")[1]
        wheels.check(lock, wheels.metadata(own), machine)
        fetched = wheels.fetch(lock, machine, _cache(machine))
        stage = work / "stage"
        stage_wherry(stage / "wherry", _REPOSITORY, epoch)
        tree.lay_out(stage / "wherry" / "opt" / "wherry", fetched, own, _HERE)
        stage_docker(stage / "wherry-docker", _REPOSITORY, epoch)
        tree.settle(stage, epoch)
        tool = Path(sys.prefix, "bin", "nfpm")
        job = packages.Job(version, machine, epoch, stage, _HERE / "scripts", tool)
        made = [Path(shutil.copy2(own, output))]
        for describe in (packages.wherry, packages.wherry_docker):
            for format_ in ("deb", "rpm"):
                made.append(packages.make(job, describe(job, format_), format_, output))  # noqa: PERF401 - reads better
    return made


def _own_wheel(into: Path, epoch: int) -> Path:
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        str(into),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=_REPOSITORY, env=environment
    )
    if done.returncode:
        raise BuildError(f"the wheel could not be built:\n{done.stdout}{done.stderr}")
    return next(into.glob("*.whl"))


def _cache(machine: Machine) -> Path:
    """Return where wheels are kept between builds; each is checked by its hash again."""
    directory = Path(sys.prefix, "wheels", machine.debian)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


if __name__ == "__main__":
    main()
