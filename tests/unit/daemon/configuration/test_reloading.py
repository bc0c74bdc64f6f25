"""What SIGHUP changes, what waits for a restart, and that a broken file changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from wherry.daemon.configuration import ConfigurationError, Options, RegistryOptions, load, reload
from wherry.daemon.configuration.reloading import merge
from wherry.daemon.configuration.table import BY_KEY, TABLE

# One value for each setting that is not its default; those that need others are looked at below.
OTHER: dict[str, Any] = {
    "hosts": ["unix:///a"], "group": "root", "data-root": "/a", "exec-root": "/b", "pidfile": "/c",
    "debug": True, "log-level": "warn", "log-format": "json", "labels": ["a=1"], "keepers": 2,
    "default-ulimits": {"core": {"Soft": 0, "Hard": 0}}, "default-shm-size": "1m",
    "default-ipc-mode": "shareable", "default-cgroupns-mode": "host", "init": True,
    "init-path": "/i", "no-new-privileges": True, "seccomp-profile": "unconfined",
    "cgroup-parent": "/c", "log-driver": "none", "log-opts": {"max-size": "1m"},
    "dns": ["192.0.2.1"], "dns-opts": ["rotate"], "dns-search": ["."], "bridge": "none",
    "bip": "10.9.0.1/16", "fixed-cidr": "10.9.0.0/24", "default-gateway": "10.9.0.9", "mtu": 1400,
    "icc": False, "ip-masq": False, "ip": "127.0.0.1",
    "default-address-pools": [{"base": "10.0.0.0/8", "size": 24}],
    "default-network-opts": {"bridge": {"a": "b"}}, "registry-mirrors": ["http://m"],
    "insecure-registries": ["r"], "max-concurrent-downloads": 9, "max-concurrent-uploads": 9,
    "max-download-attempts": 9, "proxies": {"http-proxy": "p", "https-proxy": "q",
                                            "no-proxy": "r"},
}  # fmt: skip
RELOADED_BY_DOCKERD = {
    "debug", "labels", "max-concurrent-downloads", "max-concurrent-uploads",
    "max-download-attempts", "insecure-registries", "registry-mirrors",
}  # fmt: skip


def write(folder: Path, content: Any) -> list[str]:
    file = folder / "daemon.json"
    file.write_text(json.dumps(content))
    return ["--config-file", str(file)]


@pytest.mark.parametrize("key", OTHER)
def test_each_setting(key: str, tmp_path: Path) -> None:
    words = write(tmp_path, {})
    old = load(words)
    found = reload(old, write(tmp_path, {key: OTHER[key]}))
    settings = [one for one in TABLE if one.path[0] == key]
    if settings[0].reloads:
        assert (found.applied, found.waiting) == (tuple(one.key for one in settings), ())
        assert found.options == load(words) != old
        # And back again.
        assert reload(found.options, write(tmp_path, {})).options == old
    else:
        expected = ("exec-root", "pidfile") if key == "exec-root" else (key,)
        assert (found.applied, found.waiting) == ((), expected)
        assert found.options == old


def test_the_ones_that_dockerd_reloads_are_reloaded() -> None:
    assert all(BY_KEY[key].reloads for key in RELOADED_BY_DOCKERD)
    # A reload gives the engine its settings; what is elsewhere or in the kernel waits, but the log.
    for setting in TABLE:
        if setting.reloads and setting.key != "log-level":
            assert setting.into.startswith("engine.")
            assert not setting.into.startswith("engine.networks.")


def test_all_at_once(tmp_path: Path) -> None:
    old = load(write(tmp_path, {}))
    del (content := dict(OTHER))["bip"], content["fixed-cidr"], content["default-gateway"]
    found = reload(old, write(tmp_path, content))
    keys = {one.key for one in TABLE if one.path[0] in content}
    assert set(found.applied) == {key for key in keys if BY_KEY[key].reloads}
    assert set(found.waiting) == keys - set(found.applied)
    assert found.options.engine.networks == old.engine.networks
    assert found.options.engine.containers.dns == ("192.0.2.1",)


def test_a_flag_goes_before_the_file_again(tmp_path: Path) -> None:
    words = [*write(tmp_path, {}), "--label", "a=1"]
    old = load(words)
    write(tmp_path, {"labels": ["b=1"], "debug": True})
    found = reload(old, words)
    assert found.applied == ("debug",)
    assert found.options.engine.labels == ("a=1",)


def test_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    words = write(tmp_path, {"labels": ["a=1"]})
    old = load(words)
    (tmp_path / "daemon.json").write_text('{"labels": ["b=1"], "mtu": -1}')
    with pytest.raises(ConfigurationError, match="mtu: a whole number"):
        reload(old, words)
    (tmp_path / "daemon.json").unlink()
    with pytest.raises(ConfigurationError, match="there is no such file"):
        reload(old, words)
    assert old.engine.labels == ("a=1",)


def test_tls_and_registry_wait(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    both = str(tmp_path / "both.pem")
    tls = {"tlsverify": True, "tlscert": both, "tlskey": both, "tlscacert": f"{tmp_path}/ca.pem"}
    old = load(write(tmp_path, {}))
    found = reload(old, write(tmp_path, {**tls, "registry": ":5001", "registry-htpasswd": "/x"}))
    assert found.options == old
    assert found.waiting == (
        "tls", "tlsverify", "tlscacert", "tlscert", "tlskey", "registry", "registry-htpasswd"
    )  # fmt: skip
    served = load(write(tmp_path, tls))
    same = f"{tmp_path}/../{tmp_path.name}/both.pem"
    again = reload(served, write(tmp_path, {**tls, "tlscert": same}))
    assert again.waiting == ()


def test_only_what_changed_is_named() -> None:
    old = Options(registry=RegistryOptions("", 5001), build_cache=5)
    new = Options(registry=RegistryOptions("", 5001, htpasswd="/x"), build_cache=6)
    assert merge(old, new).waiting == ("builder.gc", "registry-htpasswd")
    assert merge(old, old) == merge(old, Options(registry=old.registry, build_cache=5))


def test_notes_are_those_of_the_new_file(tmp_path: Path) -> None:
    old = load(write(tmp_path, {}))
    found = reload(old, write(tmp_path, {"live-restore": True}))
    assert len(found.options.notes) == 1
    assert (found.applied, found.waiting) == ((), ())
