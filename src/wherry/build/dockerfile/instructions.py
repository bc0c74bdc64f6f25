"""Instructions as values, as they were written: no variable has been put in yet.

Texts that are expanded later are marked "expanded"; `wherry.build.dockerfile.words` does that. The
grammar is that of the published Dockerfile reference, frontend 1.x.
"""

from __future__ import annotations

from wherry.base.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of the file, counted from 1, both included (heredocs are part of it)."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A document in an instruction. `name` is its delimiter without quotes.

    `content` ends with a line feed unless it is empty; tabs are gone already where `<<-` asks for
    it. `expand` is False where the delimiter was quoted. `descriptor` is the number before `<<`.
    """

    name: str
    content: str
    expand: bool
    strip_tabs: bool = False
    descriptor: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: with `shell` one text for a shell, otherwise the words themselves."""

    words: tuple[str, ...]
    shell: bool

    @property
    def text(self) -> str:
        """The text for the shell."""
        return self.words[0] if self.words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """Base. `text` is the logical line as it was written, continued lines joined by one space."""

    place: Place
    text: str
    keyword: str  # in upper case


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg(Instruction):
    """ARG: names with default values (expanded); None where there is none."""

    values: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class From(Instruction):
    """FROM. `image` and `platform` are expanded with the ARGs before the first FROM."""

    image: str
    platform: str = ""
    alias: str = ""  # in lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class Env(Instruction):
    """ENV: pairs, values (and names) expanded. `legacy` for `ENV name value`."""

    pairs: tuple[tuple[str, str], ...]
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Instruction):
    """LABEL: pairs, expanded."""

    pairs: tuple[tuple[str, str], ...]
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintainer(Instruction):
    """MAINTAINER: the author of the image."""

    author: str


@dataclass(frozen=True, slots=True)
class MountFlag:
    """One `--mount` of RUN: key and value pairs as written, values expanded; `ro` alone is "true".

    Checked by the parser as far as that goes without variables.
    """

    pairs: tuple[tuple[str, str], ...]
    text: str

    def get(self, *names: str, default: str = "") -> str:
        """Return the last value of any of these keys."""
        found = [value for key, value in self.pairs if key in names]
        return found[-1] if found else default


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Instruction):
    """RUN. The shell expands its text, nobody else does.

    With heredocs, `command` has the text as written (`<<EOF` or `python3 <<EOF`, `cat <<a <<b`).
    """

    command: Command
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[MountFlag, ...] = ()
    network: str = ""  # default, none, host
    security: str = ""  # sandbox, insecure


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Instruction):
    """COPY: `sources` and `destination` expanded; a heredoc's source is its delimiter `<<NAME`."""

    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[Heredoc, ...] = ()
    source_stage: str = ""  # --from: a stage's name or number, an image, a named context
    chown: str = ""  # expanded
    chmod: str = ""  # expanded
    link: bool = False
    parents: bool = False
    excludes: tuple[str, ...] = ()  # expanded


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Instruction):
    """ADD: like COPY; sources may be URLs and git addresses, local archives are unpacked."""

    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[Heredoc, ...] = ()
    chown: str = ""
    chmod: str = ""
    link: bool = False
    excludes: tuple[str, ...] = ()
    checksum: str = ""  # expanded; sha256:...
    keep_git_dir: bool | None = None
    unpack: bool | None = None  # None: local archives yes, remote ones no


@dataclass(frozen=True, slots=True, kw_only=True)
class Cmd(Instruction):
    """CMD; not expanded."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrypoint(Instruction):
    """ENTRYPOINT; not expanded."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell(Instruction):
    """SHELL: the words before the text of a shell form."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck(Instruction):
    """HEALTHCHECK; `test` begins with NONE, CMD or CMD-SHELL. Durations in nanoseconds, 0 unset."""

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Onbuild(Instruction):
    """ONBUILD: the instruction for later builds, as text; it has been parsed once to check it."""

    trigger: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopsignal(Instruction):
    """STOPSIGNAL: expanded."""

    signal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class User(Instruction):
    """USER: expanded."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Instruction):
    """VOLUME: expanded."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workdir(Instruction):
    """WORKDIR: expanded."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expose(Instruction):
    """EXPOSE: each text is expanded into words, then read as a port, a range, with a protocol."""

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """What a check has found; `rule` is its published name, `url` explains it."""

    rule: str
    message: str
    place: Place
    description: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Directives:
    """Parser directives at the top of the file. `skip` holds names of checks, or "all"."""

    syntax: str = ""
    escape: str = "\\"
    skip: frozenset[str] = frozenset()
    check_fails: bool = False
    experimental: frozenset[str] = frozenset()  # names of experimental checks, or "all"


@dataclass(frozen=True, slots=True)
class Stage:
    """A FROM and what follows it. `name` is the alias in lower case, "" without one."""

    index: int
    start: From
    instructions: tuple[Instruction, ...]

    @property
    def name(self) -> str:
        """The alias, "" without one."""
        return self.start.alias


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A parsed file. `name` is what errors call it, `lines` are those of the text."""

    name: str
    lines: tuple[str, ...]
    directives: Directives
    arguments: tuple[Arg, ...]  # before the first FROM
    stages: tuple[Stage, ...]
    # Comments just above stages and ARGs, by the name of the stage or argument: descriptions.
    comments: dict[str, str] = field(default_factory=dict)
