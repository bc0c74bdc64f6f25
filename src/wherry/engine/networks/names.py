"""Who has which name on which network: what the resolver answers from. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from wherry.base.values import dataclass, field


@dataclass(slots=True)
class _Zone:
    """One network: addresses by name and container, names by container, who has an address."""

    name: str
    addresses: dict[str, dict[str, str]] = field(default_factory=dict)
    named: dict[str, tuple[str, ...]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)


class Names:
    """Names by network. Several containers may share a name; it then has several addresses."""

    def __init__(self) -> None:
        self._zones: dict[str, _Zone] = {}
        self._lock = threading.Lock()

    def add(
        self, network: tuple[str, str], container: str, names: Sequence[str], address: str
    ) -> None:
        """Call a container so on a network, given by id and name, and no longer otherwise.

        `names[0]` is for its address.
        """
        identifier, called = network
        with self._lock:
            self._remove(identifier, container)
            zone = self._zones.setdefault(identifier, _Zone(called))
            zone.named[container] = tuple({name.lower() for name in names})
            for name in zone.named[container]:
                zone.addresses.setdefault(name, {})[container] = address
            zone.owners[address] = f"{names[0]}.{called}"

    def remove(self, network_id: str, container: str) -> None:
        """Take a container out of a network."""
        with self._lock:
            self._remove(network_id, container)

    def _remove(self, network_id: str, container: str) -> None:
        zone = self._zones.get(network_id)
        if zone is None:
            return
        for name in zone.named.pop(container, ()):
            held = zone.addresses[name]
            zone.owners.pop(held.pop(container), None)
            if not held:
                del zone.addresses[name]
        if not zone.addresses:
            del self._zones[network_id]

    def find(self, networks: Iterable[str], name: str) -> list[str]:
        """Return the addresses of a name, or `name.network`, on the first network that has it."""
        wanted = name.lower()
        with self._lock:
            for identifier in networks:
                zone = self._zones.get(identifier)
                if zone is None:
                    continue
                held = zone.addresses.get(wanted)
                suffix = f".{zone.name.lower()}"
                if held is None and wanted.endswith(suffix):
                    held = zone.addresses.get(wanted.removesuffix(suffix))
                if held:
                    return list(held.values())
        return []

    def owner_of(self, networks: Iterable[str], address: str) -> str | None:
        """Return the whole name of who has an address."""
        with self._lock:
            for identifier in networks:
                zone = self._zones.get(identifier)
                if zone is not None and address in zone.owners:
                    return zone.owners[address]
        return None
