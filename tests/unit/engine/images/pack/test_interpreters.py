"""First lines of scripts; where Python keeps its modules."""

from __future__ import annotations

import pytest

from fixtures.elf import Machine
from wherry.engine.images.pack.errors import MissingLibraryError
from wherry.engine.images.pack.host import Host
from wherry.engine.images.pack.interpreters import (
    find_python,
    linked_projects,
    run_by_env,
    shebang,
    wanted_of_standard_library,
)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"#!/bin/sh\necho", ["/bin/sh"]),
        (b"#! /usr/bin/awk -f x\n", ["/usr/bin/awk", "-f x"]),
        (b"#!/bin/sh", ["/bin/sh"]),
        (b"#!\n", None),
        (b"echo", None),
        (b"", None),
    ],
)
def test_first_lines(head: bytes, words: list[str] | None) -> None:
    assert shebang(head) == words


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["/usr/bin/env", "python3"], "python3"),
        (["/usr/bin/env", "-S A=1 python3 -u"], "python3"),
        (["/usr/bin/env"], None),
        (["/bin/sh", "-e"], None),
    ],
)
def test_programs_found_by_env(words: list[str], program: str | None) -> None:
    assert run_by_env(words) == program


def debian(machine: Machine) -> None:
    machine.program("/usr/bin/python3.11")
    machine.link("/usr/bin/python3", "python3.11")
    machine.file("/usr/lib/python3.11/os.py")
    machine.file("/usr/lib/python3/dist-packages/apt.py")


def test_pythons_standard_library(machine: Machine, host: Host) -> None:
    debian(machine)
    found = find_python(host, "/usr/bin/python3")
    assert found is not None
    assert (found.version, found.standard) == ("3.11", ["/usr/lib/python3.11"])
    assert found.packages == ["/usr/lib/python3/dist-packages"]
    assert found.environment == ""


def test_a_bare_python3_takes_the_newest(machine: Machine, host: Host) -> None:
    machine.program("/opt/py/bin/python3")
    machine.file("/opt/py/lib/python3.9/os.py")
    machine.file("/opt/py/lib/python3.13/os.py")
    found = find_python(host, "/opt/py/bin/python3")
    assert found is not None
    assert found.standard == ["/opt/py/lib/python3.13"]


@pytest.mark.parametrize("copied", [False, True])
def test_a_virtual_environment(machine: Machine, host: Host, copied: bool) -> None:
    debian(machine)
    machine.file("/srv/env/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
    machine.file("/srv/env/lib/python3.11/site-packages/x.py")
    if copied:
        machine.program("/srv/env/bin/python3")
    else:
        machine.link("/srv/env/bin/python3", "/usr/bin/python3")
    found = find_python(host, "/srv/env/bin/python3")
    assert found is not None
    assert (found.environment, found.home) == ("/srv/env", "/usr/bin")
    assert found.standard == ["/usr/lib/python3.11"]
    assert found.packages == ["/srv/env/lib/python3.11/site-packages"]


def test_python_without_its_library_is_an_error(machine: Machine, host: Host) -> None:
    machine.program("/opt/bin/python3.12")
    with pytest.raises(MissingLibraryError, match="the standard library of Python, which /opt/bin"):
        find_python(host, "/opt/bin/python3.12")


def test_other_programs_are_not_python(machine: Machine, host: Host) -> None:
    machine.program("/bin/pythonista2-config")
    assert find_python(host, "/bin/pythonista2-config") is None


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("json", True), ("test", False), ("lib-dynload", True), ("_tkinter.cpython-311.so", False),
     ("config-3.11-x86_64-linux-gnu", False), ("__pycache__", False), ("site-packages", False)],
)  # fmt: skip
def test_parts_of_the_standard_library(path: str, wanted: bool) -> None:
    assert wanted_of_standard_library(f"/usr/lib/python3.11/{path}") is wanted


def test_projects_that_are_linked(machine: Machine, host: Host) -> None:
    machine.file("/e/site-packages/a.pth", "import sys\n# no\n/work/app/src\n\nown\ngone\n")
    machine.file("/e/site-packages/own/x.py")
    machine.file("/work/app/src/app.py")
    assert list(linked_projects(host, "/e/site-packages")) == ["/work/app/src"]
