"""Robot accounts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wherry.registry.server.access.robots import (
    LIFETIME,
    NewRobot,
    RobotExistsError,
    RobotNameError,
    Robots,
    RobotScopeError,
    RobotUnknownError,
    create_robot,
    is_secret_of,
    list_robots,
    parse_robot_scopes,
    remove_robot,
)

SCOPES = {"team/*": ("pull", "push"), "drop": ("push",)}
NEW = NewRobot("ci", SCOPES, by="root")


@pytest.fixture
def shelf(place):
    return place.shelf


@pytest.fixture
def robots(shelf, clock) -> Robots:
    return Robots(shelf.catalog, clock, clock)


async def test_a_secret_is_shown_once_and_never_stored(shelf, clock) -> None:
    secret = await create_robot(shelf.catalog, NEW, clock())
    assert secret.startswith("wry_")
    assert len(secret) == 47  # 256 bits
    [robot] = await list_robots(shelf.catalog)
    assert (robot.name, robot.scopes, robot.created_by) == ("ci", SCOPES, "root")
    assert robot.created == clock()
    assert secret not in str(vars_of(robot))
    assert is_secret_of(robot, secret)
    assert not is_secret_of(robot, secret[:-1])
    assert not is_secret_of(robot, robot.secret_hash)
    assert not is_secret_of(None, secret)
    assert not is_secret_of(robot, "\udcff")


def vars_of(robot) -> dict[str, object]:
    return {name: getattr(robot, name) for name in robot.__slots__}


async def test_what_cannot_be_made(shelf, clock) -> None:
    for name in ("", "CI", "a:b", "-a", "a" * 65, "a b", "../a"):
        with pytest.raises(RobotNameError):
            await create_robot(shelf.catalog, replace(NEW, name=name), clock())
    with pytest.raises(RobotScopeError):
        await create_robot(shelf.catalog, replace(NEW, scopes={}), clock())
    await create_robot(shelf.catalog, NEW, clock())
    with pytest.raises(RobotExistsError):
        await create_robot(shelf.catalog, NEW, clock())


async def test_removed_with_or_without_its_prefix(shelf, clock) -> None:
    for name in ("ci", "robot:ci"):
        await create_robot(shelf.catalog, NEW, clock())
        await remove_robot(shelf.catalog, name)
        assert await list_robots(shelf.catalog) == []
    with pytest.raises(RobotUnknownError):
        await remove_robot(shelf.catalog, "ci")


@pytest.mark.parametrize(
    ("words", "scopes"),
    [
        (["team/*:pull,push"], {"team/*": ("pull", "push")}),
        (["*:delete", "a:pull"], {"*": ("delete",), "a": ("pull",)}),
        (["a:push", "a:pull", "a:push"], {"a": ("push", "pull")}),
    ],
)
def test_scopes_as_people_write_them(words: list[str], scopes: dict[str, object]) -> None:
    assert parse_robot_scopes(words) == scopes


@pytest.mark.parametrize("word", ["", "a", "a:", ":pull", "a:read", "a:pull,", "a:pull,all", "a:*"])
def test_what_is_no_scope(word: str) -> None:
    with pytest.raises(RobotScopeError, match="team/"):
        parse_robot_scopes([word])


async def test_scopes_decide(shelf, robots: Robots, clock) -> None:
    await create_robot(shelf.catalog, NEW, clock())
    assert not robots.allows("robot:ci", "team/a", "pull")  # not before it has been looked for
    assert await robots.find("robot:ci") is not None
    assert robots.allows("robot:ci", "team/a", "pull")
    assert robots.allows("robot:ci", "team/a", "push")
    assert not robots.allows("robot:ci", "team/a", "delete")
    assert robots.allows("robot:ci", "drop", "pull")  # push implies pull
    assert not robots.allows("robot:ci", "other", "pull")
    assert not robots.allows("robot:other", "team/a", "pull")


async def test_rows_are_remembered_for_seconds(shelf, robots: Robots, clock) -> None:
    await create_robot(shelf.catalog, NEW, clock())
    shelf.asked = 0
    for _ in range(5):
        assert await robots.find("robot:ci")
        assert await robots.find("robot:none") is None
    assert shelf.asked == 2
    await remove_robot(shelf.catalog, "ci")
    clock.pass_by(LIFETIME)
    assert await robots.find("robot:ci") is None
    assert not robots.allows("robot:ci", "team/a", "pull")


async def test_one_that_has_expired_is_not_there(shelf, robots: Robots, clock) -> None:
    await create_robot(shelf.catalog, replace(NEW, expires=clock() + 2), clock())
    assert await robots.find("robot:ci")
    clock.pass_by(2)
    assert await robots.find("robot:ci") is None
    assert not robots.allows("robot:ci", "team/a", "pull")


async def test_memory_is_bounded(robots: Robots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.registry.server.access.robots._MOST_KNOWN", 10)
    for number in range(20):
        await robots.find(f"robot:{number}")
    assert len(robots._rows) == 10
