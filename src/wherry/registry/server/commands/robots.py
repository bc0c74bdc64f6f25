"""`robot`: accounts for programs, with a secret that is shown once and scopes of their own."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

from wherry.base.configuration.values import parse_time
from wherry.base.errors import InvalidError
from wherry.registry.server.access.credentials import ROBOT_PREFIX
from wherry.registry.server.access.robots import (
    NewRobot,
    create_robot,
    list_robots,
    parse_robot_scopes,
    remove_robot,
)
from wherry.registry.server.catalog.catalog import Robot
from wherry.registry.server.commands.common import (
    add_settings,
    settings_of,
    tell,
    with_stores,
    write,
    write_json,
)
from wherry.registry.server.commands.parser import Parser
from wherry.registry.server.stores import Stores

_EXAMPLES = """
  wherry registry robot create ci --scope 'team/*:pull,push' --expires 90d
  wherry registry robot list
  wherry registry robot remove ci

A robot logs in as robot:<name> with its secret as the password:
  echo "$SECRET" | docker login -u robot:ci --password-stdin registry.example.com
"""


class ExpiryError(InvalidError):
    """Not a time after which a robot can end."""

    def __init__(self, value: str) -> None:
        super().__init__(f"--expires: {value!r} is no time: write it as 12h, 30d or 52w")


def declare(parser: Parser) -> None:
    """Add its flags."""
    parser.explain("Make, list and remove robots: accounts for programs.", _EXAMPLES)
    verbs = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )

    def verb(name: str, text: str) -> Parser:
        about = f"{text.capitalize()}."
        return verbs.add_parser(name, help=text, description=about, examples=_EXAMPLES)

    create = verb("create", "make a robot and show its secret")
    add = create.add_argument
    add("name", metavar="NAME", help="what it is called, without robot:")
    add(
        "--scope",
        dest="scopes",
        action="append",
        required=True,
        metavar="PATTERN:ACTIONS",
        help="what it may do, as 'team/*:pull,push'; repeatable",
    )
    add("--expires", metavar="TIME", help="for how long it works, as 12h or 30d (for ever)")
    add("--format", choices=("text", "json"), default="text", help="text or json")
    add_settings(create)
    create.set_defaults(run=_create)
    listing = verb("list", "list the robots")
    listing.add_argument("--format", choices=("text", "json"), default="text", help="text or json")
    add_settings(listing)
    listing.set_defaults(run=_list)
    remove = verb("remove", "remove a robot")
    remove.add_argument("name", metavar="NAME", help="with or without robot:")
    add_settings(remove)
    remove.set_defaults(run=_remove)


def _create(arguments: argparse.Namespace) -> int:
    now = time.time()
    scopes = parse_robot_scopes(arguments.scopes)
    expires = None
    if arguments.expires is not None:
        seconds = parse_time(arguments.expires)
        if not seconds:
            raise ExpiryError(arguments.expires)
        expires = now + seconds
    name = arguments.name.removeprefix(ROBOT_PREFIX)

    async def work(stores: Stores) -> int:
        secret = await create_robot(stores.catalog, NewRobot(name, scopes, expires), now)
        if arguments.format == "json":
            write_json({"name": ROBOT_PREFIX + name, "secret": secret, "expires": expires})
            return 0
        tell(f"robot:{name} is made; its secret, which is not shown again:")
        write(secret)
        return 0

    return with_stores(settings_of(arguments), work)


def _list(arguments: argparse.Namespace) -> int:
    async def work(stores: Stores) -> int:
        robots = await list_robots(stores.catalog)
        if arguments.format == "json":
            write_json([_as_dict(robot) for robot in robots])
            return 0
        for robot in robots:
            write(_line(robot, time.time()))
        return 0

    return with_stores(settings_of(arguments), work)


def _remove(arguments: argparse.Namespace) -> int:
    async def work(stores: Stores) -> int:
        await remove_robot(stores.catalog, arguments.name)
        return 0

    return with_stores(settings_of(arguments), work)


def _as_dict(robot: Robot) -> dict[str, object]:
    return {
        "name": ROBOT_PREFIX + robot.name,
        "scopes": {pattern: list(actions) for pattern, actions in robot.scopes.items()},
        "created": robot.created,
        "expires": robot.expires,
    }


def _line(robot: Robot, now: float) -> str:
    scopes = " ".join(f"{pattern}:{','.join(acts)}" for pattern, acts in robot.scopes.items())
    if robot.expires is None:
        end = "does not expire"
    else:
        day = datetime.fromtimestamp(robot.expires, UTC).strftime("%Y-%m-%d %H:%M")
        end = f"{'expired' if robot.expires <= now else 'expires'} {day}"
    return f"{ROBOT_PREFIX}{robot.name}  {scopes}  {end}"
