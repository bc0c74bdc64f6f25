"""A small D-Bus client: method calls and signals over one blocking connection, little-endian.

Serves for talking to systemd, on its private socket or over a bus: no properties of our own, no
descriptors, no introspection. Values are Python's: a variant is a pair (signature, value), an array
a list, a struct a tuple; dictionaries are not needed. Source: the D-Bus specification, "Marshaling"
and "Authentication Protocol".
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from wherry.base.errors import DeadlineError, UnavailableError
from wherry.base.values import dataclass

CALL: Final = 1
REPLY: Final = 2
ERROR: Final = 3
SIGNAL: Final = 4

# Header fields, by their codes.
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION = 1, 2, 3, 4, 5, 6
_SIGNATURE: Final = 8
_SIGNATURES: Final = {_PATH: "o", _REPLY_SERIAL: "u", _SIGNATURE: "g"}
_NUMBERS: Final = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q"}
_HEADER: Final = "yyyyuua(yv)"
_FIXED_BYTES: Final = 16
_LARGEST_BYTES: Final = 1 << 20  # answers of systemd have some hundred
_LINE_BYTES: Final = 4096
_SECONDS: Final = 25.0  # as libdbus and sd-bus
_LITTLE: Final = ord("l")


class BusError(UnavailableError):
    """The other side answered with an error, or in a way that makes no sense; `name` is D-Bus's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{message} ({name})")
        self.name = name


class BusTimeoutError(DeadlineError):
    """No answer came in time."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `fields` are header fields by code."""

    kind: int
    serial: int
    fields: dict[int, Any]
    body: tuple[Any, ...] = ()

    @property
    def member(self) -> str:
        """Return the name of the method or signal."""
        return str(self.fields.get(_MEMBER, ""))


