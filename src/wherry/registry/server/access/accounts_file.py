"""Changing the file of accounts: what `wherry registry account` does.

The file is replaced as a whole, so a running registry sees the old one or the new one, and after a
failure the old one. Comments and the order of lines stay. Two changes at once wait for each other
by a lock on the folder. Blocking.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator

import bcrypt

from wherry.base.atomic import write_file
from wherry.base.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from wherry.registry.server.access.htpasswd import AccountsUnreadableError, parse_accounts
from wherry.registry.server.access.passwords import BCRYPT_BYTES
from wherry.registry.server.settings import ACCOUNTS, ANYONE

COST = 10
_LONGEST_NAME = 128


class AccountNameError(InvalidError):
    """Not a name that an account can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name[:_LONGEST_NAME]!r} cannot be an account: a name is up to {_LONGEST_NAME} "
            f"characters without colons, spaces and control characters, and not {ANYONE!r} or "
            f"{ACCOUNTS!r}"
        )


class PasswordError(InvalidError):
    """Not a password that bcrypt can tell from others."""


class AccountExistsError(ConflictError):
    """There is an account of this name."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(f"account {name!r} is in {path} already: `passwd` changes its password")


class AccountUnknownError(NotFoundError):
    """There is no account of this name."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(f"account {name!r} is not in {path}")


class AccountsUnwritableError(UnavailableError):
    """The file of accounts cannot be changed."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(f"{path} cannot be changed: {error.strerror or error}")


def account_names(path: str) -> list[str]:
    """Return the names in a file, in its order; raises AccountsFileError,
    AccountsUnreadableError."""
    try:
        with open(path, "rb") as source:
            return list(parse_accounts(path, source.read()))
    except OSError as error:
        raise AccountsUnreadableError(path, error) from error


def add_account(path: str, name: str, password: str, cost: int = COST) -> None:
    """Add an account, and make the file if there is none; raises AccountExistsError,
    AccountNameError, PasswordError, AccountsFileError, AccountsUnwritableError."""
    _check_name(name)
    line = _line(name, password, cost)

    def added(lines: list[bytes]) -> list[bytes]:
        if any(_named(existing, name) for existing in lines):
            raise AccountExistsError(name, path)
        return [*lines, line]

    _change(path, added)


def change_password(path: str, name: str, password: str, cost: int = COST) -> None:
    """Give an account another password; raises AccountUnknownError, and as `add_account`."""
    line = _line(name, password, cost)

    def changed(lines: list[bytes]) -> list[bytes]:
        places = [number for number, existing in enumerate(lines) if _named(existing, name)]
        if not places:
            raise AccountUnknownError(name, path)
        lines[places[0]] = line
        return [one for number, one in enumerate(lines) if number not in places[1:]]

    _change(path, changed)


def remove_account(path: str, name: str) -> None:
    """Take an account out; raises AccountUnknownError, AccountsFileError,
    AccountsUnwritableError."""

    def removed(lines: list[bytes]) -> list[bytes]:
        kept = [line for line in lines if not _named(line, name)]
        if len(kept) == len(lines):
            raise AccountUnknownError(name, path)
        return kept

    _change(path, removed)


def _check_name(name: str) -> None:
    printable = name.isprintable() and not any(c.isspace() or c == ":" for c in name)
    words = {"", ANYONE, ACCOUNTS}
    if name in words or len(name) > _LONGEST_NAME or not printable or name.startswith("#"):
        raise AccountNameError(name)


def _line(name: str, password: str, cost: int) -> bytes:
    secret = password.encode()
    if not secret:
        raise PasswordError("the password is empty")
    if len(secret) > BCRYPT_BYTES:
        # bcrypt would leave out the rest, and take every password that begins alike for this one.
        reason = f"the password has {len(secret)} bytes: bcrypt takes up to {BCRYPT_BYTES}"
        raise PasswordError(reason)
    return name.encode() + b":" + bcrypt.hashpw(secret, bcrypt.gensalt(cost))


def _named(line: bytes, name: str) -> bool:
    text = line.strip()
    return not text.startswith(b"#") and text.partition(b":")[0] == name.encode()


def _change(path: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = os.path.realpath(path)
    with _as_errors(path), _locked(os.path.dirname(path)):
        data = _read(path)
        parse_accounts(path, data)
        lines = change(data.rstrip(b"\n").split(b"\n") if data.strip() else [])
        changed = b"".join(line + b"\n" for line in lines)
        parse_accounts(path, changed)
        _replace(path, changed)


def _replace(path: str, data: bytes) -> None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        write_file(path, data, 0o600)
        return
    write_file(path, data, status.st_mode & 0o777)
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        # The registry may run as somebody else, who has to be able to read it as before.
        with contextlib.suppress(PermissionError):
            os.chown(path, status.st_uid, status.st_gid)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as source:
            return source.read()
    except FileNotFoundError:
        return b""


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _as_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AccountsUnwritableError(path, error) from error
