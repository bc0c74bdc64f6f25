"""What a plan consists of: every variable is put in, every path is absolute, nothing has been done.

An action that changes files becomes a layer; one that does not (`Note`) changes the configuration
only. Where something comes from is a `Source`.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.base.values import dataclass
from wherry.build.dockerfile.instructions import Place
from wherry.oci.image import ImageRunConfig

MAIN_CONTEXT = "main"
# Where a heredoc that names its interpreter is mounted.
SCRIPTS = "/dev/pipes"


@dataclass(frozen=True, slots=True)
class FromContext:
    """A context that the client sends or that is fetched for it; `main` is that of the build."""

    name: str = MAIN_CONTEXT


@dataclass(frozen=True, slots=True)
class FromStage:
    """The file system of another stage, as it is at its end."""

    index: int


@dataclass(frozen=True, slots=True)
class FromImage:
    """The file system of an image."""

    reference: str


@dataclass(frozen=True, slots=True)
class FromScratch:
    """Nothing."""


Origin = FromContext | FromStage | FromImage | FromScratch


@dataclass(frozen=True, slots=True)
class Paths:
    """Files of a tree, by path or pattern."""

    origin: Origin
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inline:
    """A file whose content stands in the Dockerfile."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Remote:
    """What is fetched from an http(s) or git address."""

    address: str
    checksum: str = ""
    keep_git_dir: bool = False


Source = Paths | Inline | Remote


@dataclass(frozen=True, slots=True)
class Mount:
    """A `RUN --mount`. `source` is a path in the origin's tree; `mode` -1 where none was given."""

    kind: str  # bind, cache, tmpfs, secret, ssh
    target: str
    origin: Origin | None = None
    source: str = ""
    id: str = ""
    read_only: bool = False
    sharing: str = "shared"
    mode: int = -1
    uid: int = 0
    gid: int = 0
    size: int = 0
    required: bool = False
    variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Base. `number` counts the shown steps of the plan, `text` is the instruction as written.

    `created_by` is what the image's history says.
    """

    number: int
    place: Place
    text: str
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Action):
    """An instruction that changes no files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute(Action):
    """RUN."""

    arguments: tuple[str, ...]
    environment: tuple[str, ...]
    user: str
    working_directory: str
    network: str = ""
    insecure: bool = False
    script: Inline | None = None  # a file to put into SCRIPTS
    mounts: tuple[Mount, ...] = ()
    # Variables that change nothing in the result, so that they are not part of the cache's key.
    silent_environment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFiles(Action):
    """COPY and ADD. `directory` is set when the destination is one by its slash."""

    keyword: str
    sources: tuple[Source, ...]
    destination: str
    directory: bool
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    excludes: tuple[str, ...] = ()
    unpack: bool | None = False  # None: what is an archive is unpacked, if it is local


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeDirectory(Action):
    """WORKDIR."""

    path: str
    user: str


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage, evaluated. `start` is the action of its FROM; `config` is what it ends with."""

    index: int
    name: str
    base: Origin
    start: Note
    actions: tuple[Action, ...]
    config: ImageRunConfig
    author: str = ""
    variables: Mapping[str, str] | None = None

    @property
    def shown(self) -> str:
        """What the stage is called: its name, or its number."""
        return self.name or f"stage-{self.index}"
