"""What each package is, as nfpm reads it, for dpkg and for rpm. `make` builds; the rest is pure."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from making.targets import MAINTAINER, NEWEST_LIBC, PYTHONS, BuildError, Machine

Description = dict[str, Any]

_COMMON: Final[Description] = {
    "maintainer": MAINTAINER,
    "vendor": "The wherry developers",
    "license": "Apache-2.0",
    "section": "admin",
    "priority": "optional",
    "release": "1",
}
_WHERRY: Final = """\
container engine that takes the place of Docker
An engine that speaks Docker's API, which the docker client, Compose and
Docker's SDKs work with; its own client; an OCI runtime; and a registry.
Containers go on while the engine is upgraded.
.
Everything that it needs is inside, but for a Python and two libraries of
the distribution."""
_DOCKER: Final = """\
command docker and Docker's socket, by wherry
Scripts and programs that call docker, or that use /run/docker.sock, go on
with wherry as they are."""

# Packages that have a file or a service of this name: with them, this is not for that machine.
_OTHER_DOCKERS: Final = [
    "docker-ce", "docker-ce-cli", "docker-engine", "docker-cli", "docker.io", "lxc-docker",
    "moby-cli", "moby-engine", "podman-docker",
]  # fmt: skip
_OTHER_DOCKERS_OF_RPM: Final = [
    "docker", "docker-ce", "docker-ce-cli", "docker-cli", "docker-client", "docker-common",
    "docker-engine", "moby-engine", "podman-docker",
]  # fmt: skip
# The release of Docker whose command line and API these are.
_DOCKER_RELEASE: Final = "28.5.0"


@dataclass(frozen=True, slots=True)
class Job:
    """One build: `stage` has a directory per package, `scripts` what runs when one is installed."""

    version: str
    machine: Machine
    epoch: int
    stage: Path
    scripts: Path
    tool: Path


def wherry(job: Job, format_: str) -> Description:
    """Describe the package `wherry` in "deb" or "rpm"."""
    pythons = list(reversed(PYTHONS))
    described = _describe(job, "wherry", format_, _WHERRY, job.machine.debian)
    scripts = job.scripts / "wherry" / format_
    if format_ == "deb":
        described["scripts"] = _scripts(scripts, "", "postinst", "prerm", "postrm")
        described["depends"] = [
            " | ".join(f"python{python}" for python in pythons),
            "libnftables1",
            "libseccomp2",
            f"libc6 (>= 2.{NEWEST_LIBC})",
            "passwd",
        ]
        # invoke-rc.d, for what runs before anything is configured.
        described["deb"]["predepends"] = ["init-system-helpers (>= 1.54~)"]
        described["deb"]["triggers"] = {
            "interest_noawait": ["/usr/bin/python3", *(f"/usr/bin/python{p}" for p in pythons)]
        }
        return described
    described["scripts"] = _scripts(scripts, "", "post", "preun", "postun")
    described["rpm"]["scripts"] = {"posttrans": str(scripts / "posttrans")}
    described["depends"] = [
        f"({' or '.join(f'python(abi) = {python}' for python in pythons)})",
        "libnftables.so.1()(64bit)",
        "libseccomp.so.2()(64bit)",
        "(shadow-utils or shadow)",
        "rpmlib(RichDependencies) <= 4.12.0-1",
    ]
    return described


def wherry_docker(job: Job, format_: str) -> Description:
    """Describe the package `wherry-docker`."""
    described = _describe(job, "wherry-docker", format_, _DOCKER, "all")
    scripts = job.scripts / "wherry-docker"
    described["scripts"] = _scripts(scripts, "refuse", "after", "", "gone")
    if format_ == "deb":
        described |= {
            "depends": [f"wherry (>= {job.version})"],
            "provides": [f"docker.io (= {_DOCKER_RELEASE})", f"docker-cli (= {_DOCKER_RELEASE})"],
            # Not "replaces" as well: with that, dpkg would take another Docker away unasked.
            "conflicts": _OTHER_DOCKERS,
        }
        return described
    described |= {
        "depends": [f"wherry >= {job.version}"],
        "provides": [f"docker = {_DOCKER_RELEASE}", f"docker-cli = {_DOCKER_RELEASE}"],
        "conflicts": _OTHER_DOCKERS_OF_RPM,
    }
    return described


def _describe(job: Job, name: str, format_: str, text: str, arch: str) -> Description:
    date = datetime.fromtimestamp(job.epoch, UTC).isoformat()
    described: Description = {
        **_COMMON,
        "name": name,
        "arch": arch,
        "version": job.version,
        "version_schema": "none",
        "description": text,
        "mtime": date,
        "contents": list(_contents(job.stage / name, date, format_)),
    }
    if format_ == "deb":
        described["deb"] = {"compression": "zstd"}
    else:
        described["rpm"] = {
            "summary": text.splitlines()[0],
            "buildhost": "localhost",
            "compression": "zstd:11",
        }
    return described


def _scripts(directory: Path, before: str, after: str, leaving: str, gone: str) -> dict[str, str]:
    """Return nfpm's names for what runs at an installation and a removal; none where it is ""."""
    names = {
        "preinstall": before, "postinstall": after, "preremove": leaving, "postremove": gone,
    }  # fmt: skip
    return {part: str(directory / name) for part, name in names.items() if name}


