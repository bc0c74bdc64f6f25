"""Where the files and the Dockerfile of a build are: `PATH | URL | -`, and `--file`.

A Dockerfile that is here is read here and sent as text, so the engine can begin before it has the
context, and need not ask for one that no step uses. Which files the context leaves out is decided
here as well, by `<Dockerfile>.dockerignore` beside the Dockerfile, else by `.dockerignore`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import BinaryIO

from wherry.base.values import dataclass
from wherry.build.dockerfile.ignore import Matcher, ignore_files, parse_ignore
from wherry.cli.errors import CommandError, UsageError
from wherry.client.context import stdin

DEFAULT = "Dockerfile"
STDIN = "-"
LOCAL, NONE = "local", "none"
_REMOTE = ("http://", "https://", "git://", "ssh://", "git@", "github.com/")
_LIKELY = ("containerfile", "dockerfile")


@dataclass(frozen=True, slots=True)
class Source:
    """A build's files.

    `context` is "local", "none" or an address. A local context is a `directory`, or an archive on
    `stdin` that begins with `head`. `dockerfile` is the path in the context, or what the Dockerfile
    is called; `text` is what it says, if that is known here. `scope` names the build in the cache's
    memory. `ignore` are the patterns of what is left out, None where there is no such list.
    """

    context: str
    dockerfile: str
    text: str | None = None
    directory: str = ""
    stdin: BinaryIO | None = None
    head: bytes = b""
    scope: str = ""
    ignore: tuple[str, ...] | None = None


def find(where: str, dockerfile: str) -> Source:
    """Find the files; raises UsageError and CommandError in docker's words."""
    if where == STDIN:
        return _from_stdin(dockerfile)
    if os.path.isdir(where):
        return _from_directory(where, dockerfile)
    if where.startswith(_REMOTE):
        text = _stdin_text() if dockerfile == STDIN else None
        name = DEFAULT if dockerfile == STDIN else dockerfile
        return Source(where, name, text, scope=where)
    if os.path.exists(where):
        raise CommandError(
            f"unable to prepare context: {where!r} must be a directory; name a Dockerfile with -f"
        )
    raise CommandError(f'unable to prepare context: path "{where}" not found')


def find_directory(path: str, name: str) -> str:
    """Return the directory of a named context; raises CommandError."""
    if not os.path.isdir(path):
        reason = "not a directory" if os.path.exists(path) else "no such file or directory"
        raise CommandError(f"failed to get build context {name}: stat {path}: {reason}")
    return os.path.realpath(path)


def ignored_in(directory: str) -> tuple[str, ...] | None:
    """Return what a context says of itself that it leaves out."""
    return _patterns(os.path.join(directory, ignore_files("")[1]))


def _from_stdin(dockerfile: str) -> Source:
    if dockerfile == STDIN:
        raise UsageError("can't use stdin for both build context and dockerfile")
    file = _open_stdin()
    head = stdin.read_head(file)
    if not head:
        raise CommandError("failed to read context from stdin: it is empty")
    if stdin.is_archive(head):
        return Source(LOCAL, dockerfile or DEFAULT, stdin=file, head=head, scope=STDIN)
    if dockerfile:
        raise UsageError(
            "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles"
        )
    text = (head + _rest(file)).decode("utf-8", "replace")
    return Source(NONE, DEFAULT, text, scope=STDIN)


def _from_directory(where: str, dockerfile: str) -> Source:
    root = os.path.realpath(where)
    if dockerfile == STDIN:
        return Source(LOCAL, DEFAULT, _stdin_text(), root, scope=root, ignore=ignored_in(root))
    path = os.path.abspath(dockerfile) if dockerfile else _default(root)
    text = _read(path, root)
    beside, _ = ignore_files(path)
    own = _patterns(beside)
    return Source(
        context=LOCAL,
        dockerfile=_name(path, root),
        text=text,
        directory=root,
        scope=root,
        ignore=ignored_in(root) if own is None else own,
    )


def _default(root: str) -> str:
    """Return where the Dockerfile is if nobody says so; as docker does, `dockerfile` is one too."""
    path = os.path.join(root, DEFAULT)
    lower = os.path.join(root, DEFAULT.lower())
    return lower if not os.path.lexists(path) and os.path.lexists(lower) else path


def _name(path: str, root: str) -> str:
    """Return the path in the context, or the path as it is for a file elsewhere."""
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    inside = os.path.relpath(real, root)
    return path if inside.split("/")[0] == ".." else inside


def _read(path: str, root: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = _hint(root) if isinstance(error, FileNotFoundError) else ""
        raise CommandError(f"failed to read dockerfile: open {path}: {reason}{hint}") from error


def _hint(root: str) -> str:
    """Name what could be meant."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return ""
    likely = [name for name in names if name.lower().startswith(_LIKELY) and "ignore" not in name]
    if not likely:
        return f"; {root} has no Dockerfile, name one with -f"
    return f"; did you mean -f {os.path.join(root, likely[0])}?"


def _patterns(path: str) -> tuple[str, ...] | None:
    try:
        with open(path, "rb") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"error reading {path}: {reason}") from error
    patterns = tuple(parse_ignore(text))
    Matcher(patterns)  # says now what is wrong with it
    return patterns


def matcher(patterns: Sequence[str] | None) -> Matcher | None:
    """Return what tells which files are left out."""
    return Matcher(patterns) if patterns else None


def _open_stdin() -> BinaryIO:
    """Open standard input so that reading returns what there is."""
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)


def _rest(file: BinaryIO) -> bytes:
    return b"".join(iter(lambda: file.read(stdin.PIECE), b""))


def _stdin_text() -> str:
    return _rest(_open_stdin()).decode("utf-8", "replace")
