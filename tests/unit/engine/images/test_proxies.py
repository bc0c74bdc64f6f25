"""The settings' proxies, and the environment's where they are silent."""

from __future__ import annotations

from wherry.engine.images.proxies import proxies_of, with_environment
from wherry.engine.settings import Settings, TransferSettings
from wherry.registry.client.proxies import Proxies


def test_each_of_the_three_is_looked_for_on_its_own() -> None:
    settings = Settings(transfers=TransferSettings(http_proxy="http://settings:1"))
    environment = {"HTTP_PROXY": "http://environment:2", "https_proxy": "e:3", "NO_PROXY": "x"}
    found = with_environment(settings, environment)
    assert proxies_of(found.transfers) == Proxies("http://settings:1", "e:3", "x")
    assert with_environment(settings, {}) == settings
