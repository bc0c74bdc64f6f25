"""The text that Prometheus reads (exposition format 0.0.4), and several processes' in one.

Workers that share a port are each asked by chance. So each of them leaves its figures for the
others every few seconds, and whichever is asked gives its own of this moment and what the others
have left, told apart by the label `worker`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from wherry.base.values import dataclass, field
from wherry.oci.reading import read

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """A figure; `suffix` follows the name of the family, as `_bucket` does."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Figures of one kind: `type` is counter, gauge or histogram."""

    name: str
    type: str
    help: str
    samples: Sequence[Sample]


def render(families: Iterable[Family]) -> bytes:
    """Return the text; of families with one name the first says type and help."""
    merged: dict[str, list[Family]] = {}
    for family in families:
        merged.setdefault(family.name, []).append(family)
    lines: list[str] = []
    for name, parts in merged.items():
        lines.append(f"# HELP {name} {_help(parts[0].help)}")
        lines.append(f"# TYPE {name} {parts[0].type}")
        lines += [_line(name, sample) for part in parts for sample in part.samples]
    return ("\n".join(lines) + "\n").encode()


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
    braces = f"{{{labels}}}" if labels else ""
    return f"{name}{sample.suffix}{braces} {_number(sample.value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1 << 53 else repr(value)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _help(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def labelled(families: Iterable[Family], name: str, value: str) -> list[Family]:
    """Return the same figures with one more label."""
    return [
        Family(
            family.name,
            family.type,
            family.help,
            [Sample(one.value, {name: value, **one.labels}, one.suffix) for one in family.samples],
        )
        for family in families
    ]


class Siblings:
    """The figures of several processes: `files` has one descriptor for each, ours is `number`.

    They are files without a name, which every process has got from their parent: nothing is left
    when all have ended. A lock keeps readers from a file that is half written; it ends with the
    process that holds it.
    """

    def __init__(self, files: Sequence[int], number: int) -> None:
        self._files = files
        self._number = number

    def leave(self, families: Sequence[Family]) -> None:
        """Leave our figures for the others (blocking); raises OSError."""
        data = msgspec.json.encode(labelled(families, "worker", str(self._number)))
        file = self._files[self._number]
        with _locked(file, fcntl.LOCK_EX):
            os.ftruncate(file, 0)
            written = 0
            while written < len(data):
                written += os.pwrite(file, data[written:], written)

    def all(self, families: Sequence[Family]) -> list[Family]:
        """Return our figures and what the others have left (blocking)."""
        found = labelled(families, "worker", str(self._number))
        for number, file in enumerate(self._files):
            if number != self._number:
                found += _left(file)
        return found


def _left(file: int) -> list[Family]:
    with _locked(file, fcntl.LOCK_SH):
        data = os.pread(file, os.fstat(file).st_size, 0)
    try:
        return read(data, list[Family])
    except msgspec.MsgspecError:
        return []  # it has left nothing yet, or was killed while it did


@contextlib.contextmanager
def _locked(file: int, kind: int) -> Iterator[None]:
    fcntl.lockf(file, kind)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN)
