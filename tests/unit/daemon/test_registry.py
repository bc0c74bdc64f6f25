"""What the log says of a registry that others reach, and what it is called."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures.registry import free_port
from wherry.daemon import registry as module
from wherry.daemon.configuration import RegistryOptions
from wherry.daemon.registry import names_of, serve_registry
from wherry.engine.events import Events
from wherry.oci.reference import parse_reference
from wherry.store.store import Store


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (RegistryOptions("127.0.0.1", 5001), ""),
        (RegistryOptions("", 5001), "can pull every image"),
        (RegistryOptions("192.0.2.1", 5001, "accounts"), "in the clear"),
        (RegistryOptions("192.0.2.1", 5001, "accounts", "c", "k"), ""),
    ],
)
def test_who_opens_it_is_told_what_that_means(
    caplog: pytest.LogCaptureFixture, options: RegistryOptions, words: str
) -> None:
    module._warn(options)
    assert words in caplog.text
    assert bool(words) is bool(caplog.records)


def test_its_own_names() -> None:
    names = names_of(RegistryOptions("", 5001))
    assert names.is_own(parse_reference("localhost:5001/app"))
    assert not names.is_own(parse_reference("localhost:5002/app"))


async def test_it_listens_until_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store.open(str(tmp_path), sync=False)
    images = SimpleNamespace(remove=None)
    engine = cast(Any, SimpleNamespace(store=store, events=Events(), images=images))
    options = RegistryOptions("127.0.0.1", free_port())
    caplog.set_level("INFO")
    for _ in range(2):
        async with AsyncExitStack() as stack:
            await serve_registry(engine, options, stack)
    assert f"registry listens on 127.0.0.1:{options.port}" in caplog.text
    store.close()
