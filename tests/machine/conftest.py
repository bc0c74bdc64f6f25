"""A machine on which the package has been installed, as a disk that each module begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.busybox import busybox_archive
from fixtures.machine import Machine, docker, new_machine
from fixtures.machine.disk import Disk
from fixtures.packages import Packages, packages

__all__ = ["packages"]

# An emulated processor: a boot alone takes half a minute.
SECONDS = 3600
GUEST = Path(__file__).parent / "guest"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder the time that they need."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def installed(packages: Packages) -> Iterator[Disk]:
    """A disk with the package installed by dpkg, the image busybox loaded, and a clean shutdown.

    The machine has no network at all but its loopback: nothing can be fetched.
    """
    with new_machine() as machine:
        machine.copy_in(packages.deb, "/srv/wherry.deb")
        machine.copy_in(GUEST, "/srv/guest", leave_out=["__pycache__"])
        machine.await_system()
        machine.run("dpkg", "-i", "/srv/wherry.deb", timeout=600)
        docker(machine, "load", stdin=busybox_archive())
        machine.shutdown()
        yield machine.as_base()


@pytest.fixture(scope="module")
def machine(installed: Disk) -> Iterator[Machine]:
    """A machine of the module's own, booted from the disk with the package."""
    with new_machine(installed) as booted:
        booted.await_system()
        yield booted
