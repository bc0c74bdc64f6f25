"""The client's end of a build: everything at once over one socket, whose other end is the test."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from wherry.client.agent import LIST_KEYS, message
from wherry.client.build import (
    BuildConnection,
    BuildFailedError,
    RefusedError,
    Sink,
    TooLargeError,
)
from wherry.client.engine import Hijacked
from wherry.client.errors import BrokenReplyError
from wherry.wire.frames import DATA, END, LARGEST, MESSAGE, Decoder, Frame, encode

REQUEST = {"type": "build"}
ANSWER = message(12, bytes(4))


class Collected:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        self.closed = True


class Served:
    """A client with one context, a fake agent, and a memory."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]] = lambda: iter(())) -> None:
        self.pieces = pieces
        self.events: list[Mapping[str, Any]] = []
        self.outputs: dict[int, Collected] = {}
        self.agents: queue.SimpleQueue[socket.socket] = queue.SimpleQueue()
        self.ticks = 0

    def context(self, name: str) -> Iterator[bytes]:
        if name != "main":
            raise RefusedError(f"no context {name}")
        return self.pieces()

    def agent(self, identity: str) -> socket.socket:
        if identity != "default":
            raise RefusedError(f"no agent {identity}")
        ours, theirs = socket.socketpair()
        self.agents.put(theirs)
        return ours

    def output(self, index: int) -> Sink:
        return self.outputs.setdefault(index, Collected())

    def event(self, told: Mapping[str, Any]) -> None:
        self.events.append(told)

    def tick(self) -> None:
        self.ticks += 1


class Engine:
    """The other end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._decoder = Decoder()
        self._frames: list[Frame] = []

    def next(self) -> Frame:
        while not self._frames:
            data = self._connection.recv(1 << 20)
            assert data, "the client has hung up"
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    def told(self) -> Any:
        frame = self.next()
        assert frame.kind == MESSAGE
        return json.loads(frame.data)

    def send(self, kind: int, channel: int, data: bytes = b"") -> None:
        self._connection.sendall(encode(kind, channel, data))

    def tell(self, **told: Any) -> None:
        self.send(MESSAGE, 0, json.dumps(told).encode())

    def raw(self, data: bytes) -> None:
        self._connection.sendall(data)

    def hang_up(self) -> None:
        self._connection.close()


def run(
    served: Served, script: Callable[[Engine], None], request: Mapping[str, Any] = REQUEST
) -> Mapping[str, Any]:
    """Play both sides; what goes wrong on the engine's is raised here."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(30)
    problems: list[BaseException] = []

    def play() -> None:
        try:
            engine = Engine(theirs)
            assert engine.told() == request
            script(engine)
        except BaseException as error:
            problems.append(error)
            theirs.close()

    thread = threading.Thread(target=play)
    thread.start()
    try:
        return BuildConnection(Hijacked(ours, b""), served).run(request)
    finally:
        thread.join(30)
        theirs.close()
        assert ours.fileno() == -1, "the connection is closed, whatever happens"
        if problems:
            raise problems[0]


def test_progress_and_the_end() -> None:
    served = Served()

    def script(engine: Engine) -> None:
        engine.tell(type="event", event="said", text="hello")
        engine.tell(type="of a later version")
        engine.tell(type="done", image="sha256:1", metadata={})

    assert run(served, script)["image"] == "sha256:1"
    assert served.events == [{"type": "event", "event": "said", "text": "hello"}]
    assert served.ticks > 0


def test_a_failure_in_the_engines_words() -> None:
    with pytest.raises(BuildFailedError, match=r"^it broke$"):
        run(Served(), lambda engine: engine.tell(type="failed", message="it broke"))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (lambda engine: engine.hang_up(), "ended the connection in the middle"),
        (lambda engine: engine.raw(b"HTTP/1.1 400 Bad Request"), "no frame"),
        (lambda engine: engine.send(MESSAGE, 0, b"[]"), "no message"),
        (lambda engine: engine.send(MESSAGE, 0, b"{"), "no message"),
        (lambda engine: engine.tell(type="want", channel=1), "sent want without 'context'"),
    ],
)
def test_an_engine_that_goes_away_or_talks_nonsense(
    script: Callable[[Engine], None], words: str
) -> None:
    with pytest.raises(BrokenReplyError, match=words):
        run(Served(), script)