class Connection:
    """A connection on which nobody else calls. `seconds` bounds each wait."""

    def __init__(self, path: str, seconds: float = _SECONDS) -> None:
        """Connect and authenticate as the user of this process. Raises OSError, BusError."""
        self._seconds = seconds
        self._serials = itertools.count(1)
        self._signals: list[Message] = []
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.settimeout(seconds)
            self._socket.connect(path)
            self._authenticate()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._socket.close()

    def _authenticate(self) -> None:
        """SASL EXTERNAL: who we are is what the socket's credentials say.

        BEGIN goes with the question, as in sd-bus, and the first call only behind the answer:
        systemd does not look at a call that it has read together with BEGIN until more arrives.
        """
        user = str(os.geteuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {user}\r\nBEGIN\r\n".encode())
        line = b""
        while not line.endswith(b"\r\n") and len(line) < _LINE_BYTES:
            got = self._socket.recv(1)
            if not got:
                break
            line += got
        if not line.startswith(b"OK "):
            raise BusError("authentication", f"not accepted: {line.decode(errors='replace')!r}")

    def call(
        self,
        target: tuple[str, str, str],
        member: str,
        signature: str = "",
        arguments: Sequence[Any] = (),
    ) -> tuple[Any, ...]:
        """Call a method of `target`, (destination, path, interface), and return its results.

        Raises BusError for an error that is answered, BusTimeoutError, OSError.
        """
        destination, path, interface = target
        serial = next(self._serials)
        fields = {_PATH: path, _DESTINATION: destination, _INTERFACE: interface, _MEMBER: member}
        self._socket.settimeout(self._seconds)
        self._socket.sendall(encode(CALL, serial, fields, signature, arguments))
        deadline = time.monotonic() + self._seconds
        while True:
            message = self._receive(deadline)
            if message.kind == SIGNAL:
                self._signals.append(message)
            elif message.fields.get(_REPLY_SERIAL) == serial:
                if message.kind == ERROR:
                    name = str(message.fields.get(_ERROR_NAME, "error"))
                    raise BusError(name, str(message.body[0]) if message.body else member)
                return message.body

    def signals(self, member: str) -> Iterator[tuple[Any, ...]]:
        """Yield the bodies of signals of this name, from those that came since the connection.

        Raises BusTimeoutError when the next one is not there in time, OSError.
        """
        deadline = time.monotonic() + self._seconds
        while True:
            message = self._signals.pop(0) if self._signals else self._receive(deadline)
            if message.kind == SIGNAL and message.member == member:
                yield message.body

    def _receive(self, deadline: float) -> Message:
        fixed = self._read(_FIXED_BYTES, deadline)
        order = "<" if fixed[0] == _LITTLE else ">"
        body, serial, fields = struct.unpack(f"{order}4xIII", fixed)
        del serial
        rest = _aligned(fields, 8) + body
        if rest > _LARGEST_BYTES:
            raise BusError("protocol", f"a message of {rest} bytes")
        return decode(fixed + self._read(rest, deadline))

    def _read(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise BusTimeoutError(f"no answer within {self._seconds:g} seconds")
            self._socket.settimeout(left)
            try:
                got = self._socket.recv(max(count - len(self._buffer), 4096))
            except TimeoutError:
                continue
            if not got:
                raise BusError("protocol", "the connection was closed")
            self._buffer += got
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data


def encode(
    kind: int, serial: int, fields: dict[int, Any], signature: str, arguments: Sequence[Any]
) -> bytes:
    """Return the bytes of a message."""
    body = bytearray()
    for one, value in zip(_types(signature), arguments, strict=True):
        _put(body, one, value)
    all_fields = {**fields, _SIGNATURE: signature} if signature else fields
    listed = [(code, (_SIGNATURES.get(code, "s"), value)) for code, value in all_fields.items()]
    head = bytearray()
    values = (_LITTLE, kind, 0, 1, len(body), serial, listed)
    for one, value in zip(_types(_HEADER), values, strict=True):
        _put(head, one, value)
    _pad(head, 8)
    return bytes(head + body)


def decode(data: bytes) -> Message:
    """Return the message of some bytes. Raises BusError where they are none."""
    try:
        order = "<" if data[0] == _LITTLE else ">"
        reader = _Reader(data, order)
        _, kind, _, _, _, serial, listed = (reader.take(one) for one in _types(_HEADER))
        reader.align(8)
        fields = {code: value for code, (_, value) in listed}
        inner = _Reader(data[reader.at :], order)
        body = tuple(inner.take(one) for one in _types(fields.get(_SIGNATURE, "")))
    except (struct.error, IndexError, ValueError, TypeError, RecursionError) as error:
        raise BusError("protocol", f"a malformed message: {error}") from error
    return Message(kind, serial, fields, body)


def _types(signature: str) -> Iterator[str]:
    """Split a signature into its complete types."""
    at = 0
    while at < len(signature):
        end = _end_of_type(signature, at)
        yield signature[at:end]
        at = end


def _end_of_type(signature: str, at: int) -> int:
    if signature[at] == "a":
        return _end_of_type(signature, at + 1)
    if signature[at] not in "({":
        return at + 1
    depth = 0
    for end in range(at, len(signature)):
        depth += (signature[end] in "({") - (signature[end] in ")}")
        if depth == 0:
            return end + 1
    raise BusError("protocol", f"the signature {signature!r} does not end")


def _alignment(one: str) -> int:
    if one in _NUMBERS:
        return struct.calcsize(_NUMBERS[one])
    return {"s": 4, "o": 4, "a": 4, "(": 8, "{": 8, "d": 8}.get(one[0], 1)


def _aligned(size: int, to: int) -> int:
    return size + -size % to


def _pad(into: bytearray, to: int) -> None:
    into.extend(bytes(-len(into) % to))


def _put(into: bytearray, one: str, value: Any) -> None:
    """Append a value of one complete type."""
    _pad(into, _alignment(one))
    if one in _NUMBERS:
        into += struct.pack(f"<{_NUMBERS[one]}", value)
    elif one in ("s", "o", "g"):
        data = value.encode()
        into += struct.pack("<B" if one == "g" else "<I", len(data)) + data + b"\0"
    elif one == "v":
        signature, inner = value
        _put(into, "g", signature)
        _put(into, signature, inner)
    elif one[0] == "a":
        _put_array(into, one[1:], value)
    else:
        for part, inner in zip(_types(one[1:-1]), value, strict=True):
            _put(into, part, inner)


def _put_array(into: bytearray, one: str, values: Sequence[Any]) -> None:
    at = len(into)
    into += bytes(4)
    _pad(into, _alignment(one))  # not counted
    begin = len(into)
    for value in values:
        _put(into, one, value)
    struct.pack_into("<I", into, at, len(into) - begin)


class _Reader:
    """Takes values from bytes, one after the other."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data = data
        self._order = order
        self.at = 0

    def align(self, to: int) -> None:
        self.at = _aligned(self.at, to)

    def take(self, one: str) -> Any:
        """Return the next value, of one complete type."""
        self.align(_alignment(one))
        if one in _NUMBERS:
            return self._number(_NUMBERS[one])
        if one in ("s", "o", "g"):
            size = self._number("B" if one == "g" else "I")
            text = self._data[self.at : self.at + size].decode()
            self.at += size + 1
            return text
        if one == "d":
            return self._number("d")
        if one == "v":
            signature = self.take("g")
            return signature, self.take(signature)
        if one[0] == "a" and len(one) > 1:
            return self._array(one[1:])
        if one[0] not in "({" or len(one) < 3:
            # Also what would have no size: an array of it would have no end.
            raise BusError("protocol", f"a value of type {one!r}")
        return tuple(self.take(part) for part in _types(one[1:-1]))

    def _array(self, one: str) -> list[Any]:
        size = self._number("I")
        self.align(_alignment(one))
        end = self.at + size
        if end > len(self._data):
            raise IndexError("an array longer than its message")
        found = []
        while self.at < end:
            found.append(self.take(one))
        return found

    def _number(self, kind: str) -> Any:
        (value,) = struct.unpack_from(f"{self._order}{kind}", self._data, self.at)
        self.at += struct.calcsize(f"={kind}")
        return value
