"""What images have to do with registries: one client of them all, and the verbs that use it.

Loaded by the first who asks for one of them, which an engine may never do.
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.engine.events import Events
from wherry.engine.images.proxies import proxies_of
from wherry.engine.images.pull import PullImage
from wherry.engine.images.push import PushImage
from wherry.engine.images.search import InspectRemote, SearchImages
from wherry.engine.images.slots import Slots
from wherry.engine.settings import TransferSettings
from wherry.oci.reference import Reference
from wherry.registry.client import Limits, RegistryClient, RegistrySettings
from wherry.registry.client.settings import pauses_of
from wherry.store.store import Store
from wherry.wire.requests import AuthConfig


class Remote:
    """See the module. `is_own` tells whether a reference names the registry of this engine.

    Raises InvalidError for registries and mirrors that are none.
    """

    def __init__(
        self,
        store: Store,
        events: Events,
        transfers: TransferSettings,
        is_own: Callable[[Reference], bool],
    ) -> None:
        self._client = RegistryClient(*_for_client(transfers))
        self._downloads = Slots(transfers.downloads)
        self._uploads = Slots(transfers.uploads)
        self.pull = PullImage(store, self._client, events, self._downloads)
        self.push = PushImage(store, self._client, events, is_own, self._uploads)
        self.search = SearchImages(self._client)
        self.inspect = InspectRemote(self._client)

    def reconfigure(self, transfers: TransferSettings) -> None:
        """Take up new settings for what begins from now on; raises as the constructor."""
        self._client.reconfigure(*_for_client(transfers))
        self._downloads.resize(transfers.downloads)
        self._uploads.resize(transfers.uploads)

    async def login(self, credentials: AuthConfig) -> str:
        """Check credentials with their registry; returns an identity token, or nothing."""
        return await self._client.login(credentials)

    async def close(self) -> None:
        """Close connections to registries."""
        await self._client.close()


def _for_client(transfers: TransferSettings) -> tuple[RegistrySettings, Limits]:
    settings = RegistrySettings(
        insecure=transfers.insecure_registries,
        mirrors=transfers.mirrors,
        proxies=proxies_of(transfers),
    )
    limits = Limits(
        download_pauses=pauses_of(transfers.attempts),
        # Places at one host must not be fewer than those that the operator wants.
        transfers=max(Limits().transfers, transfers.downloads, transfers.uploads),
    )
    return settings, limits
