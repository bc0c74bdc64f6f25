"""Why a program cannot be packed; every message names the file and, if another needs it, that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from wherry.base.errors import InvalidError, NotFoundError


class NoSuchProgramError(NotFoundError):
    """A name or path is neither a file nor a program on the search path."""


class MissingLibraryError(NotFoundError):
    """A shared library, or a program's interpreter, is not on this machine."""

    def __init__(self, name: str, needed_by: str) -> None:
        super().__init__(f"{name}, which {needed_by} needs, is not on this machine")


class NotPackableError(InvalidError):
    """The file is there, but nothing that an image can run or hold."""


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Turn what the kernel says about `path` into an error for users."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoSuchProgramError(f"no such file: {path}") from error
    except OSError as error:
        raise NotPackableError(f"cannot read {path}: {error.strerror or error}") from error
