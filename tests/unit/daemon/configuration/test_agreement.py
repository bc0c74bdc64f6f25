"""Settings that contradict each other, and files that cannot be used: told with line and key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from wherry.daemon.configuration import ConfigurationError, Options, TlsOptions, load


def options(folder: Path, content: Any, *flags: str) -> Options:
    file = folder / "daemon.json"
    # A key in each line, the first in line 2.
    file.write_text(json.dumps(content, indent=1) if not isinstance(content, str) else content)
    return load(["--config-file", str(file), *flags])


def problems(folder: Path, content: Any, *flags: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        options(folder, content, *flags)
    return [str(p).replace(f"{folder}/daemon.json", "f") for p in caught.value.problems]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Return an authority, a certificate and its key, as the settings name them."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    paths = {name: str(tmp_path / f"{name}.pem") for name in ("tlscacert", "tlscert", "tlskey")}
    authority.cert_pem.write_to_path(paths["tlscacert"])
    issued.cert_chain_pems[0].write_to_path(paths["tlscert"])
    issued.private_key_pem.write_to_path(paths["tlskey"])
    return paths


@pytest.mark.parametrize(
    ("said", "verify"),
    [
        ({"tls": True}, True),
        ({"tlsverify": True}, True),
        ({"tls": True, "tlsverify": False}, False),
    ],
)
def test_tls(said: dict[str, bool], verify: bool, tmp_path: Path, files: dict[str, str]) -> None:
    found = options(tmp_path, {**said, **files})
    wanted = TlsOptions(files["tlscert"], files["tlskey"], files["tlscacert"], verify)
    assert found.tls == wanted
    words = [f"--{key}={str(value).lower()}" for key, value in said.items()]
    words += [word for key, path in files.items() for word in (f"--{key}", path)]
    assert options(tmp_path, {}, *words).tls == wanted


def test_tls_gives_hosts_its_port(tmp_path: Path, files: dict[str, str]) -> None:
    found = options(tmp_path, {"tlsverify": True, **files, "hosts": ["tcp://0.0.0.0"]})
    assert found.hosts == ("tcp://0.0.0.0:2376",)


@pytest.mark.parametrize("said", [{"tls": False}, {"tls": False, "tlsverify": False},
                                  {"tlsverify": False}])  # fmt: skip
def test_no_tls(said: dict[str, bool], tmp_path: Path) -> None:
    assert options(tmp_path, said).tls is None


def test_tls_that_lacks_something(tmp_path: Path, files: dict[str, str]) -> None:
    del files["tlscacert"]
    assert problems(tmp_path, {**files, "tlsverify": True}) == [
        (
            "f:4: tlsverify: tlscacert is missing: the authority that signs the certificates of"
            ' clients; or say "tlsverify": false; `wherry tls init` makes them'
        )
    ]
    assert [line.split(":")[3] for line in problems(tmp_path, {"tls": True})] == [
        " tlscert is missing", " tlskey is missing", " tlscacert is missing"
    ]  # fmt: skip
    assert problems(tmp_path, {}, "--tls", "--tlsverify=false")[0] == (
        "--tls: tlscert is missing: TLS needs a certificate and its key; `wherry tls init` makes"
        " them"
    )


def test_files_without_tls(tmp_path: Path, files: dict[str, str]) -> None:
    assert problems(tmp_path, files) == [
        "f:3: tlscert: without effect unless tlsverify or tls is true"
    ]
    assert options(tmp_path, {"tls": False, **files}).tls is None


def test_tls_that_contradicts_itself(tmp_path: Path, files: dict[str, str]) -> None:
    assert problems(tmp_path, {"tls": False, **files}, "--tlsverify") == [
        "f:2: tls: false contradicts --tlsverify: leave it out"
    ]


def test_certificates_that_cannot_be_used(tmp_path: Path, files: dict[str, str]) -> None:
    missing = {**files, "tlskey": str(tmp_path / "none")}
    assert problems(tmp_path, {"tlsverify": True, **missing}) == [
        f"f:5: tlskey: {tmp_path}/none cannot be read: no such file or directory"
    ]
    swapped = {**files, "tlscert": files["tlskey"]}
    (told,) = problems(tmp_path, {"tlsverify": True, **swapped})
    assert told.startswith(f"f:4: tlscert: tlscert {files['tlskey']} and tlskey")


def test_hosts(tmp_path: Path) -> None:
    assert problems(tmp_path, {"hosts": ["tcp://127.0.0.1", "tcp://:2375", "x://"]}) == [
        "f:2: hosts: tcp://127.0.0.1:2375 stands there twice",
        'f:5: hosts[3]: an address begins with unix://, tcp:// or fd://, not "x://"',
    ]
    assert problems(tmp_path, {}, "-H", "unix:///a", "--host", "unix:///a") == [
        "-H: unix:///a stands there twice"
    ]


def test_tcp_for_others_without_tls_has_to_be_meant(tmp_path: Path) -> None:
    hosts = {"hosts": ["tcp://0.0.0.0:2375"]}
    (told,) = problems(tmp_path, hosts)
    assert told.startswith(
        "f:2: hosts: whoever reaches tcp://0.0.0.0:2375 would be root on this machine: set"
    )
    for meant in ({"tls": False}, {"tlsverify": False}):
        assert options(tmp_path, {**hosts, **meant}).hosts == ("tcp://0.0.0.0:2375",)
    assert options(tmp_path, hosts, "--tls=false").tls is None
    for local in ("tcp://127.0.0.2:1", "tcp://localhost:1", "tcp://[::1]:1"):
        assert options(tmp_path, {"hosts": [local]}).hosts == (local,)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            {"bip": "192.168.9.1/24", "fixed-cidr": "192.168.8.0/25"},
            "f:3: fixed-cidr: 192.168.8.0/25 is not inside 192.168.9.0/24, which bip says",
        ),
        (
            {"bip": "192.168.9.1/24", "default-gateway": "192.168.8.1"},
            "f:3: default-gateway: 192.168.8.1 is not inside 192.168.9.0/24, the default network",
        ),
        (
            {"bip": "192.168.9.1/24", "default-gateway": "192.168.9.1"},
            "f:3: default-gateway: 192.168.9.1 is the engine's own address: leave it out",
        ),
        (
            {"bridge": "none", "bip": "192.168.9.1/24"},
            'f:3: bip: there is no default network with bridge "none"',
        ),
        (
            {"data-root": "/x", "exec-root": "/x/"},
            "f:2: data-root: data-root and exec-root are both /x: they need two directories",
        ),
        (
            {"exec-root": "/var/lib/wherry"},
            ("f:2: exec-root: data-root and exec-root are both /var/lib/wherry: they need two"
            " directories"),
        ),
        (
            {"group": "none-such"},
            "f:2: group: there is no group none-such: make it with `groupadd none-such`",
        ),
        ({"labels": ["a=1", "a=1", "b=1", "b=2"]}, "f:2: labels: b is both 1 and 2"),
        (
            {"seccomp-profile": "/none/of/it"},
            "f:2: seccomp-profile: /none/of/it cannot be read: no such file or directory",
        ),
        (
            {"log-driver": "syslog"},
            ("f:2: log-driver: logger: no log driver named 'syslog' is registered: there are"
            " json-file, local, none"),
        ),
        (
            {"log-opts": {"max-size": "big"}},
            "f:2: log-opts: invalid log opt max-size=big: a size such as 10m",
        ),
        (
            {"registry-htpasswd": "/x"},
            "f:2: registry-htpasswd: without effect unless registry says where to serve",
        ),
        (
            {"registry": ":5001", "registry-tls-key": "/k"},
            "f:3: registry-tls-key: registry-tls-certificate and registry-tls-key go together",
        ),
    ],
)  # fmt: skip
def test_conflicts(content: Any, told: str, tmp_path: Path) -> None:
    assert problems(tmp_path, content) == [told]


def test_conflicts_between_flag_and_file(tmp_path: Path) -> None:
    told = problems(tmp_path, {"bip": "192.168.9.1/24"}, "--fixed-cidr", "10.0.0.0/24")
    assert told == ["--fixed-cidr: 10.0.0.0/24 is not inside 192.168.9.0/24, which bip says"]


def test_everything_that_is_wrong_is_told_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """{
  "dns": "1.1.1.1",
  "mtu": -1, # too small
  "lables": [],
  "host": [],
  "http-proxy": "p",
  "graph": "/x",
  "proxies": {"httpproxy": "http://u:secret@p"},
  "log-driver": "journald",
  "builder": 5,
  "zzzzz": 1, "builder.gc.enabled": false,
  "default-ulimits": {"nofile": {"Soft": 9, "Hard": 8}, "x": {}},
}"""
    assert problems(tmp_path, text, "--ip", "here") == [
        '--ip: an IPv4 address of this machine, such as "127.0.0.1", is wanted, not "here"',
        'f:2: dns: a list is wanted, such as ["192.0.2.53"], not "1.1.1.1": write ["1.1.1.1"]',
        "f:3: mtu: a whole number from 0 to 65535 is wanted, not -1",
        'f:4: lables: unknown key: did you mean "labels"?',
        'f:5: host: unknown key: write "hosts"',
        'f:6: http-proxy: unknown key: write "http-proxy" inside of "proxies"',
        'f:7: graph: unknown key: it is called "data-root"',
        'f:8: proxies.httpproxy: unknown key: did you mean "http-proxy"?',
        (
            "f:9: log-driver: logger: no log driver named 'journald' is registered: there are"
            " json-file, local, none"
        ),
        "f:10: builder: an object is wanted, { }, not 5",
        "f:11: zzzzz: unknown key: leave it out",
        'f:11: builder.gc.enabled: unknown key: write "enabled" inside of "builder.gc"',
        "f:12: default-ulimits.nofile: the soft limit 9 is above the hard one, 8",
        (
            "f:12: default-ulimits.x: there is no such limit: known are core, cpu, data, fsize,"
            " locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack"
        ),
    ]


def test_no_message_has_a_password(tmp_path: Path) -> None:
    for value in ("http://u:hush@p q", "http://u:hush@p\n", ["http://u:hush@p"]):
        (told,) = problems(tmp_path, {"proxies": {"http-proxy": value}})
        assert "hush" not in told