def test_a_context_is_sent_in_frames_that_are_not_too_large() -> None:
    content = [b"", b"a" * 10, b"b" * (LARGEST * 2 + 5), b"", b"c"]
    received = []

    def script(engine: Engine) -> None:
        engine.tell(type="want", channel=7, context="main")
        while (frame := engine.next()).kind == DATA:
            assert frame.channel == 7
            received.append(frame.data)
        assert (frame.kind, frame.channel) == (END, 7)
        engine.tell(type="done", image="")

    run(Served(lambda: iter(content)), script)
    assert b"".join(received) == b"".join(content)


def test_what_is_not_here_is_refused_and_the_build_goes_on() -> None:
    def script(engine: Engine) -> None:
        engine.tell(type="want", channel=1, context="other")
        engine.tell(type="ssh", channel=2, id="work")
        assert engine.told() == {"type": "refused", "channel": 1, "message": "no context other"}
        assert engine.told() == {"type": "refused", "channel": 2, "message": "no agent work"}
        engine.tell(type="done", image="")

    run(Served(), script)


def test_an_error_while_a_context_is_read_ends_the_build() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        run(Served(pieces), lambda engine: engine.tell(type="want", channel=1, context="main"))


def test_an_output_is_written_and_closed() -> None:
    served = Served()

    def script(engine: Engine) -> None:
        engine.tell(type="output", channel=3, index=0)
        engine.send(DATA, 3, b"one")
        engine.send(DATA, 3, b"two")
        engine.send(END, 3)
        engine.tell(type="done", image="")

    run(served, script)
    assert (served.outputs[0].data, served.outputs[0].closed) == (b"onetwo", True)


def test_half_an_output_is_no_success() -> None:
    def script(engine: Engine) -> None:
        engine.tell(type="output", channel=3, index=0)
        engine.send(DATA, 3, b"one")
        engine.tell(type="done", image="")

    with pytest.raises(BrokenReplyError, match="before all of it had come"):
        run(Served(), script)


def test_an_agent_answers_over_its_channel() -> None:
    served = Served()

    def script(engine: Engine) -> None:
        engine.tell(type="ssh", channel=4, id="default")
        engine.send(DATA, 4, message(LIST_KEYS)[:3])
        engine.send(DATA, 4, message(LIST_KEYS)[3:] + message(19))
        agent = served.agents.get(timeout=30)
        asked = agent.recv(1024)
        while len(asked) < 10:
            asked += agent.recv(1024)
        assert asked.startswith(message(LIST_KEYS))
        assert asked[9] == 27, "the agent is not asked to remove keys"
        agent.sendall(ANSWER)
        frame = engine.next()
        assert (frame.kind, frame.channel, frame.data) == (DATA, 4, ANSWER)
        engine.send(END, 4)
        assert agent.recv(1024) in (b"", asked[10:])
        agent.close()
        while (frame := engine.next()).kind == DATA:
            pass
        assert (frame.kind, frame.channel) == (END, 4)
        engine.tell(type="done", image="")

    run(served, script)


def test_an_agent_that_is_asked_nonsense_is_left_alone() -> None:
    def script(engine: Engine) -> None:
        engine.tell(type="ssh", channel=4, id="default")
        engine.send(DATA, 4, b"\xff" * 8)
        assert engine.told()["type"] == "refused"
        engine.tell(type="done", image="")

    run(Served(), script)


def test_both_sides_may_say_much_at_once() -> None:
    size = 8 << 20
    served = Served(lambda: iter([b"x" * 60000] * (size // 60000)))
    received = 0

    def script(engine: Engine) -> None:
        nonlocal received
        engine.tell(type="want", channel=1, context="main")
        engine.tell(type="output", channel=2, index=0)
        for _ in range(size // 60000):  # nothing is read meanwhile
            engine.send(DATA, 2, b"y" * 60000)
        engine.send(END, 2)
        while (frame := engine.next()).kind == DATA:
            received += len(frame.data)
        engine.tell(type="done", image="")

    run(served, script)
    assert received == len(served.outputs[0].data) == size // 60000 * 60000


def test_a_request_that_does_not_fit() -> None:
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(TooLargeError, match="takes 1048"):
        BuildConnection(Hijacked(ours, b""), Served()).run({"type": "b" * LARGEST})


def test_bytes_that_came_with_the_reply_are_not_lost() -> None:
    ours, theirs = socket.socketpair()
    early = encode(MESSAGE, 0, json.dumps({"type": "done", "image": "i"}).encode())
    with theirs:
        assert BuildConnection(Hijacked(ours, early), Served()).run(REQUEST)["image"] == "i"
