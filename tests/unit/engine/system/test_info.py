"""The answer to `info`: counts, settings and warnings."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from wherry.engine.containers.record import Status
from wherry.engine.settings import (
    AddressPool,
    ContainerDefaults,
    NetworkDefaults,
    Settings,
    TransferSettings,
)
from wherry.engine.system.info import Identity, Seen, document, warnings, without_password
from wherry.engine.system.support import Support

ALL = Support(
    True, True, True, True, True, True, True, True, True, True,
    frozenset({"read_bps", "write_bps", "read_iops", "write_iops"}),
)  # fmt: skip
IDENTITY = Identity("0123456789ab", "/data")
SEEN = Seen(
    statuses=[Status.RUNNING, Status.PAUSED, Status.EXITED, Status.CREATED],
    images=3, listeners=1, support=ALL, machine={"NCPU": 2}, file_system="xfs", forwarding=True,
    networking=True, init_binary="docker-init", init_commit="abc", time="now",
)  # fmt: skip


def test_what_is_there_is_counted() -> None:
    told = document(IDENTITY, Settings(), SEEN)
    assert [told[f"Containers{kind}"] for kind in ("", "Running", "Paused", "Stopped")] == [
        4, 1, 1, 2,
    ]  # fmt: skip
    assert (told["ID"], told["DockerRootDir"], told["NCPU"]) == ("0123456789ab", "/data", 2)
    assert ["Backing Filesystem", "xfs"] in told["DriverStatus"]
    assert told["Warnings"] is None
    assert "DefaultAddressPools" not in told


def test_the_settings_are_shown() -> None:
    settings = Settings(
        containers=ContainerDefaults(log_driver="local", no_new_privileges=True),
        networks=NetworkDefaults(address_pools=(AddressPool(IPv4Network("10.0.0.0/8"), 24),)),
        transfers=TransferSettings(
            http_proxy="http://me:secret@p:1", no_proxy="a,b", mirrors=("https://m/",),
            insecure_registries=("r:5000", "10.0.0.0/8", "2001:db8::/32"),
        ),
        labels=("a=b",), debug=True,
    )  # fmt: skip
    told = document(IDENTITY, settings, SEEN)
    assert (told["LoggingDriver"], told["Labels"], told["Debug"]) == ("local", ["a=b"], True)
    assert told["DefaultAddressPools"] == [{"Base": "10.0.0.0/8", "Size": 24}]
    assert (told["HttpProxy"], told["NoProxy"]) == ("http://xxxxx:xxxxx@p:1", "a,b")
    registries = told["RegistryConfig"]
    assert registries["Mirrors"] == ["https://m/"]
    assert registries["InsecureRegistryCIDRs"][2:] == ["10.0.0.0/8", "2001:db8::/32"]
    assert set(registries["IndexConfigs"]) == {"docker.io", "r:5000"}
    assert told["SecurityOptions"] == [
        "name=seccomp,profile=builtin", "name=cgroupns", "name=no-new-privileges",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy:1", "http://proxy:1"),
        ("http://user@proxy:1/@", "http://xxxxx:xxxxx@proxy:1/@"),
        ("http://proxy:1/a@b", "http://proxy:1/a@b"),
        ("", ""),
    ],
)
def test_who_logs_in_at_a_proxy_is_hidden(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("encrypted", "verified", "words"),
    [
        (False, False, "WARNING: API is accessible on http://0.0.0.0:2375 without encryption."),
        (True, False, "https://0.0.0.0:2375 without TLS client verification."),
        (True, True, ""),
    ],
)
def test_an_open_door_is_told(encrypted: bool, verified: bool, words: str) -> None:
    hosts = ("unix:///run/x.sock", "tcp://0.0.0.0:2375")
    identity = Identity("i", "/d", hosts, encrypted, verified)
    found = warnings(identity, Settings(), SEEN)
    assert (words in found[0]) if words else (found == [])


def test_what_else_an_operator_should_know() -> None:
    settings = Settings(containers=ContainerDefaults(seccomp_profile="/p.json"))
    limited = replace(ALL, swap=False)
    seen = replace(SEEN, forwarding=False, support=limited)
    assert warnings(IDENTITY, settings, seen) == [
        "WARNING: No swap limit support",
        "WARNING: IPv4 forwarding is disabled",
        "WARNING: daemon is not using the default seccomp profile",
    ]
    # Nothing has been forwarded yet: it is switched on with the first network.
    assert warnings(IDENTITY, Settings(), replace(SEEN, forwarding=False, networking=False)) == []
