"""The dynamic linker's search."""

from __future__ import annotations

import pytest

from fixtures.elf import I386, Machine, elf
from wherry.engine.images.pack.host import Host
from wherry.engine.images.pack.libraries import Closure, Libraries


def closure(host: Host, path: str) -> Closure:
    libraries = Libraries(host)
    told = libraries.elf(path)
    assert told is not None
    return libraries.closure(path, told)


def found(host: Host, path: str) -> list[str]:
    result = closure(host, path)
    assert result.missing == []
    return [library.path for library in result.libraries]


def test_libraries_of_libraries_are_found_once(machine: Machine, host: Host) -> None:
    machine.program("/bin/p", needed=["liba.so", "libb.so"], interpreter="/lib/ld.so")
    machine.file("/lib/ld.so", elf())
    machine.file("/lib/liba.so", elf(needed=["libc.so", "ld.so"]))
    machine.file("/usr/lib/libb.so", elf(needed=["liba.so", "libc.so"]))
    machine.file("/usr/lib/libc.so", elf(needed=["libb.so"], soname="libc.so"))
    assert found(host, "/bin/p") == ["/lib/liba.so", "/usr/lib/libb.so", "/usr/lib/libc.so"]


def test_what_is_missing_is_told_with_who_needs_it(machine: Machine, host: Host) -> None:
    machine.program("/bin/p", needed=["liba.so"])
    machine.file("/lib/liba.so", elf(needed=["libgone.so"]))
    assert closure(host, "/bin/p").missing == [("libgone.so", "/lib/liba.so")]


@pytest.mark.parametrize("entry", ["$ORIGIN/../lib", "${ORIGIN}/../lib", "/opt/x/$LIB"])
@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_the_programs_own_directories(machine: Machine, host: Host, entry: str, kind: str) -> None:
    machine.program("/opt/x/bin/p", needed=["liba.so"], **{kind: entry})
    machine.link("/bin/p", "/opt/x/bin/p")
    machine.file("/opt/x/lib/liba.so", elf())
    machine.file("/lib/liba.so", elf())
    result = closure(host, "/bin/p")
    assert [library.path for library in result.libraries] == ["/opt/x/lib/liba.so"]
    assert result.relative == ([] if "LIB" in entry else ["/opt/x/lib"])


def test_an_rpath_holds_for_what_is_loaded_but_a_runpath_does_not(
    machine: Machine, host: Host
) -> None:
    machine.file("/opt/liba.so", elf(needed=["libb.so"]))
    machine.file("/opt/libb.so", elf())
    machine.program("/bin/p", needed=["liba.so"], rpath="/opt")
    machine.program("/bin/q", needed=["liba.so"], runpath="/opt")
    assert found(host, "/bin/p") == ["/opt/liba.so", "/opt/libb.so"]
    assert closure(host, "/bin/q").missing == [("libb.so", "/opt/liba.so")]


def test_a_runpath_hides_inherited_rpaths(machine: Machine, host: Host) -> None:
    machine.file("/opt/liba.so", elf(needed=["libb.so"], runpath="/other"))
    machine.file("/opt/libb.so", elf())
    machine.file("/lib/libb.so", elf())
    machine.program("/bin/p", needed=["liba.so"], rpath="/opt")
    assert found(host, "/bin/p") == ["/opt/liba.so", "/lib/libb.so"]


def test_libraries_for_other_machines_are_passed_over(machine: Machine, host: Host) -> None:
    machine.file("/etc/ld.so.conf", "/lib32\n")
    machine.file("/lib32/liba.so", elf(machine=I386))
    machine.file("/lib/liba.so", "INPUT(libother.so)")
    machine.file("/usr/lib/liba.so", elf())
    machine.program("/bin/p", needed=["liba.so"])
    assert found(host, "/bin/p") == ["/usr/lib/liba.so"]


def test_the_linkers_configuration(machine: Machine, host: Host) -> None:
    machine.file("/etc/ld.so.conf", "include ld.so.conf.d/*.conf  # first\n/last /odd:/even\n")
    machine.file("/etc/ld.so.conf.d/b.conf", "include /etc/ld.so.conf\n/b/\n")
    machine.file("/etc/ld.so.conf.d/a.conf", "/a,/aa\n")
    machine.file("/etc/ld.so.conf.d/c.txt", "/never\n")
    machine.file("/b/libx.so", elf())
    machine.file("/even/liby.so", elf())
    machine.file("/last/libx.so", elf())
    machine.program("/bin/p", needed=["libx.so", "liby.so"])
    assert found(host, "/bin/p") == ["/b/libx.so", "/even/liby.so"]


def test_directories_that_the_linker_inside_does_not_know(machine: Machine, host: Host) -> None:
    machine.file("/etc/ld.so.conf", "/usr/local/lib\n/lib/own\n")
    machine.file("/lib/ld.so", elf() + b"/lib/own/\0/lib/\0")
    unknown = Libraries(host).unknown_to("/lib/ld.so", ["/usr/local/lib", "/lib/own", "/lib"])
    assert unknown == ["/usr/local/lib"]


def test_a_needed_path_is_taken_as_it_is(machine: Machine, host: Host) -> None:
    machine.file("/opt/libx.so", elf())
    machine.program("/bin/p", needed=["/opt/libx.so"])
    assert found(host, "/bin/p") == ["/opt/libx.so"]
