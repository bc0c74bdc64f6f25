"""The .rpm packages, installed by rpm into a system of its own, and resolved by dnf.

That system is a Debian, since there is no archive of Fedora here: the package's scripts run in it
as they would there. What a Fedora provides is provided by a package made here, by the names of
Fedora and RHEL: `python(abi)` of every Python, sonames, and shadow-utils.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.package_roots import Root, changed, directory, unpack
from fixtures.packages import REPOSITORY, Packages
from wherry import __version__

pytestmark = pytest.mark.timeout(600)

DATABASE = "/var/lib/rpm"


def nfpm() -> Path:
    """Return the tool of the newest build."""
    found = (REPOSITORY / "build/packaging").glob("tools-*/bin/nfpm")
    return max(found, key=lambda path: path.stat().st_mtime)


def make_rpm(into: Path, name: str, version: str = "1", **parts: object) -> Path:
    """Make an empty package that provides, requires or conflicts."""
    described = {
        "name": name, "version": version, "release": "1", "arch": "noarch",
        "maintainer": "t <t@localhost>", "description": name, **parts,
    }  # fmt: skip
    configuration = into / f"{name}.json"
    configuration.write_text(json.dumps(described))
    target = into / f"{name}-{version}-1.noarch.rpm"
    subprocess.run(
        [nfpm(), "package", "-f", configuration, "-p", "rpm", "-t", target],
        check=True, capture_output=True,
    )  # fmt: skip
    return target


LIBRARIES = ["libnftables.so.1()(64bit)", "libseccomp.so.2()(64bit)", "shadow-utils = 4.15"]


@pytest.fixture(scope="module")
def basis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that provides what Fedora's own do."""
    into = tmp_path_factory.mktemp("basis")
    return make_rpm(into, "basis", provides=[*LIBRARIES, "python(abi) = 3.11"])


@pytest.fixture(scope="module")
def system(bookworm: Path) -> Iterator[Path]:
    """A system whose packages nobody knows, for rpm to begin with."""
    with directory() as place:
        yield unpack(bookworm, place / "system").path


@pytest.fixture
def root(system: Path, basis: Path) -> Iterator[Root]:
    """That system with the basis installed, and nothing started."""
    with changed(system) as (made, _):
        # Of the programs that the scripts look for a Fedora has none of Debian's.
        rpm(made, "--install", str(basis))
        yield made


def rpm(root: Root, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run rpm on the root, from outside and without a network: scripts run inside."""
    done = subprocess.run(
        ["unshare", "--net", "rpm", "--root", str(root.path), "--dbpath", DATABASE, *words],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_installs_and_its_programs_answer(root: Root, packages: Packages) -> None:
    rpm(root, "--install", str(packages.rpm))
    assert root.output("wherry --version").endswith(__version__)
    assert "configuration OK" in root.run("wherryd --validate").stderr
    assert root.output("readlink /opt/wherry/bin/python3") == "python3.11"
    assert root.output("getent group wherry") != ""
    assert root.below("/etc/rc.d/init.d/wherry").stat().st_mode & 0o777 == 0o755
    # Everything is as it was packed: no size, digest, mode or owner differs.
    assert rpm(root, "--verify", "wherry", check=False).stdout == ""


def test_it_requires_a_python_that_it_has_libraries_for(root: Root, packages: Packages) -> None:
    rpm(root, "--erase", "basis")
    done = rpm(root, "--install", str(packages.rpm), check=False)
    assert done.returncode != 0
    assert "python(abi) = 3.11" in done.stderr
    assert "libnftables.so.1" in done.stderr
    assert "libseccomp.so.2" in done.stderr


def test_an_upgrade_keeps_settings_and_leaves_nothing_of_what_was(
    root: Root, packages: Packages, tmp_path: Path
) -> None:
    rpm(root, "--install", str(packages.rpm))
    root.below("/etc/wherry/daemon.json").write_text('{"debug": true}\n')
    stale = root.below("/opt/wherry/lib/common/wherry/__pycache__/gone.cpython-311.pyc")
    stale.write_bytes(b"")
    rpm(root, "--upgrade", "--replacepkgs", str(packages.rpm))
    assert root.below("/etc/wherry/daemon.json").read_text() == '{"debug": true}\n'
    assert not stale.exists()
    assert list(root.below("/opt/wherry/lib/common/wherry/__pycache__").iterdir()) != []
    assert root.output("wherry --version").endswith(__version__)


def test_erasing_keeps_data_and_leaves_no_program(root: Root, packages: Packages) -> None:
    rpm(root, "--install", str(packages.rpm))
    data = root.below("/var/lib/wherry/volumes/v/_data/file")
    data.parent.mkdir(parents=True)
    data.write_text("mine")
    root.below("/etc/wherry/daemon.json").write_text('{"debug": true}\n')
    rpm(root, "--erase", "wherry")
    there = [path for path in root.files() if "wherry" in path and not path.startswith("/var/lib/")]
    assert sorted(there) == ["/etc/wherry", "/etc/wherry/daemon.json.rpmsave"]
    assert data.read_text() == "mine"


def test_docker_is_not_replaced(root: Root, packages: Packages, tmp_path: Path) -> None:
    other = make_rpm(tmp_path, "docker-ce")
    rpm(root, "--install", str(packages.rpm), str(other))
    done = rpm(root, "--install", str(packages.docker_rpm), check=False)
    assert done.returncode != 0
    assert "docker-ce conflicts" in done.stderr
    rpm(root, "--erase", "docker-ce")
    root.below("/usr/bin/docker").write_text("of no package")
    done = rpm(root, "--install", str(packages.docker_rpm), check=False)
    assert done.returncode != 0
    assert "  /usr/bin/docker\n" in done.stderr
    root.below("/usr/bin/docker").unlink()
    rpm(root, "--install", str(packages.docker_rpm))
    assert root.output("docker --version").startswith("Docker version")
    rpm(root, "--erase", "wherry-docker")
    assert not root.below("/usr/bin/docker").exists()
    assert not root.below("/run/docker.sock").is_symlink()


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.14"])
def test_dnf_finds_the_python_that_a_distribution_has(
    packages: Packages, tmp_path: Path, python: str
) -> None:
    """RHEL 9: its python3 is 3.9, and there are packages of newer ones beside it."""
    repository = tmp_path / "repository"
    repository.mkdir()
    make_rpm(repository, "libraries", provides=LIBRARIES)
    make_rpm(repository, "python3", "3.9.18", provides=["python(abi) = 3.9"])
    make_rpm(repository, f"python{python}", f"{python}.1", provides=[f"python(abi) = {python}"])
    for file in (packages.rpm, packages.docker_rpm):
        (repository / file.name).symlink_to(file)
    subprocess.run(["createrepo_c", "--quiet", repository], check=True)
    done = subprocess.run(
        ["unshare", "--net", "dnf", "--assumeno", f"--installroot={tmp_path}/root",
         "--releasever=1",
         "--setopt=reposdir=/nonexistent", f"--setopt=cachedir={tmp_path}/cache", "--nogpgcheck",
         f"--repofrompath=ours,file://{repository}", "install", "wherry-docker"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    shown = done.stdout + done.stderr
    assert "Operation aborted" in shown, shown
    for name in ("wherry ", "wherry-docker ", "libraries ", f"python{python} "):
        assert f"\n {name}" in shown
    assert "\n python3 " not in shown
