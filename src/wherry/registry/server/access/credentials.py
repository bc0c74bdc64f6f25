"""The Authorization header, read: a name and a password, or a bearer token.

A robot's name has a colon in it (`robot:ci`), which Basic cannot carry: what clients send for it
is the same text as for a user called `robot`, and is told apart by the form of a robot's secret.
Pure; nothing here decides whether credentials are right.
"""

from __future__ import annotations

import base64
import re

from wherry.base.errors import UnauthorisedError
from wherry.base.values import dataclass, field

ROBOT_PREFIX = "robot:"
SECRET_PREFIX = "wry_"  # noqa: S105 - what every secret begins with
ROBOT_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ROBOT = re.compile(
    rf"({ROBOT_PREFIX}{ROBOT_NAME.pattern}):({SECRET_PREFIX}[A-Za-z0-9_-]{{43}})", re.ASCII
)


class UnreadableCredentialsError(UnauthorisedError):
    """The Authorization header is none that this registry understands."""


@dataclass(frozen=True, slots=True)
class Password:
    """Who claims to be `name`; a robot's with its prefix."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token, as it was sent."""

    token: str = field(repr=False)


def is_robot(name: str) -> bool:
    """Tell whether a caller's name is that of a robot."""
    return name.startswith(ROBOT_PREFIX)


def read_authorization(header: str) -> Password | BearerToken:
    """Read the value of an Authorization header; raises UnreadableCredentialsError."""
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return BearerToken(value.strip())
        case "basic":
            return _basic(value.strip())
    raise UnreadableCredentialsError("credentials have to be Basic or Bearer")


def _basic(value: str) -> Password:
    try:
        joined = base64.b64decode(value, validate=True).decode()
    except ValueError:
        raise UnreadableCredentialsError("the Basic credentials cannot be read") from None
    name, colon, password = joined.partition(":")
    if not colon:
        raise UnreadableCredentialsError("the Basic credentials have no password")
    return name_and_password(name, password)


def name_and_password(name: str, password: str) -> Password:
    """Return what a client sent as a name and a password; a robot's name is put together again."""
    if robot := _ROBOT.fullmatch(f"{name}:{password}"):
        return Password(robot[1], robot[2])
    return Password(name, password)


def basic_header(given: Password) -> str:
    """Return the value of the header that says the same."""
    return "Basic " + base64.b64encode(f"{given.name}:{given.password}".encode()).decode()
