"""Names of what an engine makes in the kernel: all carry the first digits of its id.

An interface name has at most 15 characters: `whb1a2b-3c4d5e` is a bridge, `whv1a2b3c4d5e6f` our end
of a veth pair.
"""

from __future__ import annotations

from wherry.base.values import dataclass


@dataclass(frozen=True, slots=True)
class Naming:
    """Names for one engine, given its id of 12 digits."""

    engine_id: str

    @property
    def bridge_prefix(self) -> str:
        return f"whb{self.engine_id[:4]}-"

    @property
    def veth_prefix(self) -> str:
        return f"whv{self.engine_id[:4]}"

    @property
    def table(self) -> str:
        return f"wherry-{self.engine_id}"

    def bridge(self, network_id: str) -> str:
        return self.bridge_prefix + network_id[:6]

    def veth(self, endpoint_id: str) -> str:
        return self.veth_prefix + endpoint_id[:8]

    def is_ours(self, interface: str) -> bool:
        """Tell whether an interface is one of this engine's, by its name."""
        return interface.startswith((self.bridge_prefix, self.veth_prefix))
