"""RUN: a process on a writable layer, with what it has mounted.

Mounts are made ready here, in the step's own directory, and mounted by the runtime. A secret is a
file in memory that loses its name as soon as the process has it mounted. What a process writes into
a mount is kept in no layer.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError, NotFoundError, UnavailableError
from wherry.base.values import dataclass, field
from wherry.build.graph.actions import SCRIPTS, Execute, FromContext, Mount
from wherry.build.ops.materialise import materialise
from wherry.build.ops.operation import Ground
from wherry.build.ports import Step, StepMount
from wherry.build.progress import Wrote
from wherry.build.solve.chain import Chain
from wherry.build.solve.keys import Inputs, of_execute
from wherry.build.solve.tools import Tools
from wherry.build.solve.trees import Trees

_TAIL_BYTES = 8192
_ALMOST_FULL = 1 << 20
_AGENT = "/run/buildkit/ssh_agent.{}"


class StepFailedError(InvalidError):
    """A process has ended with a code that is not 0; `tail` is the last that it wrote."""

    def __init__(self, action: Execute, code: int, tail: bytes, hint: str = "") -> None:
        # docker's clients show these words (moby, builder/dockerfile/dispatchers.go).
        command = " ".join(action.arguments)
        super().__init__(f"The command '{command}' returned a non-zero code: {code}{hint}")
        self.action = action
        self.code = code
        self.tail = tail


class OpenSecretsError(UnavailableError):
    """The place for secrets is somebody else's."""


class MissingSecretError(NotFoundError):
    """A step needs a secret that the client did not give."""


@dataclass(slots=True)
class _Prepared:
    """What the mounts of a step add to it."""

    mounts: list[StepMount] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    staged: list[str] = field(default_factory=list)  # files that go when they are mounted


@dataclass(slots=True)
class ExecuteStep:
    """The operation; `held` keeps what is mounted in its place."""

    tools: Tools
    trees: Trees
    action: Execute
    chain: Chain
    held: contextlib.AsyncExitStack

    async def inputs(self) -> Inputs:
        """Return what the step depends on: also the digests of what it has mounted."""
        digests = {}
        for place, mount in enumerate(self.action.mounts):
            if mount.kind == "bind":
                digests[place] = await self._digest(mount)
        return of_execute(self.action, digests)

    async def files(self) -> Mapping[str, str]:
        """Return nothing: what is mounted counts as a whole."""
        return {}

    async def _digest(self, mount: Mount) -> str:
        assert mount.origin is not None
        if isinstance(mount.origin, FromContext):
            return await self.trees.checksum(mount.origin, mount.source, self.held)
        chain = await self.trees.chain(mount.origin)
        assert chain is not None
        return f"{await chain.identity()}{mount.source}"

    async def perform(self, ground: Ground) -> None:
        """Run the process; raises StepFailedError."""
        tools, action = self.tools, self.action
        tail = bytearray()

        async def output(stream: str, data: bytes) -> None:
            tail.extend(data)
            del tail[:-_TAIL_BYTES]
            tools.report(Wrote(action.number, stream, data))
            # What a slow client has not taken waits in the step's log, not in memory.
            await tools.session.ready()

        prepared = _Prepared()
        async with contextlib.AsyncExitStack() as ready:
            ready.callback(_unlink, prepared)
            await self._prepare(prepared, ground, ready)

            def started() -> None:
                ground.release()
                _unlink(prepared)

            code = await tools.runner.run(self._step(ground, prepared), output, started)
        if code:
            hint = await in_thread(_full_disk, ground.directory)
            raise StepFailedError(action, code, bytes(tail), hint)

    def _step(self, ground: Ground, prepared: _Prepared) -> Step:
        action, options = self.action, self.tools.options
        return Step(
            id=ground.id,
            directory=ground.directory,
            lowers=ground.lowers,
            arguments=action.arguments,
            environment=(
                *action.silent_environment,
                *action.environment,
                *prepared.environment,
            ),
            user=action.user,
            working_directory=action.working_directory,
            network=action.network,
            insecure=action.insecure,
            mounts=prepared.mounts,
            extra_hosts=options.extra_hosts,
            limits=options.limits,
        )

    async def _prepare(
        self, prepared: _Prepared, ground: Ground, ready: contextlib.AsyncExitStack
    ) -> None:
        makers = {
            "bind": self._bind,
            "cache": self._cache,
            "tmpfs": self._tmpfs,
            "secret": self._secret,
            "ssh": self._ssh,
        }
        for place, mount in enumerate(self.action.mounts):
            own = f"{ground.directory}/mounts/{place}"
            await in_thread(os.makedirs, os.path.dirname(own), 0o700, exist_ok=True)
            await makers[mount.kind](prepared, mount, own, ready)
        if script := self.action.script:
            path = f"{ground.directory}/script"
            await in_thread(_write, path, script.content, 0o755)
            prepared.mounts.append(
                StepMount("bind", f"{SCRIPTS}/{script.name}", source=path, read_only=True)
            )

    async def _bind(
        self, prepared: _Prepared, mount: Mount, own: str, ready: contextlib.AsyncExitStack
    ) -> None:
        assert mount.origin is not None
        if isinstance(mount.origin, FromContext):
            tree = await self.trees.tree(mount.origin, ready)
            await in_thread(materialise, tree, mount.source, own)
            made = StepMount("bind", mount.target, source=own, read_only=mount.read_only)
            prepared.mounts.append(made)
            return
        view, _ = await self.trees.view(mount.origin, ready)
        found = await in_thread(view.merged, os.fsencode(mount.source))
        if not found:
            raise NotFoundError(f"{mount.source}: not found in what is mounted at {mount.target}")
        sources = [os.fsdecode(path) for path in found]
        if not os.path.isdir(sources[0]):
            prepared.mounts.append(await in_thread(_file_mount, mount, sources[0], own))
            return
        upper, work = "", ""
        if not mount.read_only:
            upper, work = f"{own}/upper", f"{own}/work"
            await in_thread(_make_all, upper, work)
        prepared.mounts.append(
            StepMount(
                "overlay", mount.target, lowers=sources, upper=upper, work=work,
                read_only=mount.read_only,
            )
        )  # fmt: skip

    async def _cache(
        self, prepared: _Prepared, mount: Mount, _own: str, ready: contextlib.AsyncExitStack
    ) -> None:
        using = self.tools.cache_mounts.use(
            mount.id, mount.sharing, lambda made: self._fill(mount, made)
        )
        directory = await ready.enter_async_context(using)
        prepared.mounts.append(
            StepMount("bind", mount.target, source=directory, read_only=mount.read_only)
        )

    async def _fill(self, mount: Mount, directory: str) -> None:
        """Give a new cache its first content, its owner and its mode."""
        async with contextlib.AsyncExitStack() as held:
            if mount.origin is not None:
                tree = await self.trees.tree(mount.origin, held)
                await in_thread(materialise, tree, mount.source, directory)
        await in_thread(os.chown, directory, mount.uid, mount.gid)
        await in_thread(os.chmod, directory, mount.mode)

    async def _tmpfs(
        self, prepared: _Prepared, mount: Mount, _own: str, _ready: contextlib.AsyncExitStack
    ) -> None:
        prepared.mounts.append(StepMount("tmpfs", mount.target, size=mount.size))

    async def _secret(
        self, prepared: _Prepared, mount: Mount, _own: str, _ready: contextlib.AsyncExitStack
    ) -> None:
        value = self.tools.options.secrets.get(mount.id)
        if value is None:
            if mount.required:
                raise MissingSecretError(
                    f"secret {mount.id}: not found: give it with --secret id={mount.id},src=FILE"
                )
            return
        if mount.variable:
            text = value.decode("utf-8", "surrogateescape")
            prepared.environment.append(f"{mount.variable}={text}")
        if mount.target:
            path = await in_thread(_stage, self.tools.secrets_root, value, mount)
            prepared.staged.append(path)
            prepared.mounts.append(StepMount("bind", mount.target, source=path, read_only=True))

    async def _ssh(
        self, prepared: _Prepared, mount: Mount, own: str, ready: contextlib.AsyncExitStack
    ) -> None:
        if mount.id not in self.tools.options.ssh:
            if mount.required:
                raise MissingSecretError(
                    f"unset ssh forward key {mount.id}: give it with --ssh {mount.id}"
                )
            return
        number = sum(one.target.startswith("/run/buildkit/ssh_agent") for one in prepared.mounts)
        target = mount.target or _AGENT.format(number)
        await ready.enter_async_context(self.tools.session.ssh(mount.id, own))
        await in_thread(_own, own, mount)
        prepared.mounts.append(StepMount("bind", target, source=own))
        if not any(entry.startswith("SSH_AUTH_SOCK=") for entry in prepared.environment):
            prepared.environment.append(f"SSH_AUTH_SOCK={target}")


