"""Who a request comes from."""

from __future__ import annotations

from collections.abc import Mapping
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from wherry.registry.server.http.peers import Peers, plain_address

PROXIES = ("10.0.0.0/8", "fd00::/8", "192.0.2.7")


def request_of(
    remote: str, headers: Mapping[str, str] | list[tuple[str, str]] | None = None
) -> web.Request:
    transport = Mock()
    named = {"peername": (remote, 4242), "sockname": ("192.0.2.80", 5000)}
    transport.get_extra_info = lambda name, default=None: named.get(name, default)
    return make_mocked_request("GET", "/v2/", CIMultiDict(headers or {}), transport=transport)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4242", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]:4242", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", ""),
        ("", ""),
        ("192.0.2.999", ""),
    ],
)
def test_an_address_in_its_usual_form(text: str, address: str) -> None:
    assert plain_address(text) == address


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.1.1.1", "198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.1.1.1", "198.51.100.1, 192.0.2.7, 10.2.2.2", "198.51.100.1"),
        ("10.1.1.1", "10.9.9.9, 10.2.2.2", "10.9.9.9"),
        ("10.1.1.1", "6.6.6.6, nonsense, 10.2.2.2", "10.2.2.2"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("::ffff:10.1.1.1", "198.51.100.1:99", "198.51.100.1"),
        ("fd00::1", "[2001:db8::1]:99", "2001:db8::1"),
    ],
)
def test_who_a_proxy_speaks_for(remote: str, forwarded: str, address: str) -> None:
    request = request_of(remote, {"X-Forwarded-For": forwarded} if forwarded else {})
    assert Peers("", PROXIES).peer(request).address == address


def test_several_headers_are_one_list() -> None:
    headers = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "198.51.100.1")]
    assert Peers("", PROXIES).peer(request_of("10.1.1.1", headers)).address == "198.51.100.1"


@pytest.mark.parametrize(
    ("remote", "headers", "base"),
    [
        ("203.0.113.5", {"Host": "registry.test"}, "http://registry.test"),
        ("203.0.113.5", {"Host": "r:5000", "X-Forwarded-Proto": "https"}, "http://r:5000"),
        ("203.0.113.5", {"Host": "r", "X-Forwarded-Host": "evil"}, "http://r"),
        ("10.1.1.1", {"Host": "r", "X-Forwarded-Proto": "https"}, "https://r"),
        ("10.1.1.1", {"Host": "r", "X-Forwarded-Proto": "gopher"}, "http://r"),
        ("10.1.1.1", {"Host": "r", "X-Forwarded-Host": "a.test, b"}, "http://a.test"),
        ("203.0.113.5", {}, "http://192.0.2.80:5000"),
        ("203.0.113.5", {"Host": 'x",realm="y'}, "http://192.0.2.80:5000"),
        ("203.0.113.5", {"Host": "[::1]:5000"}, "http://[::1]:5000"),
    ],
)
def test_how_a_client_has_reached_us(remote: str, headers: dict[str, str], base: str) -> None:
    assert Peers("", PROXIES).peer(request_of(remote, headers)).base_url == base


def test_the_settings_know_it_best() -> None:
    peer = Peers("https://registry.test/", ()).peer(request_of("10.1.1.1", {"Host": "x"}))
    assert peer.base_url == "https://registry.test"
    assert peer.headers.get("host") == "x"
