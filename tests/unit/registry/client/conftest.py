"""A client with little patience, and repositories of servers that a test scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fixtures.web import Server
from wherry.oci.reference import parse_reference
from wherry.registry.client import Limits, RegistryClient, RegistrySettings, Repository
from wherry.wire.requests import AuthConfig

Opener = Callable[..., Awaitable[Repository]]


@pytest.fixture
async def client() -> AsyncIterator[RegistryClient]:
    """A client that gives up within a second."""
    limits = Limits(connect=2, stall=0.3, reply=1, commit=1, pauses=(0.01, 0.02, 0.03))
    made = RegistryClient(RegistrySettings(), limits)
    yield made
    await made.close()


@pytest.fixture
def opened(client: RegistryClient) -> Opener:
    """Open the repository `team/app` of a server."""

    async def open_(
        server: Server, credentials: AuthConfig | None = None, *, push: bool = False
    ) -> Repository:
        reference = parse_reference(f"{server.address}/team/app:1")
        return await client.repository(reference, credentials, push=push)

    return open_
