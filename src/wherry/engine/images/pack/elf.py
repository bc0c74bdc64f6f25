"""What an ELF file says about itself: for which machine it is, and what it needs.

Read from the program headers alone, as the kernel and the dynamic linker do; sections may have been
stripped. Source: System V ABI, "Program Loading and Dynamic Linking".
"""

from __future__ import annotations

from typing import Final

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from wherry.base.values import dataclass
from wherry.engine.images.pack.errors import NotPackableError

MAGIC: Final = b"\x7fELF"
_TO_RUN: Final = ("ET_EXEC", "ET_DYN")


@dataclass(frozen=True, slots=True)
class Machine:
    """What code is for; files of different ones cannot be loaded together."""

    architecture: str
    bits: int
    little_endian: bool

    def __str__(self) -> str:
        return f"{self.architecture} ({self.bits} bits)"


@dataclass(frozen=True, slots=True)
class Elf:
    """The file's needs; `rpath` and `runpath` are directories, which can begin with $ORIGIN."""

    machine: Machine
    runs: bool
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()


def read_elf(source: str, name: str) -> Elf | None:
    """Return what the file at `source` says, None when it is no ELF file.

    `name` is what users call it. Raises OSError, or NotPackableError for a damaged one.
    """
    with open(source, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return None
        file.seek(0)
        try:
            return _read(ELFFile(file))
        except Exception as error:  # the reader fails with whatever damage leads it into
            text = str(error) or type(error).__name__
            raise NotPackableError(f"{name} is a damaged ELF file: {text}") from error


def _read(file: ELFFile) -> Elf:
    machine = Machine(file.get_machine_arch(), file.elfclass, file.little_endian)
    interpreter, tags = "", []
    for segment in file.iter_segments():
        if isinstance(segment, InterpSegment):
            interpreter = segment.get_interp_name()
        elif isinstance(segment, DynamicSegment):
            tags = list(segment.iter_tags())

    def texts(kind: str, attribute: str) -> list[str]:
        return [getattr(tag, attribute) for tag in tags if tag.entry.d_tag == kind]

    return Elf(
        machine=machine,
        runs=file.header.e_type in _TO_RUN,
        interpreter=interpreter,
        needed=tuple(texts("DT_NEEDED", "needed")),
        soname="".join(texts("DT_SONAME", "soname")),
        rpath=_directories(texts("DT_RPATH", "rpath")),
        runpath=_directories(texts("DT_RUNPATH", "runpath")),
    )


def _directories(lists: list[str]) -> tuple[str, ...]:
    return tuple(entry for text in lists for entry in text.split(":") if entry)
