"""HTTP framing: what a client sends, and replies that are good, cut off, or hostile."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wherry.client.errors import BrokenReplyError
from wherry.client.http import Connection

Connected = Callable[..., Connection]
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def body_of(connected: Connected, reply: bytes, method: str = "GET") -> bytes:
    return connected(reply).request(method, "/x", {}).read()


def test_a_request_as_it_goes_out(connected: Connected) -> None:
    connection = connected(OK + b"Content-Length: 0\r\n\r\n")
    connection.request("POST", "/v1.51/x", {"A": "b"}, b"{}").read()
    assert connection.address.received() == (
        b"POST /v1.51/x HTTP/1.1\r\nHost: wherry\r\nUser-Agent: wherry-client\r\nA: b\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )


def test_a_body_in_pieces_is_sent_in_chunks(connected: Connected) -> None:
    connection = connected(OK + b"Content-Length: 0\r\n\r\n")
    connection.request("POST", "/x", {}, iter([b"abc", b"", b"d" * 16])).read()
    sent = connection.address.received()
    assert b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n" + b"d" * 16 in sent
    assert sent.endswith(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"content-length:  3 \r\n\r\nabcEXTRA", b"abc"),
        (CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
         b"abc0123456789"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 304\r\n\r\n", b""),
    ],
)  # fmt: skip
def test_bodies(connected: Connected, reply: bytes, body: bytes) -> None:
    assert body_of(connected, reply) == body


def test_a_head_without_body(connected: Connected) -> None:
    assert body_of(connected, OK + b"Content-Length: 5\r\n\r\n", "HEAD") == b""


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        OK + b"Content-Length: 5\r\n\r\nabc",
        OK + b"Content-Length: -5\r\n\r\nabc",
        OK + b"Content-Length: 1_0\r\n\r\n0123456789",
        OK + b"Content-Length: \xb2\r\n\r\nab",
        CHUNKED + b"-1\r\nx\r\n",
        CHUNKED + b"zz\r\nx\r\n",
        CHUNKED + b"\r\nx\r\n",
        CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"ffffffffffffffffff\r\nabc",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
)
def test_hostile_replies_are_one_kind_of_error(connected: Connected, reply: bytes) -> None:
    connection = connected(reply)
    with pytest.raises(BrokenReplyError):
        connection.request("GET", "/x", {}).read()
    assert connection.socket is None


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nA: ", OK + b"\r\n"])
def test_lines_without_an_end_are_not_collected_for_ever(
    connected: Connected, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr("wherry.client.http.LONGEST_HEAD", 50_000)
    monkeypatch.setattr("wherry.client.http.LONGEST_LINE", 50_000)
    connection = connected(start + b"x" * 150_000, end=False)
    with pytest.raises(BrokenReplyError, match="without an end"):
        list(connection.request("GET", "/x", {}).lines())


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=60), st.sampled_from([b"", OK, CHUNKED]))
def test_no_reply_raises_anything_else(connected: Connected, data: bytes, start: bytes) -> None:
    connection = connected(start + data)
    try:
        list(connection.request("GET", "/x", {}).lines())
    except BrokenReplyError:
        pass
    finally:
        connection.close()


def test_lines_come_when_they_are_whole(connected: Connected) -> None:
    chunks = b'4\r\n{"a"\r\n8\r\n:1}\r\n\r\n{\r\n2\r\n}\n\r\n1\r\nx\r\n0\r\n\r\n'
    reply = connected(CHUNKED + chunks).request("GET", "/", {})
    assert list(reply.lines()) == [b'{"a":1}\r', b"{}", b"x"]


def test_a_kept_connection_is_used_again(connected: Connected) -> None:
    reply = OK + b"Content-Length: 2\r\n\r\nok"
    kept = connected(reply, end=False)
    assert kept.request("GET", "/1", {}).read() == b"ok"
    peer = kept.address.peers[0]
    peer.recv(1 << 16)

    def answer() -> None:
        peer.recv(1 << 16)
        peer.sendall(reply)

    thread = threading.Thread(target=answer)
    thread.start()
    assert kept.request("GET", "/2", {}).read() == b"ok"
    thread.join()
    assert len(kept.address.peers) == 1


@pytest.mark.parametrize("unasked", [b"", b"HTTP/1.1 500 Nobody asked\r\n\r\n"])
def test_a_connection_that_ended_is_replaced_and_nothing_sent_twice(
    connected: Connected, unasked: bytes
) -> None:
    reply = OK + b"Content-Length: 2\r\n\r\nok"
    closed = connected(reply + unasked, reply)
    assert closed.request("POST", "/1", {}, b"x").read() == b"ok"
    assert closed.request("POST", "/2", {}, b"x").read() == b"ok"
    assert len(closed.address.peers) == 2
    assert [closed.address.received(n).count(b"POST") for n in (0, 1)] == [1, 1]


def test_a_reply_that_is_left_unread_costs_the_connection(connected: Connected) -> None:
    connection = connected(OK + b"Content-Length: 200000\r\n\r\n" + b"x" * 100_000, end=False)
    chunks = connection.request("GET", "/", {}).chunks()
    next(chunks)
    chunks.close()
    assert connection.socket is None


def test_an_upgraded_connection_hands_over_what_came_early(connected: Connected) -> None:
    connection = connected(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nearly", end=False)
    assert connection.request("POST", "/attach", {}).status == 101
    taken, early = connection.detach()
    assert early == b"early"
    taken.close()
