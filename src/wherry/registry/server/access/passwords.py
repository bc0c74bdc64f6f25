"""Whether a password is that of an account: bcrypt in threads, and what was right a moment ago.

bcrypt releases the interpreter lock and takes a tenth of a second of a processor, so no more of
them run at once than there are processors, and no more than a bounded number wait. One pair of name
and password that comes many times at once is worked out once. A name without an account takes as
long as one with, since a hash of the same cost is worked out for it.

A pair that was right is remembered for some minutes, by a hash with a key that only this process
has, over the name, the password and the stored hash: so a changed or removed account is forgotten
in the moment when the file is read again, and the password itself is nowhere.

bcrypt knows 72 bytes. What is longer is cut, as `htpasswd` and other registries do, since a file
may come from them; `accounts_file` sets no such password.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

import bcrypt

from wherry.base.crossing import in_thread
from wherry.registry.server.access.guard import TooManyRequestsError
from wherry.registry.server.access.htpasswd import Accounts

BCRYPT_BYTES = 72
REMEMBERED_SECONDS = 300.0
_MOST_REMEMBERED = 10_000
_MOST_WAITING = 256
_USUAL_COST = 10


class Passwords:
    """Verifies passwords of the accounts of a file; used on one event loop."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._remembered: OrderedDict[bytes, float] = OrderedDict()
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._processors = asyncio.Semaphore(os.cpu_count() or 1)

    async def verify(self, name: str, password: str, before: Callable[[], None]) -> bool:
        """Tell whether this is the password of an account.

        `before` is called when it has to be worked out, not when it is remembered or is being
        worked out already; what it raises goes on. Raises TooManyRequestsError.
        """
        stored = await self._accounts.stored(name)
        key = self._pair(name, password, stored or "")
        if self._remembered.get(key, 0.0) > self._clock():
            return True
        running = self._running.get(key)
        if running is None:
            before()
            if len(self._running) >= _MOST_WAITING:
                raise TooManyRequestsError("too many logins at once", 1.0)
            running = asyncio.ensure_future(self._work_out(key, name, password, stored))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        # Others may wait for the same: one that leaves must not take it from them.
        return await asyncio.shield(running)

    async def _work_out(self, key: bytes, name: str, password: str, stored: str | None) -> bool:
        hashed = stored or self._nobodys_hash(name)
        async with self._processors:
            right = await in_thread(_check, password, hashed)
        if not right or stored is None:
            return False
        self._remembered[key] = self._clock() + REMEMBERED_SECONDS
        self._remembered.move_to_end(key)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return True

    def _pair(self, name: str, password: str, stored: str) -> bytes:
        digest = hashlib.blake2b(key=self._key)
        for part in (name, password, stored):
            data = part.encode(errors="surrogateescape")
            digest.update(len(data).to_bytes(8, "big") + data)
        return digest.digest()

    def _nobodys_hash(self, name: str) -> str:
        """Return a hash that no password has, always of one cost for one name, from among those
        that accounts have."""
        choice = int.from_bytes(self._pair(name, "", "")[:8], "big")
        costs = self._accounts.costs
        cost = costs[choice % len(costs)] if costs else _USUAL_COST
        return f"$2b${cost:02}$" + "." * 53


def _check(password: str, hashed: str) -> bool:
    secret = password.encode(errors="surrogateescape")[:BCRYPT_BYTES]
    return bcrypt.checkpw(secret, hashed.encode())
