"""What a build needs of the engine: images, processes, and somebody to tell.

The engine's parts fit these shapes without knowing them; the daemon puts both together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from wherry.base.values import dataclass, field
from wherry.build.context.tree import Tree
from wherry.oci.image import Platform
from wherry.store.images import Image
from wherry.store.layers.compression import Writable
from wherry.wire.build import Limits
from wherry.wire.requests import AuthConfig


class Images(Protocol):
    """Where base images come from."""

    async def find(
        self,
        reference: str,
        *,
        platform: Platform | None,
        pull: bool,
        credentials: Mapping[str, AuthConfig],
        progress: Callable[[str, str, int, int], None],
    ) -> Image:
        """Return an image, pulled when it is not here or when `pull` asks for it.

        `credentials` are by registry. `progress` gets a layer's id, a status, and how far it is.
        """


@dataclass(frozen=True, slots=True)
class StepMount:
    """A mount of a step besides those that every container has.

    `kind` is "bind" (`source` is a path on the host), "overlay" (`lowers` are directories, the
    topmost first; writes go to `upper` and `work`, or are refused without them), or "tmpfs" (`size`
    bytes, 0 for no limit).
    """

    kind: str
    target: str
    source: str = ""
    lowers: Sequence[str] = ()
    upper: str = ""
    work: str = ""
    read_only: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A process to run on a writable layer.

    `lowers` are the directories of the layers below, the topmost first; `directory` is the step's
    own (`SnapshotStore.directory`), which has `upper` and `work` already. `network` is a mode as
    `docker run --network` takes it, "" for the default.
    """

    id: str
    directory: str
    lowers: Sequence[str]
    arguments: Sequence[str]
    environment: Sequence[str]
    user: str = ""
    working_directory: str = "/"
    network: str = ""
    insecure: bool = False
    mounts: Sequence[StepMount] = ()
    extra_hosts: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)
    hostname: str = "buildkitsandbox"
    stdin: bytes = b""


# Takes "stdout" or "stderr" and what was written, and holds up who reads too fast.
Output = Callable[[str, bytes], Awaitable[None]]


class Runner(Protocol):
    """Runs steps: the engine's own runtime, in a container that no list shows."""

    async def run(self, step: Step, output: Output, started: Callable[[], None]) -> int:
        """Run to the end and return the exit code; 128 + n when a signal ended it.

        All output has been given to `output` when this returns. Raises LaunchError's words as
        InvalidError when the program cannot be executed (`exit_code` 126, 127 where known).
        `started` is called once everything is mounted: paths are not needed by name any more. When
        cancelled, the process is killed and nothing of it is left when this ends.
        """


class Session(Protocol):
    """Whoever asked for the build, for as long as it is there to be asked."""

    async def context(self, name: str) -> Tree:
        """Return a context, received at the first call; `main` is the one of the build.

        Raises NotFoundError where the client has none of this name.
        """

    def ssh(self, identity: str, path: str) -> AbstractAsyncContextManager[None]:
        """Serve the client's agent `identity` on a unix socket at `path` until the end."""

    async def ready(self) -> None:
        """Return when the client has taken most of what it was told."""

    async def output(self, index: int, write: Callable[[Writable], None]) -> None:
        """Send what `write` writes, in a thread, as the output of this number."""


class Published(Protocol):
    """What the engine does with a new image."""

    async def tag(self, source: str, target: str) -> None:
        """Give the image `source` the name `target`."""

    async def push(
        self,
        reference: str,
        credentials: Mapping[str, AuthConfig],
        progress: Callable[[str, str, int, int], None],
    ) -> None:
        """Push a name, with credentials by registry."""
