"""The wire of D-Bus: its bytes, and a real bus."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.base.dbus import (
    CALL,
    BusError,
    BusTimeoutError,
    Connection,
    _Reader,
    decode,
    encode,
)

BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


def test_the_bytes_are_those_of_the_specification() -> None:
    made = encode(CALL, 1, {1: "/a", 3: "M"}, "s", ["foo"])
    assert made == (
        b"l\x01\x00\x01"  # little-endian, a call, no flags, version 1
        b"\x08\x00\x00\x00"  # a body of 8 bytes
        b"\x01\x00\x00\x00"  # serial
        b"\x27\x00\x00\x00"  # header fields of 39 bytes
        b"\x01\x01o\x00\x02\x00\x00\x00/a\x00\x00\x00\x00\x00\x00"  # the path
        b"\x03\x01s\x00\x01\x00\x00\x00M\x00\x00\x00\x00\x00\x00\x00"  # the member
        b"\x08\x01g\x00\x01s\x00\x00"  # the signature, and a byte up to a multiple of 8
        b"\x03\x00\x00\x00foo\x00"
    )


@pytest.mark.parametrize(
    ("signature", "values"),
    [
        ("ybnqiuxtd", [1, True, -2, 3, -4, 5, -6, 7, 0.5]),
        ("a(sv)", [[("PIDs", ("au", [1, 2])), ("Delegate", ("b", 1))]]),
        ("a(sa(sv))", [[]]),
        ("aat", [[[1], [], [2, 3]]]),
        ("v", [("a(st)", [("x", 1)])]),
        ("yt(yt)", [1, 2, (3, 4)]),
    ],
)
def test_values_come_back(signature: str, values: list[Any]) -> None:
    if "d" in signature:
        signature, values = signature[:-1], values[:-1]  # never sent
    message = decode(encode(CALL, 9, {3: "M"}, signature, values))
    assert list(message.body) == values
    assert (message.serial, message.member) == (9, "M")


@given(st.binary(max_size=200))
def test_bytes_that_are_no_message_are_an_error_of_the_bus(data: bytes) -> None:
    with contextlib.suppress(BusError):
        decode(data)


@given(st.integers(0, 120), st.binary(min_size=1, max_size=4))
def test_a_damaged_message_is_an_error_of_the_bus(at: int, damage: bytes) -> None:
    whole = bytearray(encode(CALL, 1, {1: "/a", 3: "M"}, "sa(sv)", ["x", [("k", ("as", ["v"]))]]))
    whole[at : at + len(damage)] = damage
    with contextlib.suppress(BusError):
        decode(bytes(whole))


@contextlib.contextmanager
def real_bus() -> Iterator[str]:
    """A dbus-daemon of our own; yields the path of its socket."""
    folder = tempfile.mkdtemp(prefix="wr.")
    path = f"{folder}/bus"
    Path(f"{folder}/conf").write_text(
        "<busconfig><type>session</type>"
        f"<listen>unix:path={path}</listen>"
        '<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/>'
        '<allow own="*"/></policy>'
        "</busconfig>"
    )
    words = ["dbus-daemon", f"--config-file={folder}/conf", "--nofork", "--print-address=1"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"unix:")  # it listens
        yield path
    finally:
        process.terminate()
        process.communicate(timeout=20)
        shutil.rmtree(folder)


def test_a_real_bus_understands_calls_and_signals() -> None:
    with real_bus() as path, Connection(path) as one:
        (name,) = one.call(BUS, "Hello")
        assert name.startswith(":1.")
        assert one.call(BUS, "RequestName", "su", ("org.example.A", 0)) == (1,)
        one.call(BUS, "AddMatch", "s", ("type='signal',member='NameOwnerChanged'",))
        with Connection(path) as other:
            (second,) = other.call(BUS, "Hello")
        owners = one.signals("NameOwnerChanged")
        assert next(body for body in owners if body[0] == second) == (second, "", second)
        (listed,) = one.call(BUS, "ListNames")
        assert "org.example.A" in listed


def test_an_error_has_its_name() -> None:
    with real_bus() as path, Connection(path) as one:
        one.call(BUS, "Hello")
        with pytest.raises(BusError, match="NameHasNoOwner") as caught:
            one.call(BUS, "GetNameOwner", "s", ("org.example.None",))
        assert caught.value.name == "org.freedesktop.DBus.Error.NameHasNoOwner"


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Somebody who accepts one connection, says something, and waits for the end."""
    folder = tempfile.mkdtemp(prefix="wr.")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(answer)
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"{folder}/s"
        finally:
            thread.join(10)
            shutil.rmtree(folder)


def test_who_is_not_let_in_learns_it() -> None:
    with answering(b"REJECTED EXTERNAL\r\n") as path, pytest.raises(BusError, match="REJECTED"):
        Connection(path)


def test_nobody_answers() -> None:
    with (
        answering(b"OK 0123456789abcdef0123456789abcdef\r\n") as path,
        Connection(path, seconds=0.1) as one,
        pytest.raises(BusTimeoutError, match=r"0\.1 seconds"),
    ):
        one.call(BUS, "Hello")


def test_a_message_that_is_too_long_is_refused_before_it_is_read() -> None:
    head = b"l\x02\x00\x01" + (1 << 30).to_bytes(4, "little") + bytes(8)
    with (
        answering(b"OK 0123456789abcdef0123456789abcdef\r\n" + head) as path,
        Connection(path, seconds=5) as one,
        pytest.raises(BusError, match="a message of"),
    ):
        one.call(BUS, "Hello")


@pytest.mark.parametrize("kind", ["a()", "a{}", "z", "a", "("])
def test_a_type_without_size_is_refused(kind: str) -> None:
    # An array of it would never end.
    with pytest.raises((BusError, IndexError)):
        _Reader((8).to_bytes(4, "little") + bytes(16), "<").take(kind)


def test_the_first_call_never_arrives_together_with_begin() -> None:
    """systemd would leave it lying until more arrives: measured, with a busy systemd 252."""
    folder = tempfile.mkdtemp(prefix="wr.")
    seen = b""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()

        def serve() -> None:
            nonlocal seen
            connection, _ = listener.accept()
            with connection:
                while b"BEGIN\r\n" not in seen:
                    seen += connection.recv(4096)
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    seen += connection.recv(4096)
                connection.setblocking(True)
                connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with Connection(f"{folder}/s", seconds=5) as one, pytest.raises(BusError):
                one.call(BUS, "Hello")
        finally:
            thread.join(10)
            shutil.rmtree(folder)
    assert seen == b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + (
        b"\r\nBEGIN\r\n"
    )
