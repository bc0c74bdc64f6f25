"""The paths of the pages: read into what they ask for, and written.

    /                           repositories
    /r/<name>                   tags
    /r/<name>/tags/<tag>        an image
    /r/<name>/@<digest>         an image
    /r/<name>/@<digest>/raw     its manifest
    /delete?repository=...      asks whether to delete a tag or a manifest
    /login, /logout
    /static/<mark>/<file>       style, script and icon; the mark changes when any of them does
    /robots.txt, /favicon.ico

No name has an `@` in it, so digests are never mistaken. A name may end in `/tags/<something>`,
though: the page of such a repository has a slash at its end, without which it is that of a tag.
Pure: nothing is looked up here, and what is no name, tag or digest is told apart by whoever asks
the backend.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from urllib.parse import quote, urlencode

from wherry.base.values import dataclass
from wherry.oci.digest import parse_digest
from wherry.registry.server.backend import check_name, check_tag

HOME = "/"
LOGIN = "/login"
LOGOUT = "/logout"
DELETE = "/delete"
_REPOSITORY = "/r/"
_STATIC = "/static/"
_RAW = "/raw"
_RETURNS = re.compile(r"/(?:[?][!-\[\]-~]*|r/[!-\[\]-~]*|delete[?][!-\[\]-~]*)?", re.ASCII)


class Page(Enum):
    """Which page it is."""

    REPOSITORIES = auto()
    REPOSITORY = auto()
    IMAGE = auto()
    RAW = auto()
    DELETE = auto()
    LOGIN = auto()
    LOGOUT = auto()
    STATIC = auto()


@dataclass(frozen=True, slots=True)
class Target:
    """What a path asks for. `reference` is a tag or a digest, or the name of a static file."""

    page: Page
    name: str = ""
    reference: str = ""


_FIXED = {
    HOME: Target(Page.REPOSITORIES),
    LOGIN: Target(Page.LOGIN),
    LOGOUT: Target(Page.LOGOUT),
    DELETE: Target(Page.DELETE),
    "/robots.txt": Target(Page.STATIC, reference="robots.txt"),
    "/favicon.ico": Target(Page.STATIC, reference="icon.svg"),
}


def read_path(path: str) -> Target | None:
    """Return what a path asks for, None when it is not one of ours."""
    if target := _FIXED.get(path):
        return target
    if path.startswith(_STATIC):
        return Target(Page.STATIC, reference=path.rpartition("/")[2])
    if path.startswith(_REPOSITORY):
        return _read_repository(path.removeprefix(_REPOSITORY))
    return None


def _read_repository(rest: str) -> Target:
    name, at, digest = rest.partition("/@")
    if at:
        if digest.endswith(_RAW):
            return Target(Page.RAW, name, digest.removesuffix(_RAW))
        return Target(Page.IMAGE, name, digest)
    name, tags, tag = rest.rpartition("/tags/")
    if tags and tag and "/" not in tag:
        return Target(Page.IMAGE, name, tag)
    return Target(Page.REPOSITORY, rest.removesuffix("/"))


def check_reference(reference: str) -> str:
    """Return a tag or digest when it is one; raises TagNameError, InvalidDigestError."""
    return parse_digest(reference) if ":" in reference else check_tag(reference)


def check_target(target: Target) -> Target:
    """Return a target whose names can exist; raises RepositoryNameError, TagNameError,
    InvalidDigestError."""
    check_name(target.name)
    if target.page in (Page.IMAGE, Page.RAW):
        check_reference(target.reference)
    return target


def with_query(path: str, **query: str) -> str:
    """Return a path with those of the parameters that are not empty."""
    given = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def repository_path(name: str) -> str:
    """Return the path of a repository's page."""
    path = _REPOSITORY + quote(name)
    return path if _read_repository(name).page is Page.REPOSITORY else path + "/"


def image_path(name: str, reference: str) -> str:
    """Return the path of an image's page, by tag or digest."""
    if ":" in reference:
        return f"{_REPOSITORY}{quote(name)}/@{quote(reference, safe=':')}"
    return f"{_REPOSITORY}{quote(name)}/tags/{quote(reference)}"


def raw_path(name: str, digest: str) -> str:
    """Return the path of a manifest as it was pushed."""
    return image_path(name, digest) + _RAW


def delete_path(name: str, reference: str) -> str:
    """Return the path of the page that asks whether to delete a tag or a manifest."""
    return with_query(DELETE, repository=name, reference=reference)


def login_path(back: str = "") -> str:
    """Return the path of the login, which leads `back` afterwards."""
    return with_query(LOGIN, next=safe_return(back)) if back not in ("", HOME) else LOGIN


def safe_return(back: str) -> str:
    """Return a path to go back to when it is that of one of our pages, else the first page."""
    return back if _RETURNS.fullmatch(back) else HOME
