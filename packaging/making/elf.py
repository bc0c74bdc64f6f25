"""Compiled libraries without what only debuggers and linkers read. Pure.

Three quarters of what the wheels of these libraries unpack to is symbols and debugging information.
What is loaded is said by program headers alone; so what lies behind the last segment can go, and
with it the section headers, which name it. `strip` is not asked: its output depends on its release,
and it knows one processor.
"""

from __future__ import annotations

import struct
from typing import Final

_MAGIC: Final = b"\x7fELF\x02\x01"  # 64 bits, little endian
_HEADER_BYTES: Final = 64
_PROGRAM_HEADERS: Final = (
    32  # where the header has the offset of the first; then that of the sections
)
_SECTIONS: Final = 40
_COUNTS: Final = 54  # of program headers: bytes of each, number; then the same of sections


def stripped(content: bytes) -> bytes:
    """Return the file without all that is never loaded; other files are returned as they are."""
    if not content.startswith(_MAGIC) or len(content) < _HEADER_BYTES:
        return content
    (first,) = struct.unpack_from("<Q", content, _PROGRAM_HEADERS)
    size, count = struct.unpack_from("<HH", content, _COUNTS)
    end = max(_HEADER_BYTES, first + size * count)
    for at in range(first, first + size * count, size):
        offset, file_bytes = struct.unpack_from("<8xQ16xQ", content, at)
        end = max(end, offset + file_bytes)
    made = bytearray(content[:end])
    struct.pack_into("<Q", made, _SECTIONS, 0)
    struct.pack_into("<HHH", made, _COUNTS + 4, 0, 0, 0)
    return bytes(made)
