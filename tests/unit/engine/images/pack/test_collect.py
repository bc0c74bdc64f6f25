"""What the words of a user become: programs with all that they need, or one clear error."""

from __future__ import annotations

import platform

import pytest

from fixtures.elf import AARCH64, OBJECT, Machine, elf
from wherry.base.errors import InvalidError, NotFoundError, WherryError
from wherry.engine.images.pack.collect import Packed, collect
from wherry.engine.images.pack.host import Host

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="its ELF files are x86-64")
LINKER = "/lib64/ld.so"
OURS = ["/etc", "/etc/group", "/etc/passwd", "/root", "/tmp"]


def places(packed: Packed) -> list[str]:
    return [entry.destination for entry in packed.entries]


def glibc(machine: Machine) -> None:
    machine.link("/lib64", "usr/lib64")
    machine.link("/lib", "usr/lib")
    machine.file("/usr/lib64/ld.so", elf() + b"/lib/\0/usr/lib/\0")
    machine.file("/usr/lib/libc.so.6", elf(soname="libc.so.6", needed=["ld.so"]))


def test_a_static_program(machine: Machine, host: Host) -> None:
    machine.program("/usr/bin/tool")
    packed = collect(["tool"], [], host)
    assert places(packed) == [*OURS, "/usr", "/usr/bin", "/usr/bin/tool"]
    assert packed.entrypoint == ["/usr/bin/tool"]
    assert packed.env == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    modes = {entry.destination: entry.mode for entry in packed.entries}
    assert modes["/tmp"] == 0o1777


def test_a_dynamic_program(machine: Machine, host: Host) -> None:
    glibc(machine)
    machine.program("/opt/x/tool", needed=["libc.so.6"], interpreter=LINKER)
    machine.file("/usr/lib/libnss_dns.so.2", elf(needed=["libresolv.so.2"]))
    machine.file("/usr/lib/libresolv.so.2", elf())
    packed = collect(["/opt/x/tool"], [], host)
    assert set(places(packed)) >= {
        "/lib64", "/usr/lib64/ld.so", "/lib", "/usr/lib/libc.so.6", "/etc/nsswitch.conf",
        "/usr/lib/libnss_dns.so.2", "/usr/lib/libresolv.so.2",
    }  # fmt: skip
    assert packed.env[0].startswith("PATH=/opt/x:/usr/local/sbin:")
    assert packed.notes == ["tool: 1 shared libraries"]


def test_certificates_come_with_tls(machine: Machine, host: Host) -> None:
    glibc(machine)
    machine.file("/usr/lib/libssl.so.3", elf(needed=["libc.so.6"]))
    machine.file("/etc/ssl/certs/ca-certificates.crt", "CERTIFICATES")
    machine.file("/etc/passwd", "secret:x:1:1::/:/bin/sh\n")
    machine.program("/bin/get", needed=["libssl.so.3"], interpreter=LINKER)
    packed = collect(["get"], [], host)
    contents = {entry.destination: entry for entry in packed.entries}
    assert contents["/etc/ssl/certs/ca-certificates.crt"].source
    assert b"secret" not in contents["/etc/passwd"].content
    assert "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" in packed.env


def test_libraries_in_configured_directories_are_told(machine: Machine, host: Host) -> None:
    glibc(machine)
    machine.file("/etc/ld.so.conf", "/usr/local/lib\n")
    machine.file("/usr/local/lib/libown.so", elf())
    machine.program("/bin/p", needed=["libown.so", "libc.so.6"], interpreter=LINKER)
    assert "LD_LIBRARY_PATH=/usr/local/lib" in collect(["p"], [], host).env


def test_a_program_that_moves_keeps_its_libraries(machine: Machine, host: Host) -> None:
    glibc(machine)
    machine.file("/home/me/lib/libown.so", elf())
    path = machine.program(
        "/home/me/bin/p", needed=["libown.so"], interpreter=LINKER, runpath="$ORIGIN/../lib"
    )
    packed = collect([f"{path}:/usr/bin/"], [], host)
    assert packed.entrypoint == ["/usr/bin/p"]
    assert "/home/me/bin/p" not in places(packed)
    assert {"/usr/bin/p", "/home/me/lib/libown.so"} <= set(places(packed))
    assert "LD_LIBRARY_PATH=/home/me/lib" in packed.env


def test_scripts_bring_their_interpreters(machine: Machine, host: Host) -> None:
    machine.program("/bin/sh")
    machine.program("/usr/bin/env")
    machine.program("/usr/bin/awk")
    machine.file("/srv/a", "#!/bin/sh\n", 0o755)
    machine.file("/srv/b", "#!/usr/bin/env awk\n", 0o755)
    packed = collect(["/srv/a", "/srv/b"], [], host)
    assert {"/srv/a", "/srv/b", "/bin/sh", "/usr/bin/env", "/usr/bin/awk"} <= set(places(packed))
    assert packed.entrypoint == ["/srv/a"]
    assert packed.notes == ["a: a shell script; the programs that it calls are not sought"]


