"""One record of an index: the state of a segment after something happened.

    offset  size
    0       8     time, nanoseconds since the epoch, never less than the record before
    8       8     bytes in stdout.<n>.raw by now
    16      8     bytes in stderr.<n>.raw by now
    24      1     kind
    25      1     open lines: bit 0 standard output, bit 1 standard error
    26      2     zero
    28      4     amount: bytes dropped, for DROPPED

Little endian. The ends are cumulative, so any single record tells the whole state: the position for
a time is found by binary search, and a record that could not be written is made good by the next.
What a record adds is the difference to the one before it. 32 divides the page size: a write of one
record is never torn by a signal. A line is open when its last byte so far is no newline; the end
and the start of a run close all lines.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final

from wherry.base.values import dataclass

_SHAPE: Final = struct.Struct("<QQQBBxxI")
RECORD_SIZE: Final = _SHAPE.size

STREAMS: Final = ("stdout", "stderr")
LARGEST_AMOUNT: Final = 0xFFFFFFFF


class Kind(IntEnum):
    """Why a record was written."""

    OUTPUT = 1
    RUN_START = 2
    RUN_END = 3
    SEGMENT = 4
    DROPPED = 5


@dataclass(frozen=True, slots=True)
class Record:
    """The state after an event. `ends` and `open_lines` are (stdout, stderr)."""

    time_ns: int
    ends: tuple[int, int]
    kind: Kind
    open_lines: tuple[bool, bool] = (False, False)
    amount: int = 0


# What holds before a segment's first record.
BLANK: Final = Record(0, (0, 0), Kind.SEGMENT)


def encode(
    time_ns: int, ends: tuple[int, int], kind: Kind, open_lines: tuple[bool, bool], amount: int = 0
) -> bytes:
    """Return a record's 32 bytes, without making a `Record`: this is done for every chunk."""
    return _SHAPE.pack(time_ns, *ends, kind, open_lines[0] | open_lines[1] << 1, amount)


def decode(data: bytes) -> list[Record]:
    """Return the records in `data`, up to the first that makes no sense.

    After a power cut the end of a file may be zeros, or half a record: that is where it stops.
    """
    whole = len(data) - len(data) % RECORD_SIZE
    records = []
    for time_ns, out, err, kind, flags, amount in _SHAPE.iter_unpack(data[:whole]):
        if not Kind.OUTPUT <= kind <= Kind.DROPPED:
            break
        lines = (bool(flags & 1), bool(flags & 2))
        records.append(Record(time_ns, (out, err), Kind(kind), lines, amount))
    return records
