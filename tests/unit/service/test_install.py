"""Into the root of a machine that does not run: files, the group, links that enable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.base.errors import NotFoundError
from wherry.service import enabling, install
from wherry.service.enabling import CommandFailedError, is_enabled, run
from wherry.service.install import (
    DockerThereError,
    PackagedError,
    UnsafeProgramsError,
    Wanted,
    programs_folder,
    unsafe,
)
from wherry.service.machine import Machine
from wherry.service.place import ChangedFilesError
from wherry.service.status import status
from wherry.service.uninstall import uninstall

FORCED = Wanted(force=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with systemd and the group."""
    for folder in ("etc/systemd/system", "run", "usr/bin", "usr/lib/systemd/system"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "usr/lib/systemd/systemd").touch()
    (tmp_path / "etc/group").write_text("root:x:0:\nwherry:x:990:\n")
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """An environment with the programs."""
    folder = tmp_path / "env/bin"
    folder.mkdir(parents=True)
    for name in ("wherry", "wherryd"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_with_systemd_units_are_written_and_enabled(root: Path, programs: str) -> None:
    machine = Machine(str(root))
    told = list(install.install(machine, programs, FORCED))
    units = ("/etc/systemd/system/wherry.service", "/etc/systemd/system/wherry.socket")
    assert {f"wrote {path}" for path in units} <= set(told)
    assert not (root / "etc/init.d").exists()
    wants = root / "etc/systemd/system"
    assert (wants / "multi-user.target.wants/wherry.service").is_symlink()
    assert (wants / "sockets.target.wants/wherry.socket").is_symlink()
    assert b"// " in (root / "etc/wherry/daemon.json").read_bytes()
    found = status(machine, programs)
    assert (found.manager, found.by, found.enabled) == ("systemd", "pip", True)
    assert (found.pid, found.listening, found.changed) == (0, False, ())
    assert list(install.install(machine, programs, FORCED)) == ["enabled: it is started at boot"]
    told = list(uninstall(machine, programs, purge=False))
    assert {f"removed {path}" for path in units} <= set(told)
    assert not is_enabled(machine)
    assert not (wants / "sockets.target.wants/wherry.socket").is_symlink()
    assert (root / "etc/wherry/daemon.json").exists()


def test_a_configuration_that_is_there_stays(root: Path, programs: str) -> None:
    (root / "etc/wherry").mkdir()
    (root / "etc/wherry/daemon.json").write_text("{}")
    told = list(install.install(Machine(str(root)), programs, FORCED))
    assert (root / "etc/wherry/daemon.json").read_text() == "{}"
    assert not any("daemon.json" in line for line in told)


def test_refusals_come_before_anything_is_written(root: Path, programs: str) -> None:
    machine = Machine(str(root))
    (root / "usr/bin/dockerd").touch()
    with pytest.raises(DockerThereError, match="the program /usr/bin/dockerd"):
        list(install.install(machine, programs, Wanted(docker=True, force=True)))
    (root / "etc/systemd/system/wherry.service").write_text("another's")
    os.chmod(programs, 0o755)
    with pytest.raises((ChangedFilesError, UnsafeProgramsError)):
        list(install.install(machine, programs, Wanted()))
    (root / "usr/lib/systemd/system/wherry.service").touch()
    with pytest.raises(PackagedError, match="a package has installed"):
        list(install.install(machine, programs, FORCED))
    with pytest.raises(PackagedError, match="apt remove wherry"):
        list(uninstall(machine, programs, purge=True))
    assert not (root / "etc/sysusers.d").exists()


def test_with_docker_links_are_made(root: Path, programs: str) -> None:
    told = list(install.install(Machine(str(root)), programs, Wanted(docker=True, force=True)))
    assert "wrote /usr/local/bin/docker" in told
    assert (root / "usr/local/bin/docker").readlink() == Path(programs) / "wherry"
    assert (root / "etc/systemd/system/docker.service").readlink() == Path("wherry.service")
    list(uninstall(Machine(str(root)), programs, purge=False))
    assert not (root / "usr/local/bin/docker").is_symlink()
    assert not (root / "etc/systemd/system/docker.service").is_symlink()


def test_uninstalling_keeps_what_was_changed(root: Path, programs: str) -> None:
    machine = Machine(str(root))
    list(install.install(machine, programs, FORCED))
    unit = root / "etc/systemd/system/wherry.service"
    unit.write_text(unit.read_text() + "# ours\n")
    assert status(machine, programs).changed == ("/etc/systemd/system/wherry.service",)
    told = list(uninstall(machine, programs, purge=False))
    assert "kept /etc/systemd/system/wherry.service: it is not as it was installed" in told
    assert "# ours" in unit.read_text()


def test_purging_another_root_removes_its_data(root: Path, programs: str) -> None:
    machine = Machine(str(root))
    list(install.install(machine, programs, FORCED))
    (root / "var/lib/wherry/content").mkdir(parents=True)
    told = list(uninstall(machine, programs, purge=True))
    assert {"removed /var/lib/wherry", "removed /etc/wherry"} <= set(told)
    assert not (root / "var/lib/wherry").exists()
    assert not (root / "etc/wherry").exists()


def test_who_else_could_change_the_programs(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir(0o755)
    os.chmod(folder, 0o777)
    assert unsafe(str(folder)) == f"others may write to {folder}"
    os.chmod(folder, 0o755)
    os.chown(folder, 12345, -1)
    assert unsafe(str(folder)) == f"{folder} belongs to user 12345"
    assert unsafe("/usr/bin") == ""


def test_the_programs_are_beside_the_interpreter_or_what_was_called(programs: str) -> None:
    assert programs_folder(f"{programs}/python3", "/none/wherry") == programs
    assert programs_folder("/none/python3", f"{programs}/wherry") == programs
    with pytest.raises(NotFoundError, match="no wherryd beside /none/python3"):
        programs_folder("/none/python3", "/none/wherry")


def test_a_command_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(CommandFailedError, match="sh -c echo no >&2; exit 3: no"):
        run(("sh", "-c", "echo no >&2; exit 3"))
    with pytest.raises(CommandFailedError, match="/none/program"):
        run(("/none/program",))


def test_without_anything_that_starts_scripts_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert "have /etc/init.d/wherry start run" in enabling.enable(Machine(str(tmp_path)))[0]
    assert "only root may use the socket" in enabling.make_group(Machine(str(tmp_path)))[0]