def python(machine: Machine) -> None:
    machine.program("/usr/bin/python3.11")
    machine.link("/usr/bin/python3", "python3.11")
    machine.file("/usr/lib/python3.11/os.py")
    machine.file("/usr/lib/python3.11/test/x.py")
    machine.file("/usr/lib/python3.11/json/__init__.py")
    machine.file("/usr/lib/python3.11/lib-dynload/_ssl.so", elf(needed=["libssl.so.3"]))
    machine.file("/usr/lib/python3.11/lib-dynload/_gone.so", elf(needed=["libgone.so"]))
    machine.file("/usr/lib/libssl.so.3", elf())


def test_python_brings_its_standard_library(machine: Machine, host: Host) -> None:
    python(machine)
    packed = collect(["/usr/bin/python3"], [], host)
    library = {place for place in places(packed) if place.startswith("/usr/lib")}
    assert library >= {"/usr/lib/python3.11/json/__init__.py", "/usr/lib/libssl.so.3"}
    assert "/usr/lib/python3.11/test" not in library
    assert packed.notes == [
        "python3.11: 4 files of the standard library",
        "_gone.so: libgone.so is not on this machine",
    ]


def test_a_virtual_environment_brings_its_packages(machine: Machine, host: Host) -> None:
    python(machine)
    machine.file("/srv/env/pyvenv.cfg", "home = /usr/bin\n")
    machine.link("/srv/env/bin/python", "/usr/bin/python3")
    machine.file("/srv/env/lib/python3.11/site-packages/x.py")
    machine.file("/srv/env/lib/python3.11/site-packages/x.pth", "/work/x/src\n")
    machine.file("/work/x/src/x2.py")
    machine.file("/srv/env/bin/serve", "#!/srv/env/bin/python\n", 0o755)
    packed = collect(["/srv/env/bin/serve"], [], host)
    assert set(places(packed)) >= {
        "/srv/env/bin/serve", "/srv/env/bin/python", "/srv/env/pyvenv.cfg", "/usr/bin/python3",
        "/usr/bin/python3.11", "/usr/lib/python3.11/os.py", "/work/x/src/x2.py",
        "/srv/env/lib/python3.11/site-packages/x.py",
    }  # fmt: skip
    assert packed.entrypoint == ["/srv/env/bin/serve"]
    assert packed.env[0].startswith("PATH=/srv/env/bin:")


def test_data_is_put_where_it_was_told(machine: Machine, host: Host) -> None:
    machine.program("/bin/p")
    machine.file("/home/me/site/index.html")
    machine.file("/home/me/p.conf")
    machine.file("/usr/share/zone/UTC")
    packed = collect(
        ["p", "/home/me/site:/srv/www"], ["/home/me/p.conf:/etc/p.conf", "/usr/share/zone"], host
    )
    assert {"/srv/www/index.html", "/etc/p.conf", "/usr/share/zone/UTC"} <= set(places(packed))
    assert not any(place.startswith("/home") for place in places(packed))
    assert places(packed) == sorted(places(packed))


def test_libraries_in_included_folders_are_followed(machine: Machine, host: Host) -> None:
    machine.program("/bin/p")
    machine.file("/srv/plugins/a.so", elf(needed=["libneeded.so"]))
    machine.file("/usr/lib/libneeded.so", elf())
    packed = collect(["p"], ["/srv/plugins:/plugins"], host)
    assert {"/plugins/a.so", "/usr/lib/libneeded.so"} <= set(places(packed))


@pytest.mark.parametrize(
    ("word", "category", "message"),
    [
        ("nosuch", NotFoundError, "no such program: nosuch"),
        ("/no/such", NotFoundError, "no such program: /no/such"),
        ("/srv", InvalidError, "/srv is a directory: say where it goes, /srv:/DESTINATION"),
        ("/srv/plain", InvalidError, "/srv/plain is not executable"),
        ("/srv/text", InvalidError, "/srv/text is neither an ELF file nor a script"),
        ("/srv/object", InvalidError, "/srv/object is an ELF file, but not a program"),
        ("/srv/other", InvalidError, r"/srv/other is a program for AArch64 \(64 bits\); this"),
        ("/srv/lacking", NotFoundError, "libgone.so, which /srv/lacking needs, is not on this"),
        ("/srv/unlinked", NotFoundError, "/lib/gone.so, which /srv/unlinked needs, is not on"),
        ("/srv/script", NotFoundError, "/bin/gone, which /srv/script needs, is not on"),
        ("/srv/circle", InvalidError, "form a circle"),
        ("/srv/plain:there/x", InvalidError, "the destination has to be an absolute path"),
        ("/srv/damaged", InvalidError, "/srv/damaged is a damaged ELF file"),
    ],
)
def test_errors_name_the_file_and_the_reason(
    machine: Machine, host: Host, word: str, category: type[WherryError], message: str
) -> None:
    machine.file("/srv/plain")
    machine.file("/srv/text", "words", 0o755)
    machine.program("/srv/object", kind=OBJECT)
    machine.program("/srv/other", machine=AARCH64)
    machine.program("/srv/lacking", needed=["libgone.so"])
    machine.program("/srv/unlinked", interpreter="/lib/gone.so")
    machine.file("/srv/script", "#!/bin/gone\n", 0o755)
    machine.file("/srv/circle", "#!/srv/circle\n", 0o755)
    machine.file("/srv/damaged", b"\x7fELF", 0o755)
    with pytest.raises(category, match=message):
        collect([word], [], host)
