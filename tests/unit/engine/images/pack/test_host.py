"""Paths are followed as programs of that machine would follow them."""

from __future__ import annotations

import pytest

from fixtures.elf import Machine
from wherry.engine.images.pack.errors import NotPackableError
from wherry.engine.images.pack.host import Host


def test_links_are_followed_within_the_machine(machine: Machine, host: Host) -> None:
    machine.file("/usr/lib/x")
    machine.link("/lib", "usr/lib")
    machine.link("/etc/alternatives/y", "/lib/x")
    machine.link("/usr/lib/z", "../../../../etc/alternatives/y")
    assert host.real("/lib/z") == "/usr/lib/x"
    steps = [(step.path, step.target) for step in host.steps("/lib/x")]
    assert steps == [("/lib", "usr/lib"), ("/usr", ""), ("/usr/lib", ""), ("/usr/lib/x", "")]


def test_a_circle_of_links_ends(machine: Machine, host: Host) -> None:
    machine.link("/a", "b")
    machine.link("/b", "a")
    with pytest.raises(NotPackableError, match="circle"):
        host.real("/a")
    assert host.find("/a") is None


def test_programs_are_found_by_name(machine: Machine, host: Host) -> None:
    machine.file("/usr/sbin/tool", mode=0o644)
    machine.file("/usr/bin/tool", mode=0o755)
    machine.link("/bin", "usr/bin")
    assert host.program("tool") == "/usr/bin/tool"
    assert host.program("other") is None
