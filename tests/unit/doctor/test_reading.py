"""What the kernel and programs print is read right."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from wherry.doctor import filters, mounted, others
from wherry.doctor.cgroups import kernel_controllers
from wherry.doctor.disk import memory
from wherry.doctor.engine import engine_version
from wherry.doctor.installation import needed, satisfies
from wherry.doctor.kernel import capabilities, version
from wherry.doctor.machine import Process, flags_of, is_keeper
from wherry.doctor.network import routes
from wherry.doctor.settings import standing_in
from wherry.linux import mountinfo


@pytest.mark.parametrize(
    ("release", "numbers"),
    [
        ("6.1.0-18-amd64", (6, 1)),
        ("5.4", (5, 4)),
        ("6.18.44-fc", (6, 18)),
        ("6.12+deb13", (6, 12)),
        ("7", (7, 0)),
        ("strange", (0, 0)),
    ],
)
def test_releases(release: str, numbers: tuple[int, int]) -> None:
    assert version(release) == numbers


def test_capabilities_by_number() -> None:
    status = "Name:\tx\nCapInh:\t0000000000000001\nCapEff:\t0000000000200003\nCapBnd:\tff\n"
    assert capabilities(status) == {0, 1, 21}
    assert capabilities("Name:\tx\n") == frozenset()


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv/a\\040b ro,nosuid - tmpfs none ro,size=4k
31 22 8:1 /sub /var rw - ext4 /dev/sda1 rw
32 31 0:41 / /var rw - xfs /dev/sdb ro
"""


def test_mounts() -> None:
    known = mountinfo.parse(MOUNTS)
    assert [m.target for m in known] == ["/", "/srv/a b", "/var", "/var"]
    blank = mountinfo.mount_of(known, "/srv/a b/c")
    assert blank is not None
    assert blank.options == {"ro", "nosuid"}
    assert mounted.made_writable(blank) == "mount -o remount,rw '/srv/a b'"
    # Of two at one place the later hides the other; a name that begins alike is another place.
    assert mountinfo.mount_of(known, "/var/lib") == known[3]
    assert mountinfo.mount_of(known, "/variable") == known[0]
    assert mounted.made_writable(known[2]) == "mount -o remount,bind,rw /var"
    assert mountinfo.unescape("a\\134b\\011c") == "a\\b\tc"


def test_controllers() -> None:
    text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t5\t1\nmemory\t0\t1\t0\n"
    assert kernel_controllers(text) == {"cpu": True, "memory": False}


def test_memory() -> None:
    text = "MemTotal:       1024 kB\nHugePages_Total:       3\nMemAvailable:   512 kB\n"
    assert memory(text) == {
        "MemTotal": 1 << 20, "HugePages_Total": 3072, "MemAvailable": 1 << 19,
    }  # fmt: skip


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
whb1234-abcdef\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def test_routes() -> None:
    assert [(r.interface, r.network) for r in routes(ROUTES)] == [
        ("eth0", IPv4Network("192.168.0.0/16")),
        ("whb1234-abcdef", IPv4Network("172.17.0.0/16")),
    ]


def chain(policy: str | None, *rules: list[dict[str, Any]]) -> filters.Chain:
    base = {"family": "inet", "table": "fw", "name": "f", "hook": "forward", "policy": policy}
    listed = [{"metainfo": {}}, {"chain": base}, *({"rule": {"expr": rule}} for rule in rules)]
    return filters.read_chain(listed)


def passing(key: str, name: str = "whb*", **more: object) -> list[dict[str, Any]]:
    match = {"op": "==", "left": {"meta": {"key": key}}, "right": name} | more
    return [{"match": match}, {"counter": {}}, {"accept": None}]


def test_chains_that_drop() -> None:
    assert not chain("accept").drops
    assert chain("drop").drops
    assert chain("accept", passing("iifname"), [{"counter": {}}, {"drop": None}]).drops
    assert chain("accept", [{"reject": {"type": "icmpx"}}]).drops
    assert chain("accept", [{"xt": {"type": "target", "name": "REJECT"}}]).drops
    # A rule that drops some packets, or one that is not the last, is no end.
    assert not chain("accept", [*passing("iifname")[:1], {"drop": None}]).drops
    assert not chain("accept", [{"drop": None}], passing("iifname")).drops


