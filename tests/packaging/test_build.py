"""What packaging/build makes: the right files, the same bytes each time, and nothing else."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import socket
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.packages import EPOCH, REPOSITORY, Packages, build_packages
from wherry import __version__

pytestmark = pytest.mark.timeout(600)

PROGRAMS = ["wherry", "wherryd", "wherry-runtime"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def members(deb: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the entries of a package, in order."""
    command = ["dpkg-deb", "--fsys-tarfile", deb]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as archive,
    ):
        yield from archive


@pytest.fixture(scope="module")
def unpacked(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of both .deb files, scripts too, in one directory."""
    into = tmp_path_factory.mktemp("unpacked")
    for deb in (packages.deb, packages.docker_deb):
        subprocess.run(["dpkg-deb", "--raw-extract", deb, into / deb.name], check=True)
    return into


def test_each_file_is_made_and_named_as_its_tool_expects(packages: Packages) -> None:
    made = {path.name for path in packages.directory.iterdir()} - {"whole"}
    assert made == {
        f"wherry-{__version__}-py3-none-any.whl",
        f"wherry_{__version__}_{ARCH}.deb",
        f"wherry-docker_{__version__}_all.deb",
        f"wherry-{__version__}-1.{platform.machine()}.rpm",
        f"wherry-docker-{__version__}-1.noarch.rpm",
    }


def test_two_builds_in_other_surroundings_give_the_same_bytes(
    packages: Packages, tmp_path: Path
) -> None:
    """Another directory, user mask, locale, time zone, home and order of files."""
    there = tmp_path / "elsewhere" / "with a space"
    wanted = ["src", "scripts", "packaging", "pyproject.toml", "README.md", "LICENSE",
              "CHANGELOG.md", ".gitignore", "build"]  # fmt: skip
    there.mkdir(parents=True)
    for name in reversed(wanted):
        source = REPOSITORY / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(
                source, there / name, symlinks=True, ignore=ignore, copy_function=shutil.copy
            )
        else:
            shutil.copy(source, there / name)
    for path in (there / "src").rglob("*.py"):
        path.chmod(0o600)
    mask = os.umask(0o077)
    try:
        again = build_packages(
            tmp_path / "out", there, TZ="Pacific/Auckland", LC_ALL="C", HOME=str(tmp_path)
        )
    finally:
        os.umask(mask)

    def digests(of: Packages) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in of.directory.iterdir()
            if path.name != "whole"
        }

    assert digests(again) == digests(packages)


def test_nothing_says_where_or_by_whom_it_was_built(packages: Packages, unpacked: Path) -> None:
    words = [str(REPOSITORY), socket.gethostname(), "wherry-packages.", str(Path.home() / "")]
    telling = [word.encode() for word in words if len(word) > len("/root/")]
    found = [
        f"{path}: {word.decode()}"
        for path in unpacked.rglob("*")
        if path.is_file() and not path.is_symlink()
        for word in telling
        if word in path.read_bytes()
    ]
    with zipfile.ZipFile(packages.wheel) as wheel:
        found += [n for n in wheel.namelist() for word in telling if word in wheel.read(n)]
    for rpm in (packages.rpm, packages.docker_rpm):
        described = subprocess.run(
            ["rpm", "-qp", "--xml", rpm], check=True, capture_output=True
        ).stdout
        found += [f"{rpm}: {word.decode()}" for word in telling if word in described]
    assert found == []


@pytest.mark.parametrize("package", ["deb", "docker_deb"])
def test_every_file_is_roots_and_nobody_else_may_write(packages: Packages, package: str) -> None:
    for entry in members(getattr(packages, package)):
        assert (entry.uid, entry.gid) == (0, 0), entry.name
        assert entry.mtime == EPOCH, entry.name
        if entry.issym():
            assert entry.mode == 0o777, entry.name
        else:
            assert entry.mode & 0o7022 == 0, entry.name
            assert entry.mode & 0o444 == 0o444, entry.name
            assert not entry.isdir() or entry.mode == 0o755, entry.name


def test_the_rpm_has_the_files_of_the_deb(packages: Packages) -> None:
    """But for two places that are called otherwise there."""
    listed = subprocess.run(
        ["rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}\\n]",
         packages.rpm],
        check=True, capture_output=True, text=True,
    ).stdout.split("\n")  # fmt: skip
    rows = [line.rsplit(" ", 2) for line in listed if line]
    assert {owner for _, _, owner in rows} == {"root"}
    assert [path for path, mode, _ in rows if mode[0] != "l" and mode[5] + mode[8] != "--"] == []
    of_rpm = {
        path.replace("/etc/rc.d/", "/etc/").replace("site-functions", "vendor-completions")
        for path, mode, _ in rows
        if mode[0] != "d"
    }
    of_deb = {entry.name[1:] for entry in members(packages.deb) if not entry.isdir()}
    assert of_rpm == of_deb


def test_the_rpm_owns_no_directory_of_others(packages: Packages) -> None:
    listed = subprocess.run(
        ["rpm", "-qp", "--qf", "[%{FILEMODES:perms} %{FILENAMES}\\n]", packages.rpm],
        check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    directories = [line.split(" ", 1)[1] for line in listed if line.startswith("d")]
    allowed = ("/opt/wherry", "/etc/wherry", "/usr/share/doc/wherry")
    assert [path for path in directories if not path.startswith(allowed)] == []


def test_libraries_are_there_for_each_python_and_shared_where_they_can_be(unpacked: Path) -> None:
    lib = next(unpacked.glob("wherry_*")) / "opt/wherry/lib"
    for python in PYTHONS:
        site = lib / f"python{python}" / "site-packages"
        tag = f".cpython-{python.replace('.', '')}-"
        compiled = [path.name for path in site.rglob("*.so")]
        assert compiled != []
        assert [name for name in compiled if tag not in name] == []
        for name in ("wherry", "h11", "jinja2", "cryptography", "obstore"):
            assert (site / name).is_symlink()
            assert (site / name).resolve() == lib / "common" / name
        assert (site / "backports").exists() == (python != "3.14")
    assert list(lib.rglob("*.pyc")) == []
    assert list(lib.rglob("*.pth")) == []


def test_compiled_libraries_have_only_what_is_loaded(unpacked: Path) -> None:
    """No symbols, no debugging information; other tests tell that they work all the same."""
    libraries = list(unpacked.rglob("*.so"))
    assert libraries != []
    for library in libraries:
        content = library.read_bytes()
        assert content.startswith(b"\x7fELF")
        assert b".debug_info" not in content[-4096:]


def test_what_is_below_etc_is_the_administrators(packages: Packages) -> None:
    configured = subprocess.run(
        ["dpkg-deb", "--info", packages.deb, "conffiles"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    there = {
        e.name[1:] for e in members(packages.deb) if e.isfile() and e.name.startswith("./etc/")
    }
    assert set(configured) == there
    assert "/etc/wherry/daemon.json" in there
    marked = subprocess.run(
        ["rpm", "-qp", "--configfiles", packages.rpm], check=True, capture_output=True, text=True
    ).stdout.split()
    assert {path.replace("/etc/rc.d/", "/etc/") for path in marked} == there


def test_manual_pages_and_completions_are_there(packages: Packages) -> None:
    paths = {entry.name[1:] for entry in members(packages.deb)}
    assert {
        "/usr/share/man/man1/wherry.1.gz",
        "/usr/share/man/man1/wherry-run.1.gz",
        "/usr/share/man/man8/wherryd.8.gz",
        "/usr/share/man/man5/wherry-daemon.json.5.gz",
        "/usr/share/bash-completion/completions/wherry",
        "/usr/share/zsh/vendor-completions/_wherry",
        "/usr/share/fish/vendor_completions.d/wherry.fish",
        "/usr/share/doc/wherry/copyright",
    } <= paths


def test_scripts_are_written_for_every_shell(unpacked: Path) -> None:
    scripts = [
        *unpacked.glob("*/DEBIAN/p*"),
        *(REPOSITORY / "packaging/scripts/wherry/rpm").iterdir(),
        next(unpacked.rglob("choose-python")),
    ]
    assert len(scripts) >= 11
    for script in scripts:
        for shell in (["dash", "-n"], ["bash", "--posix", "-n"], ["busybox", "sh", "-n"]):
            subprocess.run([*shell, script], check=True, capture_output=True)


def test_a_lock_that_lacks_a_library_stops_the_build(tmp_path: Path) -> None:
    """Or the package would be made, and not work."""
    there = tmp_path / "repository"
    for name in ("src", "scripts", "packaging", "build"):
        shutil.copytree(REPOSITORY / name, there / name, symlinks=True)
    for name in ("README.md", "LICENSE", "CHANGELOG.md", ".gitignore"):
        shutil.copy(REPOSITORY / name, there / name)
    text = (REPOSITORY / "pyproject.toml").read_text()
    (there / "pyproject.toml").write_text(text.replace('"h11>=', '"not-locked>=1",\n    "h11>='))
    with pytest.raises(AssertionError, match="has no not-locked>=1 for Python"):
        build_packages(tmp_path / "out", there)


def test_without_a_date_nothing_is_built(tmp_path: Path) -> None:
    there = tmp_path / "repository"
    for name in ("scripts", "packaging", "build"):
        shutil.copytree(REPOSITORY / name, there / name, symlinks=True)
    with pytest.raises(AssertionError, match="set SOURCE_DATE_EPOCH"):
        build_packages(tmp_path / "out", there, SOURCE_DATE_EPOCH="yesterday")
