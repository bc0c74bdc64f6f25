"""Network interfaces, as far as a container without a network has one: the loopback."""

from __future__ import annotations

import fcntl
import socket
import struct
from typing import Final

_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1
# struct ifreq: a name and, of the union behind it, the flags.
_REQUEST: Final = struct.Struct("16sh22x")


def bring_up(name: str) -> None:
    """Bring an interface of the calling thread's network namespace up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
        request = _REQUEST.pack(name.encode(), 0)
        _, flags = _REQUEST.unpack(fcntl.ioctl(asked, _SIOCGIFFLAGS, request))
        fcntl.ioctl(asked, _SIOCSIFFLAGS, _REQUEST.pack(name.encode(), flags | _IFF_UP))
