"""The engine's registry over a store of its own, without HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from wherry.engine.events import Events
from wherry.engine.images.remove import RemoveImage
from wherry.engine.registry.backend import EngineBackend, engine_backend
from wherry.engine.registry.names import own_names
from wherry.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store."""
    opened = Store.open(str(tmp_path / "root"), sync=False)
    yield opened
    opened.close()


@pytest.fixture
def containers() -> list[SimpleNamespace]:
    """The engine's containers, as far as removing an image asks for them."""
    return []


@pytest.fixture
async def backend(store: Store, containers: list[Any]) -> AsyncIterator[EngineBackend]:
    """What strangers see."""
    events = Events()
    remove = RemoveImage(store, cast(Any, containers), events)
    made = engine_backend(store, own_names("", 5001, "box"), events, remove)
    yield made
    await made.close()


@pytest.fixture
def trusted(backend: EngineBackend) -> EngineBackend:
    """What programs of this machine see."""
    return dataclasses.replace(backend, everything=True)
