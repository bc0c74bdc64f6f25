"""Every setting, read from the file and from its flag, and where it lands."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from wherry.daemon.configuration import ConfigurationError, Options, load
from wherry.daemon.configuration.options import NO_LIMIT
from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table import BY_KEY, TABLE
from wherry.engine.settings import AddressPool

POOL = AddressPool(IPv4Network("10.10.0.0/16"), 24)
MTU = "com.docker.network.driver.mtu"
# What the file has, the words of a command line that say the same, and what becomes of it.
CASES: dict[str, tuple[Any, list[str], Any]] = {
    "hosts": (
        ["unix:///run/a.sock", "tcp://127.0.0.1"],
        ["-H", "unix:///run/a.sock", "--host=127.0.0.1"],
        ("unix:///run/a.sock", "tcp://127.0.0.1:2375"),
    ),
    "group": ("root", ["-G", "root"], "root"),
    "data-root": ("/srv/../srv/w", ["--data-root", "/srv/w"], "/srv/w"),
    "exec-root": ("/run/w", ["--exec-root=/run/w"], "/run/w"),
    "pidfile": ("/run/w.pid", ["-p", "/run/w.pid"], "/run/w.pid"),
    "debug": (True, ["-D"], True),
    "log-level": ("WARN", ["-l", "warn"], "warn"),
    "log-format": ("json", ["--log-format", "json"], "json"),
    "labels": (["a=1", "b="], ["--label", "a=1", "--label", "b="], ("a=1", "b=")),
    "keepers": (2, ["--keepers", "2"], 2),
    "default-ulimits": (
        {"nofile": {"Name": "nofile", "Hard": 4096, "Soft": 1024}, "core": {"soft": -1}},
        ["--default-ulimit", "nofile=1024:4096", "--default-ulimit", "core=-1"],
        {"nofile": (1024, 4096), "core": (-1, -1)},
    ),
    "default-shm-size": ("128M", ["--default-shm-size", "128m"], 128 << 20),
    "default-ipc-mode": ("shareable", ["--default-ipc-mode", "shareable"], "shareable"),
    "default-cgroupns-mode": ("host", ["--default-cgroupns-mode", "host"], "host"),
    "init": (True, ["--init"], True),
    "init-path": ("/usr/bin/tini", ["--init-path", "/usr/bin/tini"], "/usr/bin/tini"),
    "no-new-privileges": (True, ["--no-new-privileges=1"], True),
    "seccomp-profile": ("unconfined", ["--seccomp-profile", "unconfined"], "unconfined"),
    "cgroup-parent": ("/some/where", ["--cgroup-parent", "/some/where"], "/some/where"),
    "log-driver": ("local", ["--log-driver", "local"], "local"),
    "log-opts": (
        {"max-size": "1m", "max-file": "3"},
        ["--log-opt", "max-size=1m", "--log-opt", "max-file=3"],
        {"max-size": "1m", "max-file": "3"},
    ),
    "dns": (["192.0.2.53", "2001:db8::1"], ["--dns", "192.0.2.53", "--dns", "2001:DB8::1"],
            ("192.0.2.53", "2001:db8::1")),
    "dns-opts": (["ndots:2"], ["--dns-opt", "ndots:2"], ("ndots:2",)),
    "dns-search": ([".", "a.example"], ["--dns-search", ".", "--dns-search", "a.example"],
                   (".", "a.example")),
    "bridge": ("none", ["-b", "none"], "none"),
    "bip": ("192.168.9.1/24", ["--bip", "192.168.9.1/24"], IPv4Interface("192.168.9.1/24")),
    "fixed-cidr": ("192.168.9.128/25", ["--fixed-cidr", "192.168.9.128/25"],
                   IPv4Network("192.168.9.128/25")),
    "default-gateway": ("192.168.9.9", ["--default-gateway", "192.168.9.9"],
                        IPv4Address("192.168.9.9")),
    "mtu": (1400, ["--mtu", "1400"], 1400),
    "icc": (False, ["--icc=false"], False),
    "ip-masq": (False, ["--ip-masq=0"], False),
    "ip": ("127.0.0.1", ["--ip", "127.0.0.1"], "127.0.0.1"),
    "default-address-pools": (
        [{"base": "10.10.0.0/16", "size": 24}],
        ["--default-address-pool", "base=10.10.0.0/16,size=24"], (POOL,),
    ),
    "default-network-opts": (
        {"bridge": {MTU: "1400"}}, ["--default-network-opt", f"bridge={MTU}=1400"], {MTU: "1400"},
    ),
    "registry-mirrors": (["https://m.example"], ["--registry-mirror", "https://m.example"],
                         ("https://m.example",)),
    "insecure-registries": (
        ["r.example:5000", "10.0.0.0/8"],
        ["--insecure-registry", "http://r.example:5000/", "--insecure-registry", "10.0.0.0/8"],
        ("r.example:5000", "10.0.0.0/8"),
    ),
    "max-concurrent-downloads": (6, ["--max-concurrent-downloads", "6"], 6),
    "max-concurrent-uploads": (2, ["--max-concurrent-uploads=2"], 2),
    "max-download-attempts": (8, ["--max-download-attempts", "8"], 8),
    "proxies.http-proxy": ("http://p:1", ["--http-proxy", "http://p:1"], "http://p:1"),
    "proxies.https-proxy": ("http://p:2", ["--https-proxy", "http://p:2"], "http://p:2"),
    "proxies.no-proxy": ("a,.b", ["--no-proxy", "a,.b"], "a,.b"),
}  # fmt: skip
# Settings that several make one of: looked at by tests of their own, below.
TOGETHER = {"tls", "registry", "build_cache"}


def options(folder: Path, content: Any, *flags: str) -> Options:
    file = folder / "daemon.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return load(["--config-file", str(file), *flags])


def nested(setting: Setting, value: Any) -> Any:
    for name in reversed(setting.path):
        value = {name: value}
    return value


def landed(found: Any, setting: Setting) -> Any:
    for name in setting.into.split("."):
        found = getattr(found, name)
    return found


def test_every_setting_that_acts_is_looked_at() -> None:
    single = {one.key for one in TABLE if one.acts and one.into.split(".")[0] not in TOGETHER}
    assert set(CASES) == single


@pytest.mark.parametrize("key", CASES)
def test_from_the_file(key: str, tmp_path: Path) -> None:
    value, _, wanted = CASES[key]
    setting = BY_KEY[key]
    assert landed(Options(), setting) != wanted, "the default would pass, too"
    assert landed(options(tmp_path, nested(setting, value)), setting) == wanted


@pytest.mark.parametrize("key", CASES)
def test_from_its_flag_which_goes_before_the_file(key: str, tmp_path: Path) -> None:
    _, words, wanted = CASES[key]
    setting = BY_KEY[key]
    assert landed(options(tmp_path, {}, *words), setting) == wanted
    other = nested(setting, ["something", "else"])
    assert landed(options(tmp_path, other, *words), setting) == wanted


@pytest.mark.parametrize("key", [one.key for one in TABLE if one.acts])
def test_empty_is_as_if_it_were_not_there(key: str, tmp_path: Path) -> None:
    setting = BY_KEY[key]
    for empty in ("", None, [], {}, 0):
        assert options(tmp_path, nested(setting, empty)) == Options()


@pytest.mark.parametrize("key", [one.key for one in TABLE if one.acts and one.path[0] != "builder"])
def test_a_wrong_type_is_told_with_its_line(key: str, tmp_path: Path) -> None:
    setting = BY_KEY[key]
    wrong: Any = 7 if setting.form.name != "a whole number" else "seven"
    wrong = 1.5 if setting.form.name == "a size" else wrong
    text = "\n\n" + json.dumps(nested(setting, wrong))
    with pytest.raises(ConfigurationError) as caught:
        options(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/daemon.json:3: {key}: ")
    assert "wanted" in str(caught.value) or "not supported" in str(caught.value)


def test_the_pidfile_follows_the_exec_root(tmp_path: Path) -> None:
    assert options(tmp_path, {"exec-root": "/x/y"}).pidfile == "/x/y/wherryd.pid"


@pytest.mark.parametrize(
    ("gc", "flags", "kept"),
    [
        ({}, [], 0),
        ({"enabled": False}, [], NO_LIMIT),
        ({"enabled": True, "defaultKeepStorage": "20GB"}, [], 20 << 30),
        ({"defaultReservedSpace": "3g"}, [], 3 << 30),
        ({"defaultKeepStorage": "20GB", "defaultMaxUsedSpace": "30GB"}, [], 30 << 30),
        ({"defaultKeepStorage": "20GB"}, ["--build-cache", "5GB"], 5 << 30),
        ({"defaultKeepStorage": "x"}, ["--build-cache=1m"], 1 << 20),
    ],
)
def test_the_build_cache(gc: Any, flags: list[str], kept: int, tmp_path: Path) -> None:
    assert options(tmp_path, {"builder": {"gc": gc}}, *flags).build_cache == kept


def test_relative_paths_of_flags_are_of_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert options(tmp_path, {}, "--data-root", "d").data_root == f"{tmp_path}/d"
    with pytest.raises(ConfigurationError, match="a path is wanted that begins with /"):
        options(tmp_path, {"data-root": "d"})
