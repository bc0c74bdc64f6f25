"""Where certificates lie: one directory, which is its owner's alone, and files that never were not.

    <directory>/            0700; default /etc/wherry/tls
      ca.pem  ca-key.pem    the authority; whoever has its key can let anybody in
      server.pem  server-key.pem
      clients/<name>/       ca.pem, cert.pem, key.pem: what a client needs, by docker's names

Keys are 0600 from the moment they exist. Nothing that is there is overwritten unless it is asked
for.
"""

from __future__ import annotations

import os

from wherry.base.errors import ConflictError, InvalidError
from wherry.cli.contexts.store import write_private

AUTHORITY, AUTHORITY_KEY = "ca.pem", "ca-key.pem"
SERVER, SERVER_KEY = "server.pem", "server-key.pem"
ALL = (AUTHORITY, AUTHORITY_KEY, SERVER, SERVER_KEY)
CLIENTS = "clients"
CERTIFICATE, KEY = "cert.pem", "key.pem"


class AlreadyThereError(ConflictError):
    """Something is there already."""


class DirectoryError(InvalidError):
    """The directory cannot be used."""


class Directory:
    """The files below one directory."""

    def __init__(self, top: str) -> None:
        self.top = top

    def path(self, *names: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.top, *names)

    def client(self, name: str) -> str:
        """Return a client's directory; raises DirectoryError for what is no name."""
        if not name or name.startswith(".") or not name.isprintable() or "/" in name:
            raise DirectoryError(f"{name!r} is no name for a client")
        return self.path(CLIENTS, name)

    def refuse_existing(self, *paths: str) -> None:
        """Raise if any of the files is there."""
        if found := [path for path in paths if os.path.lexists(path)]:
            raise AlreadyThereError(f"{', '.join(found)}: there already; --force makes them anew")

    def make(self, path: str) -> None:
        """Make a directory, its parents with it, for its owner alone."""
        if os.path.isdir(path):
            return
        self.make(os.path.dirname(os.path.abspath(path)))
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            raise DirectoryError(f"{path}: {error.strerror}") from error

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Write a file whole; raises DirectoryError."""
        self.make(os.path.dirname(path))
        try:
            write_private(path, data, mode)
        except OSError as error:
            raise DirectoryError(f"{path}: {error.strerror}") from error

    def read(self, path: str, way_out: str) -> bytes:
        """Return a file; raises DirectoryError with the way out."""
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise DirectoryError(f"{path}: {error.strerror}: {way_out}") from error

    def certificates(self) -> list[str]:
        """Return the paths of all certificates, the authority's first."""
        found = [self.path(AUTHORITY), self.path(SERVER)]
        clients = self.path(CLIENTS)
        names = sorted(os.listdir(clients)) if os.path.isdir(clients) else []
        found += [self.path(CLIENTS, name, CERTIFICATE) for name in names]
        return [path for path in found if os.path.exists(path)]
