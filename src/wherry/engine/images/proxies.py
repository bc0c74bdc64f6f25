"""The proxies of the engine's own traffic: the settings, and the environment where they are silent.

As in dockerd, each of the three is looked for on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.engine.settings import Settings, TransferSettings

if TYPE_CHECKING:
    from wherry.registry.client.proxies import Proxies


def proxies_of(transfers: TransferSettings) -> Proxies:
    """Return the proxies of settings."""
    # Loads the client of registries, which an engine that starts has no use for.
    from wherry.registry.client.proxies import Proxies  # noqa: PLC0415

    return Proxies(transfers.http_proxy, transfers.https_proxy, transfers.no_proxy)


def with_environment(settings: Settings, environment: Mapping[str, str]) -> Settings:
    """Return settings in which the proxies of the environment stand where there were none."""
    if not any(name.lower().endswith("_proxy") for name in environment):
        return settings
    from wherry.registry.client.proxies import from_environment  # noqa: PLC0415 - as above

    found = proxies_of(settings.transfers).otherwise(from_environment(environment))
    transfers = replace(
        settings.transfers,
        http_proxy=found.http,
        https_proxy=found.https,
        no_proxy=found.no_proxy,
    )
    return replace(settings, transfers=transfers)