def _full_disk(directory: str) -> str:
    """Say that the disk is full, if it is: what the process said of it found no room either."""
    told = os.statvfs(directory)
    if told.f_bavail * told.f_frsize >= _ALMOST_FULL:
        return ""
    return f" (no space left on device: the disk of {os.path.dirname(directory)} is full)"


def _write(path: str, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)


def _keep_private(root: str) -> None:
    """Make the directory of secrets; where it lies, anybody may have made one of that name."""
    os.makedirs(root, 0o700, exist_ok=True)
    told = os.lstat(root)
    private = stat.S_ISDIR(told.st_mode) and not stat.S_IMODE(told.st_mode) & 0o077
    if told.st_uid != os.geteuid() or not private:
        raise OpenSecretsError(
            f"{root} belongs to user {told.st_uid}, who could exchange what is put there: remove it"
        )


def _stage(root: str, value: bytes, mount: Mount) -> str:
    """Write a secret to memory, for as long as it takes to mount it."""
    _keep_private(root)
    path = f"{root}/{os.urandom(12).hex()}"
    _write(path, value, mount.mode)
    os.chown(path, mount.uid, mount.gid)
    return path


def _unlink(prepared: _Prepared) -> None:
    while prepared.staged:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(prepared.staged.pop())


def _own(path: str, mount: Mount) -> None:
    os.chown(path, mount.uid, mount.gid)
    os.chmod(path, mount.mode)


def _make_all(*paths: str) -> None:
    for path in paths:
        os.makedirs(path, 0o755)


def _file_mount(mount: Mount, source: str, own: str) -> StepMount:
    """Mount a file of a layer; one that may be written is a copy, for layers never change."""
    if mount.read_only:
        return StepMount("bind", mount.target, source=source, read_only=True)
    shutil.copy2(source, own)
    return StepMount("bind", mount.target, source=own)
