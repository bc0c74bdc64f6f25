"""Hosts, schemes, mirrors, insecure registries."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.registry.client.endpoints import Endpoints
from wherry.registry.client.settings import RegistrySettings


async def urls(settings: RegistrySettings, domain: str, *, mirrors: bool = True) -> list[str]:
    sites = await Endpoints(settings).sites(domain, mirrors=mirrors)
    return [endpoint.url for site in sites for endpoint in site.endpoints]


async def test_docker_hub_and_its_mirrors() -> None:
    settings = RegistrySettings(mirrors=["http://127.0.0.1:5000/", "https://m.invalid/hub"])
    hub = "https://registry-1.docker.io"
    tried = ["http://127.0.0.1:5000", "https://m.invalid/hub", hub]
    assert await urls(settings, "docker.io") == tried
    assert await urls(settings, "docker.io", mirrors=False) == [hub]
    assert await urls(settings, "index.docker.io", mirrors=False) == [hub]
    assert await urls(settings, "10.1.2.3") == ["https://10.1.2.3"]


@pytest.mark.parametrize(
    ("host", "insecure"),
    [
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]:5000", True),
        ("localhost:5000", True),
        ("10.1.2.3:5000", True),
        ("10.2.0.1", False),
        ("named.invalid:80", True),
        ("named.invalid", False),
        ("bare.invalid", True),
        ("other.invalid", False),
        ("[fd00::7]:5000", True),
    ],
)
async def test_insecure(host: str, insecure: bool) -> None:
    listed = ["10.1.0.0/16", "named.invalid:80", "http://bare.invalid", "fd00::/64"]
    settings = RegistrySettings(insecure=listed)
    both = [f"https://{host}", f"http://{host}"]
    assert await urls(settings, host) == both[: 1 + insecure]


@pytest.mark.parametrize("mirror", ["ftp://m/", "https://", "https://u:p@m/", "https://m/?q"])
def test_mirrors_that_are_refused(mirror: str) -> None:
    with pytest.raises(InvalidError, match="invalid mirror"):
        Endpoints(RegistrySettings(mirrors=[mirror]))


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidError, match=r"insecure registry 10\.0\.0\.0/99 is not valid"):
        Endpoints(RegistrySettings(insecure=["10.0.0.0/99"]))
