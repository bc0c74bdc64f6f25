"""Which proxy a request goes through, in Go's grammar of NO_PROXY."""

from __future__ import annotations

import pytest

from wherry.registry.client.proxies import Proxies, from_environment

BOTH = Proxies("http://plain:1", "https://secure:2")


def test_the_scheme_of_what_is_asked_for_decides() -> None:
    assert BOTH.of("http://a.test/v2/") == "http://plain:1"
    assert BOTH.of("https://a.test/v2/") == "https://secure:2"
    assert Proxies(http="plain:1").of("http://a.test/") == "http://plain:1"
    assert Proxies(http="plain:1").of("https://a.test/") is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"])
def test_the_loopback_is_reached_directly(host: str) -> None:
    assert BOTH.of(f"http://{host}/") is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("a.test", "a.test", True),
        ("a.test", "x.a.test", True),
        ("a.test", "ba.test", False),
        ("A.Test", "a.test", True),
        ("a.test", "A.TEST", True),
        (".a.test", "x.a.test", True),
        (".a.test", "a.test", False),
        ("*.a.test", "x.a.test", True),
        ("*.a.test", "a.test", False),
        ("b.test, a.test ,", "a.test", True),
        ("*", "anything", True),
        ("a.test:5000", "a.test:5000", True),
        ("a.test:5000", "a.test", False),
        ("a.test:80", "a.test", True),
        ("10.0.0.0/8", "10.1.2.3:5000", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "ten.test", False),
        ("10.0.0.1", "10.0.0.1:80", True),
        ("10.0.0.1:81", "10.0.0.1:80", False),
        ("10.0.0.1", "110.0.0.1", False),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("[2001:db8::1]:443", "[2001:db8::1]:443", True),
        ("2001:db8::/32", "[2001:db8::9]", True),
        ("not/a/network", "a.test", False),
        ("", "a.test", False),
    ],
)
def test_who_needs_no_proxy(no_proxy: str, host: str, direct: bool) -> None:
    proxies = Proxies("http://plain:1", "https://secure:2", no_proxy)
    assert (proxies.of(f"http://{host}/x") is None) is direct


def test_the_environment_in_upper_or_lower_case() -> None:
    given = {"HTTP_PROXY": "a", "http_proxy": "b", "https_proxy": "c", "NO_PROXY": "", "x": "y"}
    found = from_environment(given)
    assert found == Proxies("a", "c", "")
    assert found.environment() == {"http_proxy": "a", "https_proxy": "c"}


def test_what_is_not_set_comes_from_elsewhere() -> None:
    assert Proxies("a").otherwise(Proxies("b", "c", "d")) == Proxies("a", "c", "d")
