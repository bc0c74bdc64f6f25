"""Engines behind ssh: the system's own `ssh` runs a program there that joins us to its socket.

`ssh://[user@]host[:port][/path/of/the.sock]`, read and run as docker's client does: no password in
the address, no terminal for ssh (keys and agents, no questions), each connection a process of its
own, in a session of its own, as an interrupt at the terminal is for us. With `ControlMaster` in
~/.ssh/config the second and all others cost next to nothing.

What runs there is `wherry system dial-stdio`, or docker's if there is no wherry; WHERRY_SSH_COMMAND
names another command, word for word. What ssh says on its standard error is shown when the
connection has failed, and only then.
"""

from __future__ import annotations

import os
import socket

from wherry.client.address import Address
from wherry.client.errors import AddressError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

CONNECT_SECONDS = 30
EXIT_SECONDS = 10.0
COMMAND = "WHERRY_SSH_COMMAND"
_MOST_WORDS = 4096
_NOT_FOUND = 127
# Quoted for the user's own shell there, whichever that is; the rest is for sh.
_EITHER = 'if command -v wherry >/dev/null 2>&1; then exec wherry "$@"; else exec docker "$@"; fi'


class SshAddress(Address):
    """A machine that ssh reaches; `path` is that of the socket there, empty for its default."""

    __slots__ = ("_process", "_words", "user")

    def __init__(self, text: str, user: str, host: str, port: int, path: str) -> None:
        super().__init__(text, path, host, port)
        self.user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._words = -1

    def _open(self) -> socket.socket:
        import subprocess  # noqa: PLC0415 - 5 ms

        ours, theirs = socket.socketpair()
        words = os.memfd_create("ssh-errors")
        try:
            self._process = subprocess.Popen(
                self.command(os.environ.get(COMMAND, "")),
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=words,
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            ours.close()
            os.close(words)
            raise
        finally:
            theirs.close()
        if self._words >= 0:
            os.close(self._words)
        self._words = words
        return ours

    def command(self, remote: str = "") -> list[str]:
        """Return the words of the program that is run; `remote` is what is run there, if given."""
        words = ["ssh", "-o", f"ConnectTimeout={CONNECT_SECONDS}", "-T"]
        if self.user:
            words += ["-l", self.user]
        if self.port:
            words += ["-p", str(self.port)]
        return [*words, "--", self.host, remote or self._remote()]

    def _remote(self) -> str:
        socket_there = [f"--host=unix://{self.path}"] if self.path.strip("/") else []
        arguments = [*socket_there, "system", "dial-stdio"]
        return " ".join(["exec", "sh", "-c", quote(_EITHER), "sh", *map(quote, arguments)])

    def trouble(self) -> str:
        """Say how ssh ended and what it said."""
        if self._process is None:
            return ""
        import subprocess  # noqa: PLC0415 - loaded already

        try:
            status = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return ""
        if status == 0:
            return ""
        said = os.pread(self._words, _MOST_WORDS, 0).decode("utf-8", "replace").strip()
        command = " ".join(self._process.args) if isinstance(self._process.args, list) else "ssh"
        hint = "; is wherry or docker installed there?" if status == _NOT_FOUND else ""
        return f"command [{command}] has exited with exit status {status}{hint}: {said}"

    def _way_out(self, error: OSError) -> str:
        if isinstance(error, FileNotFoundError):
            return "the program ssh is needed: install openssh-client"
        return "name another with -H"


def quote(word: str) -> str:
    """Quote for a shell there: inside single quotes all of them agree."""
    return "'" + word.replace("'", "'\\''") + "'"


def parse(text: str) -> SshAddress:
    """Read `ssh://[user@]host[:port][/path]`; raises AddressError."""
    rest = text.removeprefix("ssh://")
    for mark, what in (("?", "query parameters are"), ("#", "fragments are")):
        if mark in rest:
            raise _invalid(text, f"{what} not allowed")
    place, slash, path = rest.partition("/")
    user, _, where = place.rpartition("@")
    if ":" in user:
        raise _invalid(text, "plain-text password is not supported: use a key")
    if where.startswith("["):
        host, _, tail = where[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = where.partition(":")
    if not host:
        raise _invalid(text, "no host specified")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise _invalid(text, f"{port!r} is not a port")
    return SshAddress(text, _decoded(user), host, int(port or 0), _decoded(slash + path))


def _decoded(text: str) -> str:
    from urllib.parse import unquote  # noqa: PLC0415 - for those who go far

    return unquote(text)


def _invalid(text: str, reason: str) -> AddressError:
    return AddressError(f"ssh host connection is not valid: {reason}: `{text}`")
