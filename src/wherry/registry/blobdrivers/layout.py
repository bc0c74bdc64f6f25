"""Where objects lie, in a directory or in a bucket; the only module that makes their names.

    <root>/
    └── objects/
        └── <first two digits of the key>/    made when first needed, never removed
            └── <key>

A bucket has the same names below the prefix of the settings. A key that is not 32 hexadecimal
digits never becomes a name, so nothing outside can be reached.
"""

from __future__ import annotations

import contextlib
import os
import re

from wherry.base.atomic import sync_directory
from wherry.base.errors import InternalError
from wherry.linux.inodeflags import spread_children
from wherry.registry.blobdrivers.driver import Key

OBJECTS = "objects"
_KEY = re.compile(r"[0-9a-f]{32}")
_FOLDERS = frozenset(f"{number:02x}" for number in range(256))


class InvalidKeyError(InternalError):
    """Not a key that `new_key` made."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key[:64]!r} is not the key of an object")


def is_key(text: str) -> bool:
    """Tell whether a name that was found can be a key."""
    return _KEY.fullmatch(text) is not None


def relative(key: Key) -> str:
    """Return an object's name below the root or the bucket's prefix; raises InvalidKeyError."""
    if not is_key(key):
        raise InvalidKeyError(key)
    return f"{OBJECTS}/{key[:2]}/{key}"


class Tree:
    """The paths below one directory."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        self.objects = f"{self.root}/{OBJECTS}"

    def folder(self, key: Key) -> str:
        """Return the directory of an object."""
        return os.path.dirname(self.path(key))

    def path(self, key: Key) -> str:
        """Return the file of an object; raises InvalidKeyError."""
        return f"{self.root}/{relative(key)}"

    def folders(self) -> list[str]:
        """Return the directories that have objects; raises OSError."""
        return [f"{self.objects}/{name}" for name in os.listdir(self.objects) if name in _FOLDERS]

    def make(self, *, sync: bool) -> None:
        """Make what is missing above the folders of objects, for the owner only."""
        os.makedirs(self.root, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.objects, 0o700)
            spread_children(self.objects)
            if sync:
                sync_directory(self.root)

    def make_folder(self, key: Key, *, sync: bool) -> None:
        """Make the folder of an object, unless somebody else just has; it then stays for ever."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.folder(key), 0o700)
        if sync:
            sync_directory(self.objects)
