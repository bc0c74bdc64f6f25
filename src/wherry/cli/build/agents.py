"""`--ssh`: the user's ssh agent, or key files, for `RUN --mount=type=ssh`.

Keys never leave this machine: for key files an `ssh-agent` of our own is started, which asks for a
passphrase where there is one, and ends with the build.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping

from wherry.cli.errors import CommandError, UsageError
from wherry.client.build import RefusedError

DEFAULT = "default"
_VARIABLE = "SSH_AUTH_SOCK"
_OPENSSH = "install OpenSSH's client, or start an agent yourself and use --ssh default"


def parse(texts: Iterable[str], own: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what is behind each id: the socket of an agent alone, or key files."""
    found = {}
    for text in texts:
        identity, _, rest = text.partition("=")
        paths = [os.path.expanduser(path) for path in rest.split(",") if path]
        if not paths:
            paths = [own.get(_VARIABLE, "")]
            if not paths[0]:
                raise UsageError(
                    f"invalid empty ssh agent socket: make sure {_VARIABLE} is set, or name key "
                    f"files: --ssh {identity or DEFAULT}=~/.ssh/id_ed25519"
                )
        for path in paths:
            if not os.path.exists(path):
                raise UsageError(
                    f"failed to open ssh key or agent {path}: no such file or directory"
                )
        if len(paths) > 1 and any(map(_is_socket, paths)):
            raise UsageError("only single socket allowed: give key files, or one agent")
        found[identity or DEFAULT] = paths
    return found


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except FileNotFoundError:
        return False  # ssh-add says it better


@contextlib.contextmanager
def ready(wanted: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    """Provide agents by id, as paths of sockets, and end those that were started."""
    with contextlib.ExitStack() as running:
        yield {
            identity: paths[0] if _is_socket(paths[0]) else running.enter_context(_started(paths))
            for identity, paths in wanted.items()
        }


@contextlib.contextmanager
def _started(keys: list[str]) -> Iterator[str]:
    import subprocess  # noqa: PLC0415 - asked for rarely
    import tempfile  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="wherry-ssh-") as folder:
        path = os.path.join(folder, "agent.sock")
        try:
            agent = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE)
        except OSError as error:
            raise CommandError(f"cannot start ssh-agent: {error.strerror}; {_OPENSSH}") from error
        with agent:
            try:
                assert agent.stdout is not None, "it is a pipe"
                agent.stdout.readline()  # says where it listens, once it does
                environment = {**os.environ, _VARIABLE: path}
                added = subprocess.run(["ssh-add", "-q", *keys], env=environment, check=False)
                if added.returncode:
                    raise CommandError(f"cannot use the ssh keys {', '.join(keys)}")
                yield path
            finally:
                agent.terminate()


def connect(agents: Mapping[str, str], identity: str) -> socket.socket:
    """Connect to an agent; raises RefusedError."""
    path = agents.get(identity or DEFAULT)
    if path is None:
        raise RefusedError(f"no ssh agent {identity}: build with --ssh {identity}")
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.connect(path)
    except OSError as error:
        connected.close()
        raise RefusedError(f"the ssh agent at {path} does not answer: {error.strerror}") from error
    return connected
