"""What is installed: Python and libraries, programs, the service, and whether it comes at boot."""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata
from typing import Final

import wherry
from wherry.doctor.finding import Finding, note, ok, problem, warning
from wherry.doctor.machine import Machine
from wherry.service.files import INIT_SCRIPT, SERVICE

_LEAST: Final = (3, 11)
_PROGRAMS: Final = ("wherryd", "wherry-runtime")
_INITS: Final = ("docker-init", "tini-static", "tini", "catatonit")
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*([^;]*)(?:;\s*(.*))?")
_BOUND: Final = re.compile(r"(>=|<|==|>|<=|!=)\s*([0-9][0-9.]*)")


def check_python(_machine: Machine) -> list[Finding]:
    """Python is new enough."""
    there = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _LEAST:
        text = f"Python {there} is too old: {'.'.join(map(str, _LEAST))} is the oldest that will do"
        return [problem(text, "programs fail where they use what is newer")]
    return ok(f"{there} ({sys.executable})")


def check_libraries(machine: Machine) -> list[Finding]:
    """Every library is there, in a version that will do."""
    try:
        wanted = metadata.requires("wherry") or []
    except metadata.PackageNotFoundError:
        return [note("not looked at: this wherry was not installed, but runs from its source")]
    findings = []
    for name, bounds in needed(wanted, sys.version_info[:2]):
        there = _version_of(name)
        if there is None or not satisfies(there, bounds):
            found = f"is {there}" if there else "is missing"
            text = f"the library {name} {found}, and {bounds or 'some version'} is needed"
            effect = "the engine does not start, or a part of it fails when it is first used"
            findings.append(problem(text, effect, *_install_library(machine, name, bounds)))
    return findings or ok(f"{len(wanted)} are there")


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _install_library(machine: Machine, name: str, bounds: str) -> tuple[str, ...]:
    if not sys.prefix.startswith("/opt/wherry"):
        return (f"{sys.executable} -m pip install '{name}{bounds}'",)
    if machine.distribution() & {"fedora", "rhel", "centos"}:
        return ("dnf reinstall -y wherry",)
    return ("apt-get install -y --reinstall wherry",)


def needed(requirements: list[str], python: tuple[int, int]) -> list[tuple[str, str]]:
    """Return name and bounds of each requirement that holds for a Python (pure)."""
    found = []
    for requirement in requirements:
        match = _REQUIREMENT.fullmatch(requirement.strip())
        if match is None:
            continue
        name, bounds, marker = match[1], match[2].strip(), match[3] or ""
        if "extra" in marker:
            continue
        newest = re.search(r"python_version\s*<\s*[\"'](\d+)\.(\d+)", marker)
        if newest is None or python < (int(newest[1]), int(newest[2])):
            found.append((name, bounds))
    return found


def satisfies(version: str, bounds: str) -> bool:
    """Tell whether a version is within bounds such as `>=3.10,<4` (pure)."""
    have = _numbers(version)
    for operator, text in _BOUND.findall(bounds):
        want = _numbers(text)
        size = max(len(have), len(want))
        left, right = (n + (0,) * (size - len(n)) for n in (have, want))
        holds = {
            ">=": left >= right, "<=": left <= right, ">": left > right, "<": left < right,
            "==": left == right, "!=": left != right,
        }  # fmt: skip
        if not holds[operator]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"[0-9.]+", version)
    return tuple(int(part) for part in found[0].strip(".").split(".")) if found else ()


def check_programs(machine: Machine) -> list[Finding]:
    """The programs that are found are those of this wherry, and what they may need is there."""
    here = os.path.dirname(os.path.realpath(sys.executable)), os.path.dirname(sys.executable)
    findings = []
    for name in _PROGRAMS:
        path = machine.program(name)
        beside = f"{here[1]}/{name}"
        if path is None:
            text = f"{name} is not on the PATH"
            add = f"ln -s {beside} /usr/local/bin/{name}"
            findings.append(note(text, "the commands that are shown here need its directory", add))
        elif os.path.dirname(os.path.realpath(path)) not in here:
            text = f"{path} is another wherry than this one ({here[1]})"
            effect = "two versions may look after one data root"
            findings.append(warning(text, effect, f"{path} --version"))
    if not any(machine.program(name) for name in _INITS):
        effect = "containers with --init do not start"
        findings.append(
            note(f"none of {', '.join(_INITS)} is there", effect, machine.install("tini", "tini"))
        )
    if machine.program("git") is None:
        effect = "images cannot be built from repositories"
        findings.append(note("git is not there", effect, machine.install("git", "git-core")))
    return findings or ok(f"wherry {wherry.__version__} in {here[1]}")


def check_service(machine: Machine) -> list[Finding]:
    """The engine comes back at boot."""
    if machine.runs_systemd() and machine.has_unit():
        if machine.matches(f"/etc/systemd/system/*.wants/{SERVICE}"):
            return ok("systemd starts it at boot")
        return [_not_at_boot("systemctl enable wherry")]
    if machine.exists(INIT_SCRIPT):
        if machine.matches("/etc/rc[2-5].d/S??wherry") or machine.matches(
            "/etc/rc.d/rc[2-5].d/S??wherry"
        ):
            return ok("it is started at boot")
        return [_not_at_boot("update-rc.d wherry defaults || chkconfig wherry on")]
    effect = "after a reboot neither the engine nor its containers are there"
    return [note("no service is installed", effect, "wherry service install --now")]


def _not_at_boot(command: str) -> Finding:
    effect = "after a reboot neither the engine nor its containers are there"
    return warning("the service is installed, and not started at boot", effect, command)