def test_chains_that_let_bridges_pass() -> None:
    both = chain("drop", passing("iifname"), passing("oifname", "whb1a2b-*"))
    assert both.passes == {"iifname", "oifname"}
    assert chain("drop", passing("iifname", "docker0")).passes == set()
    assert chain("drop", passing("iifname", op="!=")).passes == set()
    narrow = passing("iifname")
    narrow.insert(0, {"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": "new"}})
    assert chain("drop", narrow).passes == set()


def test_older_iptables() -> None:
    dropping = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n"
    assert filters.legacy_missing(dropping) == ["-i", "-o"]
    assert filters.legacy_missing(dropping + "-A FORWARD -i whb+ -j ACCEPT\n") == ["-o"]
    assert filters.legacy_missing("-P FORWARD ACCEPT\n") == []


def test_what_takes_out_chains_of_docker() -> None:
    def of(kind: str, **more: object) -> dict[str, Any]:
        return {kind: {"family": "ip", "table": "filter", **more}}

    listed = [
        of("chain", name="FORWARD", hook="forward"),
        of("chain", name="DOCKER"),
        of("chain", name="DOCKERISH"),
        of("rule", chain="FORWARD", handle=4, expr=[{"jump": {"target": "DOCKER"}}]),
        of("rule", chain="FORWARD", handle=5, expr=[{"jump": {"target": "DOCKERISH"}}]),
        of("rule", chain="DOCKER", handle=6, expr=[{"accept": None}]),
        {"chain": {"family": "ip6", "table": "mine", "name": "DOCKER"}},
    ]
    assert others.removal(listed) == [
        "delete rule ip filter FORWARD handle 4",
        "flush chain ip filter DOCKER",
        "delete chain ip filter DOCKER",
    ]
    assert others.removal([]) == []


def test_requirements() -> None:
    wanted = [
        "aiohttp<4,>=3.10",
        "backports.zstd>=1.0; python_version < '3.14'",
        'asyncpg>=0.30; extra == "cluster"',
        "uvicorn[standard] >= 1",
        "bare",
    ]
    assert needed(wanted, (3, 11)) == [
        ("aiohttp", "<4,>=3.10"),
        ("backports.zstd", ">=1.0"),
        ("uvicorn", ">= 1"),
        ("bare", ""),
    ]
    assert "backports.zstd" not in dict(needed(wanted, (3, 14)))


@pytest.mark.parametrize(
    ("there", "bounds", "holds"),
    [
        ("3.14.5", "<4,>=3.10", True),
        ("3.9", "<4,>=3.10", False),
        ("4.0", "<4,>=3.10", False),
        ("4.0rc1", "<4", False),
        ("1.0", "==1.0.0", True),
        ("2025.10", ">=2025.9", True),
        ("1", "", True),
    ],
)
def test_versions_of_libraries(there: str, bounds: str, holds: bool) -> None:
    assert satisfies(there, bounds) is holds


def test_processes_by_their_words() -> None:
    by_script = ["/opt/wherry/bin/python", "/opt/wherry/bin/wherryd", "--data-root", "/x"]
    assert flags_of(Process(1, by_script)) == ["--data-root", "/x"]
    assert flags_of(Process(1, ["python3", "-m", "wherry.daemon.main", "-D"])) == ["-D"]
    assert flags_of(Process(1, ["vi", "/etc/wherry/daemon.json"])) is None
    keeper = ["python", "-I", "-S", "-c", "from wherry.keeper.serve import main", "/p", "/run/w"]
    assert is_keeper(Process(1, keeper))
    assert not is_keeper(Process(1, by_script))


def test_versions_of_engines() -> None:
    ours = {"Components": [{"Name": "Engine", "Version": "28"}, {"Name": "wherry", "Version": "2"}]}
    assert engine_version(ours) == "2"
    assert engine_version({"Components": None, "Version": "28"}) == ""


def test_what_stands_in_for_a_broken_configuration() -> None:
    stood = standing_in(["--exec-root=/run/w", "--data-root", "/srv/w", "-D"], "/etc/x.json")
    assert (stood.exec_root, stood.pidfile) == ("/run/w", "/run/w/wherryd.pid")
    assert stood.data_root == "/srv/w"
    assert stood.config_file == "/etc/x.json"
