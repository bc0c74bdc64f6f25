"""Failed logins: after some of them the next has to wait, longer each time.

Counted for one name from one address, so nobody can lock an account for others; and, ten times as
many, for one address whatever the names, so names cannot be tried one after the other. An attempt
counts as failed from its beginning until it has succeeded: many at once get no further than one
after the other. While an attempt has to wait, a right password waits as well, or waiting would be
no hindrance. Names that exist and names that do not are counted alike.

In memory, each process for itself: with n processes an attacker has n times the attempts. Bounded:
what was used longest ago is forgotten first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from wherry.base.values import dataclass
from wherry.registry.server.access.guard import TooManyRequestsError
from wherry.registry.server.access.rates import address_block
from wherry.registry.server.settings import Rates

LONGEST_WAIT = 900.0
_NAMES_OF_ADDRESS = 10
_MOST_ENTRIES = 65_536

Key = tuple[str, str]


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0


class Logins:
    """Counts; `clock` is monotonic, in seconds."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = rates.logins
        self._seconds = rates.seconds
        self._clock = clock
        self._entries: OrderedDict[Key, _Failures] = OrderedDict()

    def check(self, name: str, address: str) -> None:
        """Raise TooManyRequestsError while this name may not be tried from this address."""
        wait = max(self._wait(key, allowed) for key, allowed in self._keys(name, address))
        if wait > 0:
            raise TooManyRequestsError("too many failed logins: wait and try again", wait)

    def begin(self, name: str, address: str) -> None:
        """Count an attempt that is about to be made; raises TooManyRequestsError."""
        self.check(name, address)
        for key, _ in self._keys(name, address):
            entry = self._entries.setdefault(key, _Failures())
            entry.count += 1
            entry.last = self._clock()
            self._entries.move_to_end(key)
        while len(self._entries) > _MOST_ENTRIES:
            self._entries.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Take it back: the password was right."""
        own, whole = (key for key, _ in self._keys(name, address))
        mine = self._entries.pop(own, None)
        if mine and (entry := self._entries.get(whole)):
            entry.count = max(0, entry.count - mine.count)

    def _keys(self, name: str, address: str) -> tuple[tuple[Key, int], tuple[Key, int]]:
        block = address_block(address)
        return ((name, block), self._allowed), (("", block), self._allowed * _NAMES_OF_ADDRESS)

    def _wait(self, key: Key, allowed: int) -> float:
        entry = self._entries.get(key)
        if entry is None or not self._allowed:
            return 0.0
        passed = self._clock() - entry.last
        beyond = entry.count - allowed
        pause = min(2.0 ** min(beyond, 30), LONGEST_WAIT) if beyond >= 0 else 0.0
        if passed > max(self._seconds, 2 * pause):
            del self._entries[key]
            return 0.0
        return pause - passed
