"""Numbers, environment, networks and the smaller grammars."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.cli.errors import UsageError
from wherry.cli.options import environment, networks, numbers, values


def test_sizes_cpus_and_durations() -> None:
    sizes = {"512": 512, "64m": 64 << 20, "1.5g": 3 << 29, "2GiB": 2 << 30, "1kb": 1024}
    assert {text: numbers.size(text) for text in sizes} == sizes
    assert numbers.swap("-1") == -1
    assert numbers.cpus("1.5") == 1_500_000_000
    assert numbers.duration("1m30s500ms") == 90_500_000_000
    assert numbers.duration("0") == 0


@pytest.mark.parametrize("text", ["", "x", "-5m", "5q", "1..2m", "m"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UsageError, match="invalid s"):
        numbers.size(text)


@pytest.mark.parametrize("text", ["", "foo", "5", "5x", "1m5"])
def test_no_durations(text: str) -> None:
    with pytest.raises(UsageError, match="time: "):
        numbers.duration(text)


def test_points_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert numbers.moment("", 0) == ""
    assert numbers.moment("1700000000.5", 0) == "1700000000.5"
    assert numbers.moment("10m", 1000.0) == "400.000000000"
    assert numbers.moment("2024-01-01T00:00:00.123456789Z", 0) == "1704067200.123456789"
    assert numbers.moment("2024-01-01T01:00:00+01:00", 0) == "1704067200.000000000"
    with pytest.raises(UsageError, match='failed to parse value as time or duration: "foo"'):
        numbers.moment("foo", 0)


def test_variables_of_files_and_flags(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(b"\xef\xbb\xbf# comment\nA=1\n\n  B=2 \nFROM_ME\nNOT_THERE\r\n")
    own = {"FROM_ME": "mine", "C": "3"}
    found = environment.variables([str(file)], ["C", "D", "E=", "A=9"], own)
    assert found == ["A=1", "B=2 ", "FROM_ME=mine", "C=3", "E=", "A=9"]
    assert environment.labels([], ["a=b=c", "d"]) == {"a": "b=c", "d": ""}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"=x\n", "no variable name on line '=x'"),
        (b"a b=x\n", "variable 'a b' contains whitespaces"),
        (b"a=\xff\n", "invalid utf8 bytes"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "env"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        environment.variables([str(file)], [], {})
    assert str(caught.value) == f"invalid env file ({file}): {reason}"


def test_networks_in_the_long_form() -> None:
    text = "name=n,alias=a,alias=b,ip=10.0.0.9,mac-address=02:00:00:00:00:01,gw-priority=-5"
    found = networks.parse(f"{text},driver-opt=x=y,link-local-ip=169.254.1.1")
    assert found.name == "n"
    assert found.settings() == {
        "IPAMConfig": {"IPv4Address": "10.0.0.9", "LinkLocalIPs": ["169.254.1.1"]},
        "Aliases": ["a", "b"],
        "MacAddress": "02:00:00:00:00:01",
        "DriverOpts": {"x": "y"},
        "GwPriority": -5,
    }
    for bad in ("name=", "colour=red", "name=a,alias", "name=a,gw-priority=x"):
        with pytest.raises(UsageError):
            networks.parse(bad)


def test_small_grammars() -> None:
    assert values.device("/dev/a:/dev/b:r")["PathInContainer"] == "/dev/b"
    assert values.device("/dev/a:rw")["CgroupPermissions"] == "rw"
    assert values.ulimit("nofile=1:2") == {"Name": "nofile", "Soft": 1, "Hard": 2}
    policy = {"Name": "on-failure", "MaximumRetryCount": 3}
    assert values.restart_policy("on-failure:3") == policy
    assert values.extra_host("a=[::1]") == "a:::1"
    assert values.extra_host("a:host-gateway") == "a:host-gateway"
    added, dropped = values.capabilities(["net_admin", "CAP_KILL"], ["all", "kill"])
    assert (added, dropped) == (["CAP_KILL", "CAP_NET_ADMIN"], ["ALL"])
    assert values.capabilities(["kill"], ["KILL"]) == (["CAP_KILL"], [])
    assert values.device_rule("c 1:* rw") == "c 1:* rw"
    assert values.rate("/dev/a:10") == {"Path": "/dev/a", "Rate": 10}
    assert values.bytes_rate("/dev/a:2kb") == {"Path": "/dev/a", "Rate": 2048}
    assert values.disk_weight("/dev/a:0") == {"Path": "/dev/a", "Weight": 0}


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (values.device, "/dev/a:/dev/b:zz"), (values.device, ""), (values.ulimit, "nofile"),
        (values.ulimit, "nofile=5:1"), (values.ulimit, "colour=5"), (values.extra_host, "a"),
        (values.extra_host, "a:b"), (values.restart_policy, "on-failure:x"),
        (values.restart_policy, ":3"), (values.address, "1.2.3"), (values.device_rule, "c 1:3"),
        (values.rate, "/dev/a"), (values.rate, "/dev/a:1mb"), (values.bytes_rate, "a:1mb"),
        (values.bytes_rate, "/dev/a:-1"), (values.disk_weight, "/dev/a:9"),
        (values.disk_weight, ":10"),
    ],
)  # fmt: skip
def test_refused(reader: object, text: str) -> None:
    assert callable(reader)
    with pytest.raises(UsageError):
        reader(text)
