from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.registry.server.pages import routes
from wherry.registry.server.pages.routes import Page, Target

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", Target(Page.REPOSITORIES)),
        ("/login", Target(Page.LOGIN)),
        ("/logout", Target(Page.LOGOUT)),
        ("/delete", Target(Page.DELETE)),
        ("/r/app", Target(Page.REPOSITORY, "app")),
        ("/r/team/app/", Target(Page.REPOSITORY, "team/app")),
        ("/r/team/app/tags/1.0", Target(Page.IMAGE, "team/app", "1.0")),
        (f"/r/team/app/@{DIGEST}", Target(Page.IMAGE, "team/app", DIGEST)),
        (f"/r/team/app/@{DIGEST}/raw", Target(Page.RAW, "team/app", DIGEST)),
        # A repository may be called like the page of a tag.
        ("/r/a/tags/b", Target(Page.IMAGE, "a", "b")),
        ("/r/a/tags/b/", Target(Page.REPOSITORY, "a/tags/b")),
        ("/r/a/tags/b/tags/c", Target(Page.IMAGE, "a/tags/b", "c")),
        ("/r/tags/b", Target(Page.REPOSITORY, "tags/b")),
        (f"/r/a/tags/b/@{DIGEST}", Target(Page.IMAGE, "a/tags/b", DIGEST)),
        ("/static/123/pages.css", Target(Page.STATIC, reference="pages.css")),
        ("/robots.txt", Target(Page.STATIC, reference="robots.txt")),
    ],
)
def test_paths_are_read(path: str, target: Target) -> None:
    assert routes.read_path(path) == target


@pytest.mark.parametrize("path", ["/v2/", "/token", "/metrics", "/r", "/loginx", "//", "*", ""])
def test_other_paths_are_not_ours(path: str) -> None:
    assert routes.read_path(path) is None


@pytest.mark.parametrize("name", ["app", "team/app", "a/tags/b", "tags/tags/tags", "tags"])
def test_what_is_written_is_read_as_the_same(name: str) -> None:
    path = routes.repository_path(name)
    assert routes.read_path(path) == Target(Page.REPOSITORY, name)
    assert routes.read_path(routes.image_path(name, "1.0")) == Target(Page.IMAGE, name, "1.0")
    assert routes.read_path(routes.image_path(name, DIGEST)) == Target(Page.IMAGE, name, DIGEST)
    assert routes.read_path(routes.raw_path(name, DIGEST)) == Target(Page.RAW, name, DIGEST)


@pytest.mark.parametrize(
    "path",
    ["/r/..", "/r/A", "/r//", "/r/a b", "/r/a/tags/..", "/r/a/@sha256:1", "/r/a/@1.0:2", "/r/é"],
)
def test_names_that_nothing_can_have_are_refused(path: str) -> None:
    target = routes.read_path(path)
    assert target is not None
    with pytest.raises(InvalidError):
        routes.check_target(target)


@pytest.mark.parametrize("path", ["/", "/?q=a", "/r/team/app", "/delete?repository=a&reference=b"])
def test_a_login_leads_back(path: str) -> None:
    assert routes.safe_return(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "/login",
        "/logout",
        "/r/a\r\nSet-Cookie: a=b",
        "/r/\u202e",
        "javascript:alert(1)",
        "/r/a\\b",
    ],
)
def test_a_login_leads_nowhere_else(path: str) -> None:
    assert routes.safe_return(path) == "/"


def test_the_way_to_the_login_says_where_from() -> None:
    assert routes.login_path("/") == "/login"
    assert routes.login_path("/r/a?tag=1") == "/login?next=%2Fr%2Fa%3Ftag%3D1"
    assert routes.login_path("//evil.example") == "/login?next=%2F"
    assert routes.delete_path("a/b", DIGEST).startswith("/delete?repository=a%2Fb&reference=sha256")
