"""One registry for all who mean no good: each of them has to leave it as it was."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from fixtures.hostile_place import DATA, SETTINGS, Place, troubles
from fixtures.page_visits import PASSWORDS, write_accounts
from fixtures.raw_http import RawClient, digest_of
from fixtures.waiting import eventually
from fixtures.wherry_registry import running_wherry_registry


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a registry that has to be none the worse in the end."""
    folder = tmp_path_factory.mktemp("hostile")
    write_accounts(folder / "accounts", PASSWORDS)
    text = SETTINGS.replace("ACCOUNTS", str(folder / "accounts"))
    with running_wherry_registry(folder / "registry", text) as registry:
        address = ("127.0.0.1", registry.port)
        given = base64.b64encode(f"ann:{PASSWORDS['ann']}".encode()).decode()
        found = Place(registry, RawClient(address), RawClient(address, f"Basic {given}"))
        found.ann.push_image("private/plan", "1", b"secret")
        found.stranger.push_image("app", "1", DATA)
        outside = found.outside()
        yield found
        assert found.outside() == outside
        assert registry.stop() == 0
        assert troubles(registry.log.read_text(errors="replace")) == []


@pytest.fixture
def place(running: Place) -> Iterator[Place]:
    """Give each test the registry, which has to serve others as before, with no more open."""
    before = running.descriptors()
    yield running
    assert running.stranger.ask("GET", f"/v2/app/blobs/{digest_of(DATA)}").body == DATA
    eventually(lambda: running.descriptors() <= before + 5)