def _contents(root: Path, date: str, format_: str) -> Iterator[Description]:
    """Yield every file and link below `root`, and the directories that are this package's alone."""
    for directory, folders, names in os.walk(root):
        folders.sort()
        path = directory.removeprefix(str(root))
        if _is_elsewhere(path, format_):
            continue
        if path.startswith("/opt/") or path in ("/etc/wherry", f"/usr/share/doc/{root.name}"):
            yield _entry(path, date, type="dir", mode=0o755)
        links = [name for name in folders if os.path.islink(f"{directory}/{name}")]
        for name in sorted(names + links):
            source = Path(directory, name)
            installed = f"{_directory(path, format_)}/{name}"
            if source.is_symlink():
                # With a mode, or nfpm takes that of whatever the link leads to on this machine.
                yield _entry(installed, date, 0o777, src=os.readlink(source), type="symlink")
                continue
            kind = {"type": "config|noreplace"} if installed.startswith("/etc/") else {}
            yield _entry(
                installed, date, src=str(source), mode=source.stat().st_mode & 0o777, **kind
            )


def _is_elsewhere(path: str, format_: str) -> bool:
    """Tell whether a directory is the other family's: zsh looks in one for what packages bring."""
    other = {"deb": "/usr/share/zsh/site-functions", "rpm": "/usr/share/zsh/vendor-completions"}
    return path == other[format_]


def _directory(path: str, format_: str) -> str:
    # On machines of rpm /etc/init.d is a link, which a package must not make a directory of.
    return "/etc/rc.d/init.d" if format_ == "rpm" and path == "/etc/init.d" else path


def _entry(installed: str, date: str, mode: int | None = None, **parts: str) -> Description:
    info: Description = {"owner": "root", "group": "root", "mtime": date}
    if mode is not None:
        info["mode"] = mode
    return {"dst": installed, "file_info": info, **parts}


def make(job: Job, described: Description, format_: str, output: Path) -> Path:
    """Build one package; returns its path in `output`."""
    arch = {"all": {"deb": "all", "rpm": "noarch"}}.get(
        described["arch"], {"deb": job.machine.debian, "rpm": job.machine.rpm}
    )[format_]
    name, version = described["name"], described["version"]
    release = described.pop("release") if format_ == "deb" else described["release"]
    file = (
        f"{name}_{version}_{arch}.deb"
        if format_ == "deb"
        else f"{name}-{version}-{release}.{arch}.rpm"
    )
    configuration = job.stage / f"{name}.{format_}.json"
    configuration.write_text(json.dumps(described, indent=1))
    command = [str(job.tool), "package", "--config", str(configuration), "--packager", format_]
    done = subprocess.run(
        [*command, "--target", str(output / file)],
        check=False,
        capture_output=True,
        text=True,
        env={"SOURCE_DATE_EPOCH": str(job.epoch), "PATH": os.environ["PATH"], "HOME": "/"},
    )
    if done.returncode:
        raise BuildError(f"nfpm could not make {file}:\n{done.stdout}{done.stderr}")
    return output / file
