"""What a case of the corpus consists of: values only.

A case is a Dockerfile with a context, what has to come of it, and who else can tell. Expectations
are partial: what a case does not name is left to the judges, who are other builders given the same
input. Where a judge is known to give another result, the case says which part and why (`Differs`);
that difference is then demanded, so that a reason which no longer holds is noticed.
"""

from __future__ import annotations

import enum
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

# Long ago, so that a time taken from the context is told from one of the build.
CONTEXT_TIME = 1_000_000_000


class Judge(enum.StrEnum):
    """Another builder that knows what a case asks for."""

    CLASSIC = "dockerd"  # Debian's dockerd 20.10, the builder before BuildKit
    BUILDAH = "buildah"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the context; as an expectation see `Like`."""

    content: str | bytes = ""
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)
    mtime: int = CONTEXT_TIME
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory of the context that has to be said: an empty one, or one with a mode."""

    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)
    mtime: int = CONTEXT_TIME


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link of the context."""

    target: str


@dataclass(frozen=True, slots=True)
class Hard:
    """Another name, in the context, of a file that is listed before."""

    target: str


Given = str | File | Folder | Link | Hard


@dataclass(frozen=True, slots=True)
class Like:
    """What an entry of the image has to be like; None is not looked at.

    `same` is a path that names the same file. `mtime` in seconds.
    """

    kind: str | None = None
    content: str | bytes | None = None
    mode: int | None = None
    owner: tuple[int, int] | None = None
    target: str | None = None
    same: str | None = None
    mtime: int | None = None
    xattrs: Mapping[str, bytes] | None = None


Wanted = str | Like | None  # a content, more than that, or that it is not there


def a_file(content: str | bytes | None = None, **more: object) -> Like:
    """Return what a regular file is like."""
    return Like("file", content, **more)  # type: ignore[arg-type]


def a_folder(mode: int | None = None, owner: tuple[int, int] | None = None) -> Like:
    """Return what a directory is like."""
    return Like("directory", mode=mode, owner=owner)


def a_link(target: str) -> Like:
    """Return what a symbolic link is like."""
    return Like("link", target=target)


@dataclass(frozen=True, slots=True)
class Differs:
    """A judge's other result: in these parts, for this reason.

    A part is a path of the image, a key of its configuration, or `build` when it does not build
    there (or only there). `*` stands for any text.
    """

    judge: Judge
    parts: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """See the module. `name` says what is tried; `bases` are names in `bases.BASES`.

    `dockerfile` is indented in the source as the code around it. `file` is where it lies in the
    context. `flags` are further words for the client. `fails_there` are dockerd's words for the
    same failure, where they are others. `own_client` is set for what the classic protocol has no
    words for, so that only the engine's own client can ask for it; `also_own_client` for what the
    client itself takes part in.
    """

    name: str
    dockerfile: str
    context: Mapping[str, Given] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    file: str = "Dockerfile"
    target: str = ""
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)
    tree: Mapping[str, Wanted] = field(default_factory=dict)
    prints: tuple[str, ...] = ()
    fails: str = ""
    fails_there: str = ""
    judges: tuple[Judge, ...] = (Judge.CLASSIC,)
    differs: tuple[Differs, ...] = ()
    own_client: bool = False
    also_own_client: bool = False

    @property
    def text(self) -> str:
        """The Dockerfile as it is written to the context."""
        return textwrap.dedent(self.dockerfile.removeprefix("\n"))

    def known_to_differ(self, judge: Judge) -> tuple[Differs, ...]:
        """Return what this judge is known to see otherwise."""
        return tuple(one for one in self.differs if one.judge is judge)


# What an image has where its base has none.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

CLASSIC, BUILDAH = Judge.CLASSIC, Judge.BUILDAH
BY_CLASSIC = (CLASSIC,)
BY_BUILDAH = (BUILDAH,)
BY_NOBODY = ()


def classic_differs(reason: str, *parts: str) -> tuple[Differs, ...]:
    """Return that dockerd's classic builder gives these parts otherwise."""
    return (Differs(CLASSIC, parts, reason),)


def buildah_differs(reason: str, *parts: str) -> tuple[Differs, ...]:
    """Return that buildah gives these parts otherwise."""
    return (Differs(BUILDAH, parts, reason),)
