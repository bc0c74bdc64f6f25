"""From messages to verbs: what the engine may ask of the keeper, and when the keeper may end."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from typing import Final

from wherry.keeper.connection import Listener, Reply
from wherry.keeper.loop import Loop
from wherry.keeper.processes import NotHeldError, Processes
from wherry.keeper.protocol import (
    PAGE,
    VERSION,
    Exited,
    Failure,
    Message,
    Op,
    Phase,
    close_all,
    create_container_from,
    create_exec_from,
    custody_from,
)

_NOT_HELD: Final = "keeper"
# Holding nothing, with nobody connected, for this long: the engine is gone for good.
LINGER_SECONDS: Final = 30.0

_Verb = Callable[[Message, dict[str, int], Reply], None]


class Service:
    """Answers requests. Owns the decision to end the keeper; `listener` is set right after."""

    listener: Listener

    def __init__(self, loop: Loop, retired: Callable[[], None]) -> None:
        self._loop = loop
        self._retired = retired
        self._ending = False
        self.processes: Processes
        self._verbs: dict[str, _Verb] = {
            Op.HELLO: self._hello,
            Op.LIST: self._list,
            Op.TAKE: self._take,
            Op.CREATE: self._create,
            Op.START: self._start,
            Op.EXEC: self._exec,
            Op.ADOPT: self._adopt,
            Op.CLOSE_STDIN: self._close_stdin,
            Op.ABANDON: self._abandon,
            Op.FORGET: self._forget,
            Op.RETIRE: self._retire,
        }

    def handle(self, message: Message, descriptors: dict[str, int], reply: Reply) -> None:
        """Serve one request; its descriptors are closed, or kept where they are to be held."""
        try:
            self._verbs[message["op"]](message, descriptors, reply)
        except NotHeldError as error:
            reply.failed(Failure(_NOT_HELD, 0, str(error), 125))
        except OSError as error:
            number = error.errno or 0
            reply.failed(Failure(_NOT_HELD, number, f"keeper: {error}", 125))
        except (KeyError, TypeError, ValueError) as error:
            reply.failed(Failure("protocol", 0, f"keeper: malformed request: {error!r}", 125))
        finally:
            close_all(list(descriptors.values()))

    def tell(self, exited: Exited) -> None:
        """Tell the engine, if there is one, of an exit."""
        self.listener.send({"event": "exited", **exited.to_message()})
        self._end_when_over()

    def engine_lost(self) -> None:
        """Go on without the engine; end if there is nothing to go on with."""
        if not self.processes.held:
            self._loop.later(LINGER_SECONDS, self._end_if_forgotten)
        self._end_when_over()

    def end_if_idle(self) -> None:
        """End, if no process is held."""
        if not self.processes.held:
            self._retired()

    def asked_to_end(self) -> None:
        """End now, or when what is held has ended: the machine goes down, or its operator says so.

        While an engine is there, which acknowledges exits, only if nothing is held at all.
        """
        self._ending = True
        self.end_if_idle()
        self._end_when_over()

    def _end_when_over(self) -> None:
        """End without having been acknowledged: every exit is on disk, where engines look."""
        phases = {process.phase for process in self.processes.held.values()}
        if self._ending and self.listener.connection is None and phases <= {Phase.EXITED}:
            self._retired()

    def _end_if_forgotten(self) -> None:
        if self.listener.connection is None:
            self.end_if_idle()

    def _hello(self, _message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        reply.done({"pid": os.getpid(), "version": VERSION})

    def _list(self, message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        """Answer a page of the list, in the order of adoption; `from` is the first line."""
        self.processes.look_again()
        first = message["from"]
        held = self.processes.held.values()
        page = [process.line() for process in islice(held, first, first + PAGE)]
        more = first + len(page) < len(held)
        reply.done({"held": [line.to_message() for line in page], "more": more})

    def _take(self, message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        process = self.processes.held.get(message["id"])
        if process is None:
            raise NotHeldError(f"{message['id']} is not held")
        reply.done(process.custody.to_message(), process.custody.descriptors())

    def _create(self, message: Message, descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.create(create_container_from(message, descriptors), reply)

    def _start(self, message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.start(message["id"], reply)

    def _exec(self, message: Message, descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.exec(create_exec_from(message, descriptors), reply)

    def _adopt(self, message: Message, descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.adopt(custody_from(message, descriptors))
        descriptors.clear()
        reply.done()

    def _close_stdin(self, message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.close_stdin(message["id"])
        reply.done()

    def _abandon(self, message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.abandon(message["id"], reply)

    def _forget(self, message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        self.processes.forget(message["id"])
        reply.done()

    def _retire(self, _message: Message, _descriptors: dict[str, int], reply: Reply) -> None:
        reply.done({"held": len(self.processes.held)})
        self.end_if_idle()
