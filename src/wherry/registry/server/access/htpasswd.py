"""The file of accounts: lines of `name:hash`, as `htpasswd -B` writes them.

Only bcrypt counts (`$2y$`, `$2a$`, `$2b$`); a file with anything else is refused with the line.
Empty lines and those that begin with `#` are comments; of two lines for one name the last counts.

The file is looked at once a second at most and read again when it has changed. An edit that breaks
it, or that takes it away, leaves the accounts as they were and is logged once.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Mapping

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError, UnavailableError
from wherry.base.values import dataclass
from wherry.registry.server.settings import ACCOUNTS, ANYONE

_log = logging.getLogger(__name__)

MOST_COST = 17  # a login takes ten seconds with it, and twice that with each step more
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_LOOK_SECONDS = 1.0
_SETTLED_SECONDS = 2.0

Signature = tuple[int, int, int]


class AccountsFileError(InvalidError):
    """The file of accounts has a line that means nothing."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")


class AccountsUnreadableError(UnavailableError):
    """The file of accounts cannot be read."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(
            f"accounts cannot be read from {path}: {error.strerror or error}: make the file with "
            "`wherry registry account add`, or correct access.htpasswd in the settings"
        )


def parse_accounts(path: str, data: bytes) -> Mapping[str, str]:
    """Return the hash for each name; raises AccountsFileError."""
    accounts: dict[str, str] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            raise AccountsFileError(path, number, "this is not text in UTF-8") from None
        if text and not text.startswith("#"):
            name, hashed = _entry(path, number, text)
            accounts[name] = hashed
    return accounts


def _entry(path: str, number: int, text: str) -> tuple[str, str]:
    name, colon, hashed = text.partition(":")
    if not colon or not name:
        raise AccountsFileError(path, number, "a line is `name:hash`, as `htpasswd -B` writes it")
    if name in {ANYONE, ACCOUNTS}:
        raise AccountsFileError(path, number, f"{name!r} is a word of the rules, no account's name")
    match = _HASH.fullmatch(hashed)
    if match is None:
        reason = f"the password of {name!r} is not hashed with bcrypt: use `htpasswd -B`"
        raise AccountsFileError(path, number, reason)
    if not 4 <= int(match[1]) <= MOST_COST:
        reason = f"the cost of {name!r}'s hash is {match[1]}: use one from 4 to {MOST_COST}"
        raise AccountsFileError(path, number, reason)
    return name, hashed


@dataclass(frozen=True, slots=True)
class _State:
    accounts: Mapping[str, str]
    costs: tuple[int, ...]


class Accounts:
    """The accounts of one file, "" for none; used on one event loop."""

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looked = clock()
        self._signature: Signature | None = None
        self._complained = ""
        self._state = _State({}, ())

    def load(self) -> None:
        """Read the file (blocking); raises AccountsFileError, AccountsUnreadableError."""
        if self._path:
            self._state = self._read()

    async def stored(self, name: str) -> str | None:
        """Return the hash of an account's password as the file has it now."""
        await self.refresh()
        return self._state.accounts.get(name)

    @property
    def costs(self) -> tuple[int, ...]:
        """The cost of each account's hash."""
        return self._state.costs

    async def refresh(self, *, at_once: bool = False) -> None:
        """Read the file again if it has changed; looks only now and then, unless `at_once`."""
        now = self._clock()
        if self._path and (at_once or now - self._looked >= _LOOK_SECONDS):
            self._looked = now
            await in_thread(self._look, at_once)

    def _look(self, at_once: bool) -> None:
        try:
            if at_once or self._signature != _signature(os.stat(self._path)):
                self._state = self._read()
            self._complained = ""
        except (OSError, AccountsUnreadableError, AccountsFileError) as error:
            if str(error) != self._complained:
                self._complained = str(error)
                _log.error("the accounts stay as they were: %s", error)

    def _read(self) -> _State:
        try:
            with open(self._path, "rb") as source:
                status = os.fstat(source.fileno())
                data = source.read()
        except OSError as error:
            raise AccountsUnreadableError(self._path, error) from error
        accounts = parse_accounts(self._path, data)
        # A second edit within one tick of the file system's clock could look the same as this one.
        settled = time.time() - status.st_mtime > _SETTLED_SECONDS
        self._signature = _signature(status) if settled else None
        return _State(accounts, tuple(int(hashed[4:6]) for hashed in accounts.values()))


def _signature(status: os.stat_result) -> Signature:
    return status.st_mtime_ns, status.st_size, status.st_ino
