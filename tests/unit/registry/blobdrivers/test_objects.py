"""What is particular to object stores: signed URLs, credentials, stores that are dead."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from wherry.registry.blobdrivers.driver import (
    Key,
    Redirect,
    StorageUnavailableError,
    Streamed,
    new_key,
)
from wherry.registry.blobdrivers.objects import ObjectDriver
from wherry.registry.server.settings import ObjectStorage

STORAGE = ObjectStorage(
    bucket="blobs",
    endpoint="http://127.0.0.1:1",
    access_key="AKID",
    secret_key="topsecret",
    prefix="/team/registry/",
)
KEY = Key("ab" * 16)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environments-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "environments-token")


def url_of(storage: ObjectStorage) -> str:
    source = ObjectDriver(storage).source(KEY)
    assert isinstance(source, Redirect)
    assert source.read is not None
    return source.url


def test_signed_urls() -> None:
    url = urlsplit(url_of(replace(STORAGE, redirect_seconds=321)))
    query = parse_qs(url.query)
    assert url.netloc == "127.0.0.1:1"
    assert url.path == f"/blobs/team/registry/objects/ab/{KEY}"
    assert query["X-Amz-Expires"] == ["321"]
    assert query["X-Amz-Credential"][0].startswith("AKID/")
    assert "topsecret" not in url.query


def test_the_settings_keys_are_not_mixed_with_a_session_of_the_environment() -> None:
    assert "environment" not in url_of(STORAGE)


def test_keys_of_the_environment() -> None:
    query = parse_qs(urlsplit(url_of(replace(STORAGE, access_key="", secret_key=""))).query)
    assert query["X-Amz-Credential"][0].startswith("environment/")
    assert query["X-Amz-Security-Token"] == ["environments-token"]


def test_a_public_endpoint() -> None:
    url = url_of(replace(STORAGE, public_endpoint="https://blobs.example"))
    assert url.startswith(f"https://blobs.example/blobs/team/registry/objects/ab/{KEY}?")


def test_amazons_own_endpoint() -> None:
    url = url_of(replace(STORAGE, endpoint="", region="eu-west-1", prefix=""))
    assert url.startswith(f"https://s3.eu-west-1.amazonaws.com/blobs/objects/ab/{KEY}?")


@pytest.mark.parametrize(("setting", "asked"), [(False, True), (True, False), (False, False)])
def test_no_redirects_where_not_wanted(setting: bool, asked: bool) -> None:
    driver = ObjectDriver(replace(STORAGE, redirect=setting))
    assert isinstance(driver.source(KEY, redirect=asked), Streamed)


@pytest.fixture
def silent() -> Iterator[str]:
    """A store that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_dead_store_is_told_in_time(silent: str) -> None:
    driver = ObjectDriver(replace(STORAGE, endpoint=silent), seconds=0.3)
    uses = [
        driver.check,
        lambda: driver.size(KEY),
        lambda: list(driver.read(KEY, 0, 5)),
        lambda: list(driver.walk()),
        lambda: driver.delete([KEY]),
        lambda: driver.compose(new_key(), [KEY]),
    ]
    for use in uses:
        begun = time.monotonic()
        with pytest.raises(StorageUnavailableError, match=f"bucket blobs at {silent}: Timeout; "):
            use()
        assert time.monotonic() - begun < 5


def test_a_large_write_to_a_dead_store_stops_reading(silent: str) -> None:
    driver = ObjectDriver(replace(STORAGE, endpoint=silent), seconds=0.3)
    taken = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield bytes(1 << 20)

    with pytest.raises(StorageUnavailableError):
        driver.write(new_key(), endless())
    assert len(taken) < 100


def test_nobody_listens() -> None:
    driver = ObjectDriver(STORAGE)
    with pytest.raises(StorageUnavailableError, match="Connection refused; is the store running"):
        driver.check()
