"""Finding routes, versions, and the words of refusal."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from wherry.api import routes, versions
from wherry.api.call import Call
from wherry.api.http.message import Reply
from wherry.api.status import PlainTextError, failure
from wherry.api.table import Route, Table, first_segment
from wherry.base import errors


async def nothing(_: Call) -> Reply:
    return Reply()


ROUTES = (
    Route("GET", "/images/json", nothing),
    Route("GET", "/images/{name:.*}/json", nothing),
    Route("DELETE", "/images/{name:.*}", nothing),
    Route("GET", "/containers/{name}/json", nothing),
)
TABLE = Table(lambda segment: [r for r in ROUTES if first_segment(r.pattern) == segment])


@pytest.mark.parametrize(
    ("method", "path", "pattern", "name"),
    [
        ("GET", "/images/json", "/images/json", None),
        ("GET", "/images/a/json", "/images/{name:.*}/json", "a"),
        ("GET", "/images/host:5000/a/b:c/json", "/images/{name:.*}/json", "host:5000/a/b:c"),
        ("DELETE", "/images/a/b", "/images/{name:.*}", "a/b"),
        ("GET", "/containers/x/json", "/containers/{name}/json", "x"),
    ],
)
def test_paths_find_their_routes(method: str, path: str, pattern: str, name: str | None) -> None:
    found = TABLE.find(method, path)
    assert found is not None
    assert found[0].pattern == pattern
    assert found[1].get("name") == name


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", ""), ("POST", "/images/json"), ("GET", "/containers/a/b/json")],
)
def test_other_paths_find_none(method: str, path: str) -> None:
    assert TABLE.find(method, path) is None


def test_every_file_of_routes_is_found_by_the_paths_of_its_routes() -> None:
    names = {module.name for module in pkgutil.iter_modules(routes.__path__)}
    assert names == {name for files in routes.FILES.values() for name in files}
    for name in sorted(names):
        for route in import_module(f"{routes.__name__}.{name}").ROUTES:
            assert route in list(routes.routes_below(first_segment(route.pattern)))


def test_nothing_is_kept_of_paths_that_are_not_there() -> None:
    table = Table(lambda _: ())
    assert [table.find("GET", f"/{number}/x") for number in range(3)] == [None] * 3
    assert table._known == {}


def test_versions() -> None:
    assert versions.split("/v1.41/info") == ((1, 41), "/info")
    assert versions.split("/info") == (versions.NEWEST, "/info")
    assert versions.split("/v1.41") == (versions.NEWEST, "/v1.41")
    with pytest.raises(errors.InvalidError, match=r"^client version 1\.99 is too new\. Maximum "):
        versions.split("/v1.99/info")
    with pytest.raises(PlainTextError, match=r"^client version 1\.10 is too old\. Minimum "):
        versions.split("/v1.10/info")


class MissingError(errors.NotFoundError):
    """An error as the engine has them."""


def test_errors_have_dockers_shape() -> None:
    assert failure(MissingError("No such container: <x>")) == Reply(
        404, b'{"message":"No such container: <x>"}\n', "application/json"
    )
    assert failure(errors.NotModifiedError("same")) == Reply(304)
    assert failure(PlainTextError("old")) == Reply(400, b"old\n", "text/plain; charset=utf-8")
    assert failure(KeyError("x")).status == 500
    assert failure(OSError(28, "No space left on device")).status == 500
