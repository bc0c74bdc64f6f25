"""The client side of the distribution protocol; asyncio.

`RegistryClient` opens a `Repository`, which fetches and pushes manifests and blobs. What a registry
sends is not trusted: sizes, redirects and waiting times are bounded, and manifests are verified.
The digest of a blob is verified by the owner of the sink, who sees all of its bytes.
"""

from wherry.registry.client.registry import RegistryClient
from wherry.registry.client.repository import FetchedManifest, Repository, Sink
from wherry.registry.client.settings import Limits, RegistrySettings

__all__ = [
    "FetchedManifest",
    "Limits",
    "RegistryClient",
    "RegistrySettings",
    "Repository",
    "Sink",
]
