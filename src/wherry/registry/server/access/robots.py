"""Robot accounts: kept in the catalog, each with a secret of its own and with scopes.

A robot is called `robot:<name>` wherever a caller's name is meant, and `<name>` in the catalog. Its
secret is shown once; the catalog has its SHA-256, which is enough for 256 random bits. Scopes are
actions for patterns of names, and a robot may do what its scopes say whatever the rules say of
others.

A server remembers a row for some seconds, so a robot that is removed, or made anew, stops working
within LIFETIME in every process, and with it the tokens that it was given.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from wherry.base.errors import ConflictError, InvalidError, NotFoundError
from wherry.base.values import dataclass
from wherry.registry.server.access.credentials import ROBOT_NAME, ROBOT_PREFIX, SECRET_PREFIX
from wherry.registry.server.access.guard import Action
from wherry.registry.server.catalog.catalog import Catalog, Robot
from wherry.registry.server.patterns import Patterns

LIFETIME = 5.0
ACTIONS: tuple[Action, ...] = ("pull", "push", "delete")
_MOST_KNOWN = 10_000


class RobotNameError(InvalidError):
    """Not a name that a robot can have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name[:64]!r} cannot be a robot: a name is up to 64 lower-case letters, digits, "
            "dots, dashes and underscores, and begins with a letter or a digit"
        )


class RobotScopeError(InvalidError):
    """Not a scope that a robot can have."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:300]!r} is no scope: write PATTERN:ACTION[,ACTION], such as team/*:pull,push, "
            f"with actions among {', '.join(ACTIONS)}"
        )


class RobotExistsError(ConflictError):
    """There is a robot of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"robot {name} is there already: remove it first")


class RobotUnknownError(NotFoundError):
    """There is no robot of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no robot {name}")


@dataclass(frozen=True, slots=True)
class NewRobot:
    """A robot to make; `scopes` by pattern, `expires` in seconds since the epoch, `by` whom."""

    name: str
    scopes: Mapping[str, tuple[Action, ...]]
    expires: float | None = None
    by: str = ""


def parse_robot_scopes(words: Sequence[str]) -> Mapping[str, tuple[Action, ...]]:
    """Read scopes as people write them (`team/*:pull,push`); raises RobotScopeError."""
    scopes: dict[str, tuple[Action, ...]] = {}
    for word in words:
        pattern, _, listed = word.rpartition(":")
        asked = listed.split(",")
        actions = tuple(action for action in ACTIONS if action in asked)
        if not pattern or len(actions) != len(set(asked)):
            raise RobotScopeError(word)
        scopes[pattern] = tuple(dict.fromkeys((*scopes.get(pattern, ()), *actions)))
    return scopes


async def create_robot(catalog: Catalog, new: NewRobot, now: float) -> str:
    """Make a robot and return its secret, which cannot be had again.

    Raises RobotNameError, RobotScopeError (it has none), RobotExistsError.
    """
    if not ROBOT_NAME.fullmatch(new.name):
        raise RobotNameError(new.name)
    if not new.scopes:
        raise RobotScopeError("")
    if await catalog.robot(new.name) is not None:
        raise RobotExistsError(new.name)
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    robot = Robot(new.name, new.scopes, now, new.expires, new.by, _hashed(secret))
    await catalog.put_robot(robot)
    return secret


async def list_robots(catalog: Catalog) -> list[Robot]:
    """Return every robot, by name."""
    return await catalog.robots()


async def remove_robot(catalog: Catalog, name: str) -> None:
    """Remove a robot, given with or without its prefix; raises RobotUnknownError."""
    name = name.removeprefix(ROBOT_PREFIX)
    if not await catalog.delete_robot(name):
        raise RobotUnknownError(name)


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    until: float
    robot: Robot | None
    scopes: tuple[tuple[Patterns, frozenset[str]], ...] = ()


def _known(robot: Robot | None, until: float) -> _Known:
    scopes = robot.scopes if robot else {}
    compiled = tuple((Patterns([one]), frozenset(actions)) for one, actions in scopes.items())
    return _Known(until, robot, compiled)


class Robots:
    """The robots of a catalog as a server sees them: `now` is the time, `clock` is monotonic."""

    def __init__(
        self,
        catalog: Catalog,
        now: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._now = now
        self._clock = clock
        self._rows: OrderedDict[str, _Known] = OrderedDict()

    async def find(self, name: str) -> Robot | None:
        """Return a robot by its name with the prefix, unless it is unknown or has expired."""
        known = self._rows.get(name)
        if known is None or known.until <= self._clock():
            robot = await self._catalog.robot(name.removeprefix(ROBOT_PREFIX))
            known = _known(robot, self._clock() + LIFETIME)
            self._rows[name] = known
            self._rows.move_to_end(name)
            if len(self._rows) > _MOST_KNOWN:
                self._rows.popitem(last=False)
        return known.robot if self._alive(known) else None

    def allows(self, name: str, repository: str, action: Action) -> bool:
        """Tell whether the scopes of a robot that `find` has returned let it; push implies pull."""
        known = self._rows.get(name)
        if known is None or not self._alive(known):
            return False
        return any(
            patterns.match(repository)
            and (action in actions or (action == "pull" and "push" in actions))
            for patterns, actions in known.scopes
        )

    def _alive(self, known: _Known) -> bool:
        expires = known.robot.expires if known.robot else 0.0
        return expires is None or self._now() < expires


def is_secret_of(robot: Robot | None, secret: str) -> bool:
    """Tell whether a secret is a robot's, in the same time whether there is a robot or not."""
    return hmac.compare_digest(_hashed(secret), robot.secret_hash if robot else "-" * 64)
