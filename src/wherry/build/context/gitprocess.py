"""The machine's `git` program, run so that nothing of the machine's shows and nothing asks.

No configuration of the system or of a user is read, no hook runs, no prompt appears, no credential
helper is asked; the environment is made anew. Only the protocols that addresses may name are
allowed, and `file` only for a repository that was named so, never for its submodules.

git starts programs of its own (ssh, remote helpers), which would outlive it: each run is a process
group, and when the time is over or the caller is cancelled, all of it is killed.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence

from wherry.base.errors import DeadlineError, UnavailableError, UnsupportedError
from wherry.base.values import dataclass, field

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_CONFIGURATION = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.autocrlf", "false"),
    ("credential.helper", ""),
    ("advice.detachedHead", "false"),
    ("init.defaultBranch", "master"),
    ("init.templateDir", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("protocol.allow", "never"),
    ("protocol.http.allow", "always"),
    ("protocol.https.allow", "always"),
    ("protocol.ssh.allow", "always"),
    ("protocol.git.allow", "always"),
)
_MOST_WORDS = 8 << 10  # of what git says about a failure
_CHUNK = 64 << 10
_DEPTH = "--depth=1"


class GitMissingError(UnsupportedError):
    """There is no git."""

    def __init__(self) -> None:
        super().__init__(
            "git is not installed on this machine, and the build needs a git repository; install "
            "it (apt-get install git), or send a directory instead"
        )


class GitFailedError(UnavailableError):
    """Git ended with an error; `words` is what it said."""

    def __init__(self, what: str, words: str, code: int) -> None:
        self.words = words.strip()
        super().__init__(f"{what}: git stderr:\n{self.words}\n: exit status {code}")


class GitTimeoutError(DeadlineError):
    """Git did not come to an end."""

    def __init__(self, remote: str, seconds: float) -> None:
        super().__init__(
            f"failed to fetch remote {remote}: it took longer than {seconds:g} s; allow more time, "
            "or name a ref with less behind it"
        )


@dataclass(frozen=True, slots=True)
class GitSettings:
    """How git may be used for one build.

    seconds: for all that one address needs.
    ssh_socket: of an agent, passed on only when it is given; known_hosts: a file, without which
        the keys of hosts are not checked, as in BuildKit.
    authorization: the value of the header for the repository's own server.
    report: gets each line that git writes for people.
    """

    seconds: float = 1800
    ssh_socket: str = ""
    known_hosts: str = ""
    authorization: str = ""
    report: Callable[[str], None] | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True, slots=True)
class Git:
    """Git for one remote. `directory` has the work tree, and the repository in `.git`."""

    settings: GitSettings
    remote: str
    shown: str
    directory: str

    async def run(self, *arguments: str, what: str = "") -> str:
        """Return what git writes; raises GitFailedError, GitMissingError.

        Servers that know nothing of shallow copies are asked again for everything.
        """
        what = what or f"failed to fetch remote {self.shown}"
        code, out, words = await self._once(arguments)
        if code and _DEPTH in arguments and ("--depth" in words or "shallow" in words):
            code, out, words = await self._once([word for word in arguments if word != _DEPTH])
        if code:
            raise GitFailedError(what, self._fit(words), code)
        return out

    async def _once(self, arguments: Sequence[str]) -> tuple[int, str, str]:
        configuration = [word for pair in self._configuration() for word in ("-c", "=".join(pair))]
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *configuration,
                *arguments,
                cwd=self.directory,
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                umask=0o022,
            )
        except FileNotFoundError as error:
            raise GitMissingError from error
        assert process.stdout is not None
        assert process.stderr is not None
        answer = asyncio.ensure_future(process.stdout.read())
        said = asyncio.ensure_future(self._listen(process.stderr))
        try:
            out, words = await asyncio.gather(answer, said)
            code = await process.wait()
        except BaseException:
            # git itself may be gone while a helper still holds the pipes.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(_ended(process, answer, said))
            raise
        return code, out.decode("utf-8", "surrogateescape"), words

    async def _listen(self, stream: asyncio.StreamReader) -> str:
        """Pass on what git says, line by line, and return the end of it."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        said = rest = ""
        while chunk := await stream.read(_CHUNK):
            text = decoder.decode(chunk)
            said = (said + text)[-_MOST_WORDS:]
            *lines, rest = re.split(r"[\r\n]+", rest + text)
            self._report(lines)
        self._report([rest])
        return said

    def _report(self, lines: Sequence[str]) -> None:
        if self.settings.report is not None:
            for line in filter(None, map(str.strip, lines)):
                self.settings.report(self._fit(line))

    def _fit(self, words: str) -> str:
        """Return words of git without the credentials that an address may have."""
        return words.replace(self.remote, self.shown)

    def _environment(self) -> dict[str, str]:
        given = self.settings.environment
        made = {
            "PATH": given.get("PATH", os.defpath),
            "LC_ALL": "C",
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            # The directory may lie in a repository of somebody else's.
            "GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.realpath(self.directory)),
            "GIT_SSH_COMMAND": _secure_shell(self.settings.known_hosts),
        }
        for name in (*_PROXIES, *map(str.lower, _PROXIES)):
            if name in given:
                made[name] = given[name]
        if self.settings.ssh_socket:
            made["SSH_AUTH_SOCK"] = self.settings.ssh_socket
        if self.settings.authorization:
            # Not among the words of the command, where every user of the machine could read it.
            made |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{_reach(self.remote)}.extraheader",
                "GIT_CONFIG_VALUE_0": f"Authorization: {self.settings.authorization}",
            }
        return made

    def _configuration(self) -> Sequence[tuple[str, str]]:
        if self.remote.startswith("file://"):
            return (*_CONFIGURATION, ("protocol.file.allow", "user"))
        return _CONFIGURATION


async def _ended(
    process: asyncio.subprocess.Process, *readers: asyncio.Future[bytes] | asyncio.Future[str]
) -> None:
    """Wait until the last of the group has let go of the pipes: none of them writes any more."""
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    for stream in (process.stdout, process.stderr):
        while stream is not None and await stream.read(_CHUNK):
            pass
    await process.wait()


def _secure_shell(known_hosts: str) -> str:
    checking = f"UserKnownHostsFile={known_hosts}" if known_hosts else "StrictHostKeyChecking=no"
    return f"ssh -F {os.devnull} -o BatchMode=yes -o {checking}"


def _reach(remote: str) -> str:
    """Return for which addresses a header counts: submodules at GitHub need the same."""
    for prefix in ("https://github.com/", "https://www.github.com/"):
        if remote.startswith(prefix):
            return prefix
    return remote
