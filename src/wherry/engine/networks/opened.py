"""A network namespace on its way into a container."""

from __future__ import annotations

from wherry.base.values import dataclass, field
from wherry.network.namespaces import Namespace
from wherry.wire.container_config import EndpointSettings


@dataclass(slots=True)
class Sandbox:
    """A network namespace that a container is about to run in.

    `held` is None where the container uses the host's; `endpoints` are what it will have.
    """

    held: Namespace | None
    endpoints: dict[str, EndpointSettings] = field(default_factory=dict)

    @property
    def namespace(self) -> int | None:
        """A descriptor of the namespace, owned by the sandbox."""
        return self.held.descriptor if self.held else None

    def release(self) -> None:
        """Let go of the namespace: the container is in it, or will never be."""
        held, self.held = self.held, None
        if held is not None:
            held.close()
