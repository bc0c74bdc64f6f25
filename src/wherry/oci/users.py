"""Who a process runs as: names of the image's own passwd and group become numbers.

The rules are those of runc's libcontainer/user: `user`, `user:group`, either as a name or a number;
a number that passwd does not know is fine, a name is not. Groups that list the user as a member are
added unless a group was given. Without an entry in passwd the home directory is /.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass, field


class NoSuchUserError(InvalidError):
    """The image has no such user or group."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A resolved user."""

    uid: int
    gid: int
    groups: list[int] = field(default_factory=list)
    home: str = "/"


@dataclass(frozen=True, slots=True)
class _User:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    gid: int
    members: list[str]


def resolve(
    wanted: str, extra: Sequence[str], passwd: bytes | None, group: bytes | None
) -> Identity:
    """Resolve `wanted` (empty for root) with additional groups, by the image's own files."""
    users, groups = _users(passwd), _groups(group)
    user_text, _, group_text = wanted.partition(":")
    user = _find_user(user_text, users)
    gid = user.gid
    more: list[int] = []
    if group_text:
        gid = _find_group(group_text, groups)
    elif user.name:
        more = [g.gid for g in groups if user.name in g.members]
    added = [_find_group(name, groups) for name in extra]
    # The primary group comes first, as in Docker's own processes.
    return Identity(user.uid, gid, list(dict.fromkeys([gid, *more, *added])), user.home)


def _find_user(text: str, users: Sequence[_User]) -> _User:
    if not text:
        text = "0"
    for user in users:
        if text == user.name or (text.isdecimal() and int(text) == user.uid):
            return user
    if text.isdecimal():
        return _User("", _checked(text), 0, "/")
    raise NoSuchUserError(f"unable to find user {text}: no matching entries in passwd file")


def _find_group(text: str, groups: Sequence[_Group]) -> int:
    for group in groups:
        if text == group.name:
            return group.gid
    if text.isdecimal():
        return _checked(text)
    raise NoSuchUserError(f"unable to find group {text}: no matching entries in group file")


def _checked(text: str) -> int:
    number = int(text)
    if number >= 1 << 31:
        raise NoSuchUserError("uids and gids must be in range 0-2147483647")
    return number


def _users(content: bytes | None) -> list[_User]:
    return [
        _User(fields[0], int(fields[2]), int(fields[3]), fields[5] or "/")
        for fields in _lines(content, 6)
        if fields[2].isdecimal() and fields[3].isdecimal()
    ]


def _groups(content: bytes | None) -> list[_Group]:
    found = []
    for fields in _lines(content, 3):
        if fields[2].isdecimal():
            members = fields[3].split(",") if len(fields) > 3 else []
            found.append(_Group(fields[0], int(fields[2]), members))
    return found


def _lines(content: bytes | None, least: int) -> list[list[str]]:
    lines = (content or b"").decode("utf-8", "replace").splitlines()
    split = [line.strip().split(":") for line in lines if line.strip()]
    return [fields for fields in split if len(fields) >= least]
