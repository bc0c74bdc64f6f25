"""JSON as Go's decoder would take it."""

from __future__ import annotations

import pytest

from wherry.base.errors import InvalidError
from wherry.wire.container_config import CreateRequest
from wherry.wire.decode import decode


def test_keys_match_without_regard_to_case() -> None:
    body = b'{"image":"busybox","HOSTCONFIG":{"portbindings":{"80/tcp":[{"hostport":"8080"}]}}}'
    made = decode(body, CreateRequest)
    assert made.image == "busybox"
    assert made.host_config is not None
    assert made.host_config.port_bindings is not None
    bindings = made.host_config.port_bindings["80/tcp"]
    assert bindings is not None
    assert bindings[0].host_port == "8080"


def test_keys_of_maps_are_left_alone() -> None:
    made = decode(b'{"Labels":{"Image":"x"},"ExposedPorts":{"80/tcp":{}}}', CreateRequest)
    assert made.labels == {"Image": "x"}
    assert made.exposed_ports == {"80/tcp": {}}


def test_null_is_nothing_and_unknown_keys_are_ignored() -> None:
    made = decode(
        b'{"Hostname":null,"Tty":null,"HostConfig":null,"Future":{"a":[1]}}', CreateRequest
    )
    assert (made.hostname, made.tty, made.host_config) == ("", False, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "invalid JSON: input data was truncated"),
        (b'{"Image": 5}', "invalid JSON: Image: expected str, got int"),
        (b"[]", "invalid JSON: expected object, got array"),
        (b'"text"', "invalid JSON: expected object, got str"),
        (
            b'{"HostConfig":{"Memory":"1"}}',
            "invalid JSON: HostConfig.Memory: expected int, got str",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(body: bytes, message: str) -> None:
    with pytest.raises(InvalidError) as failure:
        decode(body, CreateRequest)
    assert str(failure.value).lower() == message.lower()


@pytest.mark.parametrize("body", [b"{} x", b"\xff\xfe", b"[" * 100_000, b'{"a":"\xff"}'])
def test_no_bytes_break_the_decoder(body: bytes) -> None:
    with pytest.raises(InvalidError) as failure:
        decode(body, CreateRequest)
    assert str(failure.value).startswith("invalid JSON: ")
    assert "\n" not in str(failure.value)
