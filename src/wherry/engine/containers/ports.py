"""What the containers' verbs need of others, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wherry.engine.containers.record import Container
from wherry.engine.networks.opened import Sandbox
from wherry.oci.digest import Digest
from wherry.wire.container_config import EndpointSettings, NetworkingConfig, PortBinding


class Sandboxes(Protocol):
    """The network side of a container's life (`wherry.engine.networks.sandbox`)."""

    def check(self, record: Container, networking: NetworkingConfig | None) -> None:
        """Refuse a network configuration that makes no sense, and note the wanted endpoints."""

    async def open(self, record: Container) -> Sandbox:
        """Make or find the namespace."""

    async def connect(
        self, sandbox: Sandbox, record: Container
    ) -> tuple[dict[str, EndpointSettings], dict[str, list[PortBinding] | None]]:
        """Attach every endpoint and publish ports; all or nothing."""

    async def close(self, record: Container) -> None:
        """Take back addresses and ports of a container that has ended; idempotent."""

    async def restore(self, record: Container) -> None:
        """Take up again what a container has that ran on while the engine was away."""


class Volumes(Protocol):
    """The volumes that containers use (`wherry.engine.volumes`)."""

    async def ensure(self, name: str, *, anonymous: bool = False) -> str:
        """Make the volume if it is not there, and return the path of its content."""

    async def copy_up(self, name: str, layers: Sequence[Digest], path: str) -> None:
        """Fill an empty volume with what the image has at a path."""

    async def remove_anonymous(self, name: str) -> None:
        """Remove a volume that nobody named, unless something else uses it."""

    async def path_of(self, name: str) -> str:
        """Return the path of a volume's content; raises when it is gone."""


class Images(Protocol):
    """What create needs to know of images: those of the store."""

    def resolve(self, text: str) -> Any:
        """Return the image of a reference or id."""
