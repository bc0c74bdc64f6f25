"""Who asks, what they may do, and what a stranger can learn."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wherry.base.errors import WherryError
from wherry.registry.auth.challenge import parse_challenges
from wherry.registry.protocol import read_failure
from wherry.registry.server.access.access_guard import AccessGuard, challenge, service_of
from wherry.registry.server.access.credentials import Password
from wherry.registry.server.access.guard import (
    AuthenticationRequiredError,
    Caller,
    DeniedError,
    Guard,
    Peer,
    TooManyRequestsError,
)
from wherry.registry.server.access.robots import LIFETIME, NewRobot, create_robot, remove_robot
from wherry.registry.server.access.scopes import CATALOG, Scope, read_scopes
from wherry.registry.server.access.tokens import Subject
from wherry.registry.server.settings import Access, Rates

REALM = 'realm="https://registry.test:5000/token",service="registry.test:5000"'
ANYBODY = Caller(address="192.0.2.1")


async def token_for(place, name: str, *scopes: str) -> str:
    """Return the header of a token as the token service gives it."""
    subject = await place.guard.subject(name)
    grants = place.guard.grant(name, read_scopes(scopes))
    service = service_of(place.peer())
    return "Bearer " + place.guard.tokens.issue(subject, service, grants)


async def robot_for(place, name: str, **scopes: tuple[str, ...]) -> str:
    """Make a robot and return its header."""
    new = NewRobot(name, {pattern.replace("_", "/"): acts for pattern, acts in scopes.items()})
    secret = await create_robot(place.shelf.catalog, new, place.clock())
    return place.basic(f"robot:{name}", secret)


def refusal(guard: Guard, peer: Peer, caller: Caller, name: str, *actions) -> WherryError | None:
    try:
        guard.require(peer, caller, name, *actions)
    except WherryError as error:
        return error
    return None


# who asks


async def test_nobody_in_particular(place) -> None:
    assert await place.caller() == ANYBODY


async def test_accounts_and_robots_by_basic(place) -> None:
    assert await place.caller(place.basic("ann")) == Caller("ann", "192.0.2.1")
    robot = await robot_for(place, "ci", team=("pull",))
    assert await place.caller(robot) == Caller("robot:ci", "192.0.2.1")


async def test_a_token(place) -> None:
    header = await token_for(place, "ann", "repository:team/a:pull,push")
    caller = await place.caller(header)
    assert caller == Caller("ann", "192.0.2.1", {"team/a": frozenset({"pull", "push"})})
    anonymous = await token_for(place, "", "repository:public/a:pull,push")
    caller = await place.caller(anonymous)
    assert caller == Caller("", "192.0.2.1", {"public/a": frozenset({"pull"})})


async def wrong(place, header: str) -> AuthenticationRequiredError:
    with pytest.raises(AuthenticationRequiredError) as caught:
        await place.caller(header)
    return caught.value


async def test_a_name_that_is_not_there_is_answered_as_a_wrong_password(place) -> None:
    secret = "wry_" + "x" * 43
    errors = [
        await wrong(place, place.basic(*given))
        for given in [
            ("ann", "wrong"),
            ("eve", "wrong"),
            ("robot:none", secret),
            ("robot", "none"),
            ("", ""),
        ]
    ]
    assert {(str(error), error.challenges) for error in errors} == {
        (
            "incorrect username or password",
            (f"Bearer {REALM}", 'Basic realm="wherry registry",charset="UTF-8"'),
        )
    }


async def test_what_cannot_be_read_is_refused(place) -> None:
    for header in ("Digest x", "Basic ???", "x"):
        error = await wrong(place, header)
        assert error.challenges[0] == f"Bearer {REALM}"


async def test_a_token_of_others(place) -> None:
    error = await wrong(place, "Bearer abc")
    assert error.challenges == (f'Bearer {REALM},error="invalid_token"',)


async def test_a_token_for_another_host(place) -> None:
    header = await token_for(place, "ann")
    peer = replace(place.peer(header), base_url="https://other.test")
    with pytest.raises(AuthenticationRequiredError):
        await place.guard.identify(peer)


async def test_tokens_end_with_the_account_and_with_its_password(place) -> None:
    from_before = {name: await token_for(place, name) for name in ("ann", "bob")}
    lines = place.file.read_text().splitlines()
    bob = next(line for line in lines if line.startswith("bob:"))
    place.file.write_text(bob.replace("bob:", "ann:"))
    await place.guard.reload()
    for header in from_before.values():
        assert "invalid_token" in (await wrong(place, header)).challenges[0]
    assert await place.caller(await token_for(place, "ann"))


async def test_a_robot_that_is_removed_or_made_anew_loses_everything(place) -> None:
    header = await robot_for(place, "ci", team_a=("pull",))
    await place.caller(header)
    token = await token_for(place, "robot:ci", "repository:team/a:pull")
    assert (await place.caller(token)).grants == {"team/a": {"pull"}}
    await remove_robot(place.shelf.catalog, "ci")
    place.clock.pass_by(LIFETIME)
    await wrong(place, header)
    await wrong(place, token)
    await robot_for(place, "ci", team_a=("pull",))
    place.clock.pass_by(LIFETIME)
    await wrong(place, header)
    await wrong(place, token)


async def test_failed_logins_wait_and_so_does_the_right_password(build) -> None:
    place = build(Access(htpasswd="x", rates=Rates(logins=2)))
    for _ in range(2):
        await wrong(place, place.basic("ann", "wrong"))
    for password in ("wrong", None):
        with pytest.raises(TooManyRequestsError) as caught:
            await place.caller(place.basic("ann", password))
        assert caught.value.retry_after == 1
    assert await place.guard.identify(place.peer(place.basic("ann"), address="192.0.2.2"))
    place.clock.pass_by(1)
    assert await place.caller(place.basic("ann"))
    await wrong(place, place.basic("ann", "wrong"))


async def test_robots_and_unknown_names_wait_alike(build) -> None:
    place = build(Access(htpasswd="x", rates=Rates(logins=2)))
    for name, password in (("eve", "x"), ("robot:none", "wry_" + "x" * 43)):
        for _ in range(2):
            await wrong(place, place.basic(name, password))
        with pytest.raises(TooManyRequestsError):
            await place.caller(place.basic(name, password))


async def test_a_hundred_guesses_at_once_are_no_more_than_one_after_the_other(build) -> None:
    place = build(Access(htpasswd="x", rates=Rates(logins=5)))
    guesses = (place.caller(place.basic("ann", str(number))) for number in range(100))
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(one, AuthenticationRequiredError) for one in results) == 5
    assert sum(isinstance(one, TooManyRequestsError) for one in results) == 95


async def test_a_hundred_right_ones_at_once_are_all_let_in(build) -> None:
    place = build(Access(htpasswd="x", rates=Rates(logins=5)))
    robot = await robot_for(place, "ci", team=("pull",))
    tries = [place.caller(header) for header in [place.basic("ann"), robot] * 50]
    assert len({one.name for one in await asyncio.gather(*tries)}) == 2
    await wrong(place, place.basic("ann", "wrong"))


# what they may do


@pytest.mark.parametrize(
    ("name", "repository", "actions", "passes"),
    [
        ("", "public/a", ("pull",), True),
        ("", "public/a", ("pull", "push"), False),
        ("", "team/a", ("pull",), False),
        ("ann", "team/a", ("pull", "push", "delete"), True),
        ("bob", "team/a", ("pull",), True),
        ("bob", "team/a", ("push",), False),
        ("bob", "nowhere", ("pull",), False),
        ("root", "nowhere", ("pull", "delete"), True),
        ("root", "nowhere", ("push",), False),
    ],
)
async def test_rules_decide(place, name: str, repository: str, actions, passes: bool) -> None:
    caller = await place.caller(place.basic(name) if name else "")
    assert (refusal(place.guard, place.peer(), caller, repository, *actions) is None) is passes
    assert all(place.guard.may(caller, repository, one) for one in actions) is passes


async def test_a_robot_may_what_its_scopes_say_and_what_anyone_may(place) -> None:
    caller = await place.caller(await robot_for(place, "ci", **{"own/*": ("push",)}))
    assert place.guard.may(caller, "own/a", "push")
    assert place.guard.may(caller, "own/a", "pull")
    assert not place.guard.may(caller, "own/a", "delete")
    assert place.guard.may(caller, "public/a", "pull")
    assert not place.guard.may(caller, "team/a", "pull")


async def test_a_token_is_worth_what_it_was_given_and_no_more_than_its_account(place) -> None:
    guard = place.guard
    caller = await place.caller(await token_for(place, "ann", "repository:team/a:push"))
    assert guard.may(caller, "team/a", "push")
    assert guard.may(caller, "team/a", "pull")  # push implies pull
    assert not guard.may(caller, "team/a", "delete")
    assert not guard.may(caller, "team/b", "pull")
    assert not guard.may(caller, "public/a", "pull")
    stronger = Caller("bob", "", {"team/a": frozenset({"pull", "push"})})
    assert not guard.may(stronger, "team/a", "push")


async def test_a_token_for_the_catalog_sees_what_its_account_could_pull(place) -> None:
    guard = place.guard
    caller = await place.caller(await token_for(place, "ann", "registry:catalog:*"))
    assert guard.may(caller, "team/a", "pull")
    assert not guard.may(caller, "nowhere", "pull")
    assert not guard.may(caller, "team/a", "push")
    assert refusal(guard, place.peer(), caller, "team/a", "pull") is not None
    stranger = await place.caller(await token_for(place, "", "registry:catalog:*"))
    assert guard.may(stranger, "public/a", "pull")
    assert not guard.may(stranger, "team/a", "pull")


def test_grants_are_what_is_asked_for_and_allowed(place) -> None:
    asked = [
        Scope("team/a", ("pull", "push", "delete", "conquer")),
        Scope("public/a", ("*",)),
        Scope("nowhere", ("pull",)),
        Scope(CATALOG, ("*",)),
    ]
    assert place.guard.grant("ann", asked) == {
        "team/a": ("pull", "push", "delete"),
        "public/a": ("pull", "push"),
        CATALOG: ("*",),
    }
    assert place.guard.grant("", asked) == {"public/a": ("pull",), CATALOG: ("*",)}
    assert place.guard.grant("ann", [Scope(CATALOG, ("pull",))]) == {}


async def test_lists_of_settings(place) -> None:
    ann = await place.caller(place.basic("ann"))
    token = await place.caller(await token_for(place, "ann"))
    guard = place.guard
    assert guard.in_list(ann, ("ann",))
    assert guard.in_list(ann, ("accounts",))
    assert not guard.in_list(ann, ("bob",))
    assert not guard.in_list(ANYBODY, ("accounts",))
    assert not guard.in_list(token, ("ann", "accounts"))  # it is for repositories
    assert all(guard.in_list(one, ("anyone",)) for one in (ann, token, ANYBODY))


async def test_the_base_route_asks_for_a_login(place) -> None:
    with pytest.raises(AuthenticationRequiredError) as caught:
        place.guard.require_login(place.peer(), ANYBODY)
    assert caught.value.challenges == (f"Bearer {REALM}",)
    for header in (place.basic("ann"), await token_for(place, "ann"), await token_for(place, "")):
        place.guard.require_login(place.peer(), await place.caller(header))


async def test_sessions_can_be_bound_to_a_password(place) -> None:
    subject = await place.guard.subject("ann")
    await place.guard.check(subject)
    assert await place.guard.subject("eve") is None
    assert await place.guard.subject("robot:none") is None
    with pytest.raises(WherryError, match="removed"):
        await place.guard.check(Subject("ann", "other"))


# how they are told


async def test_without_credentials_the_scope_that_is_missing(place) -> None:
    for actions, scope in [
        (("pull",), "pull"),
        (("push",), "pull,push"),
        (("pull", "push"), "pull,push"),
        (("delete",), "delete"),
    ]:
        error = refusal(place.guard, place.peer(), ANYBODY, "team/a", *actions)
        assert isinstance(error, AuthenticationRequiredError)
        assert error.challenges == (f'Bearer {REALM},scope="repository:team/a:{scope}"',)


async def test_before_a_push_the_scope_that_it_will_need(place) -> None:
    """A client that keeps its first token to the end can push with it."""
    peer = replace(place.peer(), probe=True)
    error = refusal(place.guard, peer, ANYBODY, "team/a", "pull")
    assert isinstance(error, AuthenticationRequiredError)
    assert error.challenges == (f'Bearer {REALM},scope="repository:team/a:pull,push"',)


async def test_with_a_token_clients_read_denied(place) -> None:
    for name in ("", "bob"):
        caller = await place.caller(await token_for(place, name, "repository:team/a:pull,push"))
        error = refusal(place.guard, place.peer(), caller, "team/a", "push")
        assert isinstance(error, AuthenticationRequiredError)
        [value] = error.challenges
        scope = 'scope="repository:team/a:pull,push",error="insufficient_scope"'
        assert value == f"Bearer {REALM},{scope}"
        bearer = parse_challenges([value])[0].parameters
        words = read_failure(401, "application/json", b"", bearer).words
        assert words == "denied: requested access to the resource is denied"


async def test_with_a_password_403(place) -> None:
    caller = await place.caller(place.basic("bob"))
    error = refusal(place.guard, place.peer(), caller, "team/a", "push")
    assert isinstance(error, DeniedError)


async def test_private_and_unknown_are_told_in_the_same_words(place) -> None:
    """Nothing in the guard knows which repositories there are, so nothing but the name differs."""
    scopes = ("repository:known/a:*", "repository:never/a:*")
    tokens = [await token_for(place, name, *scopes) for name in ("", "bob", "root")]
    headers = ["", place.basic("bob"), place.basic("root"), *tokens]
    for header in headers:
        caller = await place.caller(header)
        for actions in (("pull",), ("pull", "push"), ("delete",)):
            told = []
            for name in ("known/a", "never/a"):
                error = refusal(place.guard, place.peer(), caller, name, *actions)
                challenges = getattr(error, "challenges", ())
                said = f"{type(error)} {error} {challenges}".encode()
                told.append(said.replace(name.encode(), b"NAME"))
            assert told[0] == told[1]


async def test_a_host_with_quotes_cannot_break_out_of_a_challenge(place) -> None:
    peer = replace(place.peer(), base_url='https://a",error="x\\')
    parameters = parse_challenges([challenge(peer)])[0].parameters
    assert set(parameters) == {"realm", "service"}
    assert parameters["realm"] == 'https://a",error="x\\/token'


async def test_logging_in_with_a_form_is_the_same(place) -> None:
    guard: AccessGuard = place.guard
    caller = await guard.log_in(place.peer(), Password("ann", "ann's secret"))
    assert caller == Caller("ann", "192.0.2.1")
    with pytest.raises(AuthenticationRequiredError):
        await guard.log_in(place.peer(), Password("ann", "wrong"))
