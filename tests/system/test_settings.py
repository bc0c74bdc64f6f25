"""Settings of daemon.json in a real wherryd: what containers and networks get of them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dnslib import QTYPE, RR, A, DNSRecord

from fixtures.configured import KEEP, Configured, configured
from fixtures.engine import Engine
from fixtures.registry import free_port
from fixtures.waiting import eventually

pytestmark = pytest.mark.timeout(180)

SUBNET = "10.213"


# --- new containers ----------------------------------------------------------------------------

CONTAINERS = {
    "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 777, "Hard": 888}},
    "default-shm-size": "32m",
    "default-ipc-mode": "shareable",
    "default-cgroupns-mode": "private",
    "init": True,
    "no-new-privileges": True,
    "log-opts": {"max-size": "1k", "max-file": "2"},
    "dns": ["10.9.9.9"],
    "dns-search": ["corp.test"],
    "dns-opts": ["ndots:3"],
}


@pytest.fixture(scope="module")
def containers() -> Iterator[Configured]:
    parent = f"/wherry-settings-{os.urandom(3).hex()}"
    with configured(CONTAINERS | {"cgroup-parent": parent}) as made:
        yield made
        made.engine.remove_containers()
    for top in Path("/sys/fs/cgroup").glob(f"*{parent}"):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)


def test_limits_and_privileges_of_processes(containers: Configured) -> None:
    script = "ulimit -n; ulimit -Hn; grep NoNewPrivs /proc/self/status; cat /proc/1/comm"
    said = containers.run("busybox", "sh", "-c", script).split()
    assert said[:2] == ["777", "888"]
    assert said[3] == "1"
    assert said[4] in ("docker-init", "tini-static", "tini", "catatonit")


def test_what_a_container_says_itself_wins(containers: Configured) -> None:
    script = "ulimit -n; grep NoNewPrivs /proc/self/status; cat /proc/1/comm; df -k /dev/shm"
    words = "--ulimit nofile=55:66 --security-opt no-new-privileges=false --init=false"
    given = (*words.split(), "--shm-size", "1m")
    said = containers.run(*given, "busybox", "sh", "-c", script).split()
    assert (said[0], said[2], said[3]) == ("55", "0", "sh")
    assert "1024" in said


def test_a_process_executed_later_has_the_limits_too(containers: Configured) -> None:
    container = containers.start()
    assert containers.exec(container, "sh", "-c", "ulimit -n") == "777\n"
    assert "NoNewPrivs:\t1" in containers.exec(container, "cat", "/proc/self/status")


def test_what_is_written_down_at_creation(containers: Configured) -> None:
    container = containers.start()
    host = containers.show("container", container)["HostConfig"]
    assert (host["ShmSize"], host["IpcMode"], host["CgroupnsMode"]) == (
        32 << 20, "shareable", "private",
    )  # fmt: skip
    assert host["LogConfig"] == {
        "Type": "json-file", "Config": {"max-size": "1k", "max-file": "2"},
    }  # fmt: skip
    assert "32768" in containers.exec(container, "df", "-k", "/dev/shm")
    own = os.readlink("/proc/self/ns/cgroup")
    assert containers.exec(container, "readlink", "/proc/self/ns/cgroup").strip() != own


def test_the_cgroup_lies_below_the_chosen_one(containers: Configured) -> None:
    parent = json.loads(containers.file.read_text())["cgroup-parent"]
    container = containers.start()
    pid = containers.show("container", container)["State"]["Pid"]
    assert f":{parent}/{container}" in Path(f"/proc/{pid}/cgroup").read_text()
    words = containers.run("--cgroup-parent", f"{parent}/own", "busybox", "cat", "/proc/1/cgroup")
    assert words  # it ran below another one, which --cgroup-parent chose


def test_names_are_asked_of_the_chosen_servers(containers: Configured) -> None:
    said = containers.run("busybox", "cat", "/etc/resolv.conf")
    assert said == "nameserver 10.9.9.9\nsearch corp.test\noptions ndots:3\n"
    own = containers.run("--dns", "10.8.8.8", "busybox", "cat", "/etc/resolv.conf")
    assert own.startswith("nameserver 10.8.8.8\nsearch corp.test\n")


def test_output_is_rotated_and_only_by_drivers_that_are_there(containers: Configured) -> None:
    script = "for n in $(seq 50000); do echo line $n; done"
    name = f"rotated-{os.urandom(3).hex()}"
    containers.engine.docker("run", "--name", name, "busybox", "sh", "-c", script)
    lines = containers.engine.docker("logs", name).stdout.splitlines()
    assert lines[-1] == "line 50000"
    assert len(lines) < 40000
    refused = containers.engine.docker("create", "--log-driver", "syslog", "busybox", check=False)
    assert "no log driver named 'syslog' is registered" in refused.stderr
    # The options above are for json-file alone.
    local = containers.engine.docker("create", "--log-driver", "local", "busybox").stdout.strip()
    assert containers.show("container", local)["HostConfig"]["LogConfig"]["Config"] == {}


def test_a_seccomp_profile_of_the_operator_s(containers: Configured) -> None:
    profile = containers.file.with_name("profile.json")
    rules = [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}]
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))
    settings = json.loads(containers.file.read_text())
    containers.reload(settings | {"seccomp-profile": str(profile)})
    eventually(lambda: "not using the default seccomp" in str(containers.info()["Warnings"]))
    make = ("busybox", "mkdir", "/made")
    refused = containers.engine.docker("run", "--rm", *make, check=False)
    assert refused.returncode == 1
    assert "Cannot assign requested address" in refused.stderr  # 99, and nobody else's
    containers.run("--security-opt", "seccomp=builtin", *make)
    containers.run("--security-opt", "seccomp=unconfined", *make)
    containers.reload(settings)
    eventually(lambda: containers.info()["Warnings"] is None)
    containers.run(*make)


# --- the default network -----------------------------------------------------------------------

BRIDGE = {
    "bip": f"{SUBNET}.0.1/24",
    "fixed-cidr": f"{SUBNET}.0.128/25",
    "default-gateway": f"{SUBNET}.0.9",
    "mtu": 1400,
    "icc": False,
    "ip": "127.0.0.1",
    "ip-masq": False,
    "default-address-pools": [{"base": f"{SUBNET}.64.0/18", "size": 26}],
    "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1300"}},
}


@pytest.fixture(scope="module")
def networks() -> Iterator[Configured]:
    with configured(BRIDGE) as made:
        yield made
        made.engine.remove_containers()


def test_the_default_network_is_as_it_was_asked_for(networks: Configured) -> None:
    container = networks.start()
    shown = networks.show("network", "bridge")
    assert shown["IPAM"]["Config"] == [
        {
            "Subnet": f"{SUBNET}.0.0/24",
            "Gateway": f"{SUBNET}.0.1",
            "IPRange": f"{SUBNET}.0.128/25",
            "AuxiliaryAddresses": {"DefaultGatewayIPv4": f"{SUBNET}.0.9"},
        }
    ]
    options = {key.rpartition(".")[2]: value for key, value in shown["Options"].items()}
    assert (options["mtu"], options["enable_icc"], options["host_binding_ipv4"]) == (
        "1400", "false", "127.0.0.1",
    )  # fmt: skip
    assert int(networks.address(container).rpartition(".")[2]) >= 128
    assert f"via {SUBNET}.0.9" in networks.exec(container, "ip", "route")
    assert "mtu 1400" in networks.exec(container, "ip", "link", "show", "eth0")
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True)
    assert f"saddr {SUBNET}.0.0/24 oifname != " not in rules.stdout  # nothing is masqueraded


def test_ports_are_published_on_the_chosen_address(networks: Configured) -> None:
    port = free_port()
    other = free_port()
    container = networks.engine.docker(
        "run", "-d", "-p", f"{port}:80", "-p", f"0.0.0.0:{other}:80", "busybox", *KEEP
    ).stdout.strip()
    bound = networks.show("container", container)["NetworkSettings"]["Ports"]["80/tcp"]
    assert {(one["HostIp"], one["HostPort"]) for one in bound} == {
        ("127.0.0.1", str(port)), ("0.0.0.0", str(other)),
    }  # fmt: skip
    with socket.socket() as taken, pytest.raises(OSError, match="in use"):
        taken.bind(("127.0.0.1", port))
    with socket.socket() as free:
        free.bind(("127.0.0.2", port))


def test_containers_are_kept_apart_but_for_links(networks: Configured) -> None:
    serve = ("sh", "-c", "nc -ll -p 80 -e echo web & nc -ll -p 81 -e echo hidden & wait")
    name = f"web-{os.urandom(3).hex()}"
    networks.engine.docker("run", "-d", "--name", name, "--expose", "80", "busybox", *serve)
    stranger, friend = networks.start(), networks.start("--link", f"{name}:web")

    def asks(container: str, port: int) -> str:
        target = networks.address(name)
        words = ("sh", "-c", f"echo | timeout 1 nc -w 1 {target} {port}")
        return networks.exec(container, *words, check=False)

    eventually(lambda: asks(friend, 80) == "web\n")
    assert asks(stranger, 80) == ""
    assert asks(friend, 81) == ""
    # Both reach the engine's own address, and the host reaches them.
    with socket.create_connection((networks.address(name), 81), 5) as connection:
        assert connection.recv(10) == b"hidden\n"
    # Who is started again has another address, and the link leads there.
    networks.engine.docker("restart", "-t", "0", name)
    eventually(lambda: asks(friend, 80) == "web\n")
    # An engine that comes back finds the links of those that ran on.
    networks.engine.kill()
    networks.engine.start()
    assert asks(friend, 80) == "web\n"
    assert asks(stranger, 80) == ""
    networks.engine.docker("rm", "-f", friend)
    assert asks(stranger, 80) == ""


def test_networks_get_the_pools_and_options(networks: Configured) -> None:
    names = [f"n{os.urandom(3).hex()}" for _ in range(2)]
    networks.engine.docker("network", "create", names[0])
    networks.engine.docker(
        "network", "create", "-o", "com.docker.network.driver.mtu=1280", names[1]
    )
    try:
        first, second = (networks.show("network", name) for name in names)
        assert first["IPAM"]["Config"][0]["Subnet"] == f"{SUBNET}.64.0/26"
        assert second["IPAM"]["Config"][0]["Subnet"] == f"{SUBNET}.64.64/26"
        assert first["Options"] == {"com.docker.network.driver.mtu": "1300"}
        for name, mtu in zip(names, ("1300", "1280"), strict=True):
            said = networks.run("--network", name, "busybox", "ip", "link", "show", "eth0")
            assert f"mtu {mtu}" in said
        shown = networks.info()["DefaultAddressPools"]
        assert shown == [{"Base": f"{SUBNET}.64.0/18", "Size": 26}]
    finally:
        networks.engine.docker("network", "rm", *names)


def test_a_network_of_a_user_s_can_be_kept_apart_too(networks: Configured) -> None:
    name = f"n{os.urandom(3).hex()}"
    options = ("enable_icc=false", "host_binding_ipv4=127.0.0.3")
    words = [word for o in options for word in ("-o", f"com.docker.network.bridge.{o}")]
    networks.engine.docker("network", "create", *words, name)
    try:
        port = free_port()
        web = networks.engine.docker(
            "run", "-d", "--network", name, "-p", f"{port}:80", "busybox",
            "nc", "-ll", "-p", "80", "-e", "echo", "web",
        ).stdout.strip()  # fmt: skip
        other = networks.start("--network", name)
        target = networks.address(web)
        with socket.create_connection((target, 80), 5) as connection:
            assert connection.recv(10) == b"web\n"
        said = networks.exec(other, "sh", "-c", f"timeout 1 nc -w 1 {target} 80", check=False)
        assert said == ""
        bound = networks.show("container", web)["NetworkSettings"]["Ports"]["80/tcp"]
        assert bound == [{"HostIp": "127.0.0.3", "HostPort": str(port)}]
        networks.engine.docker("rm", "-f", web, other)
    finally:
        networks.engine.docker("network", "rm", name)


def test_the_default_network_of_an_old_engine_changes_when_nobody_is_on_it() -> None:
    first, second = f"{SUBNET}.200.1/24", f"{SUBNET}.201.1/24"
    with configured({"bip": first}) as made:
        kept = made.start()
        stopped = made.engine.docker("create", "busybox", *KEEP).stdout.strip()
        made.restart({"bip": second})
        assert made.show("network", "bridge")["IPAM"]["Config"][0]["Gateway"] == f"{SUBNET}.200.1"
        assert "there are running containers" in made.engine.log.read_text()
        assert made.address(made.start()).startswith(f"{SUBNET}.200.")
        made.engine.docker("rm", "-f", kept)
        for running in made.engine.docker("ps", "-q").stdout.split():
            made.engine.docker("rm", "-f", running)
        made.restart({"bip": second})
        made.engine.docker("start", stopped)
        assert made.address(stopped).startswith(f"{SUBNET}.201.")
        made.engine.remove_containers()
        made.restart({})
        made.start()
        assert not made.show("network", "bridge")["IPAM"]["Config"][0]["Subnet"].startswith(SUBNET)
        made.engine.remove_containers()


def test_an_engine_without_a_default_network() -> None:
    with configured({}) as made:
        old = made.engine.docker("create", "busybox", *KEEP).stdout.strip()
        made.restart({"bridge": "none"})
        names = made.engine.docker("network", "ls", "--format", "{{.Name}}").stdout.split()
        assert sorted(names) == ["host", "none"]
        said = made.run("busybox", "ls", "/sys/class/net")
        assert said.split() == ["lo"]
        made.engine.docker("start", old)
        assert "eth0" not in made.exec(old, "ls", "/sys/class/net")
        made.engine.docker("network", "create", "own")
        assert "eth0" in made.run("--network", "own", "busybox", "ls", "/sys/class/net")
        made.engine.docker("network", "rm", "own")
        made.engine.docker("rm", "-f", old)
        made.restart({})
        assert "eth0" in made.run("busybox", "ls", "/sys/class/net")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bip": f"{SUBNET}.220.1/24", "default-gateway": "10.9.9.9"}, "default-gateway"),
        ({"default-gateway": "192.0.2.9"}, "default-gateway 192.0.2.9 is not in"),
        ({"seccomp-profile": "/no/such/profile.json"}, "/no/such/profile.json"),
        ({"log-driver": "journald"}, "journald"),
        ({"log-opts": {"max-sise": "1m"}}, "max-sise"),
        ({"default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "x"}}}, "MTU 'x'"),
        ({"insecure-registries": ["10.0.0.0/99"]}, "10.0.0.0/99"),
    ],
)
def test_settings_that_cannot_be_stop_the_start_with_words(
    settings: dict[str, Any], words: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="wr.") as name:
        file = Path(name) / "daemon.json"
        file.write_text(json.dumps(settings))
        engine = Engine(Path(name), "--config-file", str(file))
        with pytest.raises(RuntimeError, match="did not start"):
            engine.start()
        last = engine.log.read_text().splitlines()[-1]
        assert words in last
        assert "Traceback" not in last


def test_the_resolver_of_a_network_asks_the_chosen_servers() -> None:
    server = f"{SUBNET}.250.1"
    with configured({"bip": f"{server}/24", "dns": [server], "dns-search": ["corp.test"]}) as made:
        made.start()  # from now on the machine has that address
        made.engine.docker("network", "create", "own")
        with name_server(server, "1.2.3.4") as asked:
            said = made.run("--network", "own", "busybox", "nslookup", "elsewhere.test")
            assert "1.2.3.4" in said
            assert "elsewhere.test." in asked
            said = made.run("--network", "own", "busybox", "cat", "/etc/resolv.conf")
            assert said.startswith("nameserver 127.0.0.11\nsearch corp.test\n")
        made.engine.docker("network", "rm", "own")
        made.engine.remove_containers()


@contextlib.contextmanager
def name_server(address: str, answer: str) -> Iterator[list[str]]:
    """Answer every question for an address with one address; yields the names asked for."""
    asked: list[str] = []

    def serve() -> None:
        while True:
            data, client = listener.recvfrom(512)
            if data == b"end":
                return
            question = DNSRecord.parse(data)
            asked.append(str(question.q.qname))
            reply = question.reply()
            if question.q.qtype == QTYPE.A:
                reply.add_answer(RR(question.q.qname, rdata=A(answer)))
            listener.sendto(reply.pack(), client)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((address, 53))
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield asked
        finally:
            listener.sendto(b"end", (address, 53))
            thread.join()


# --- reload ------------------------------------------------------------------------------------


def test_a_reload_acts_on_what_begins_after_it_and_is_told() -> None:
    port = free_port()
    with configured({"labels": ["rack=1"], "mtu": 1400}) as made:
        events = subprocess.Popen(
            ["docker", "-H", made.engine.host, "events", "--filter", "type=daemon",
             "--format", "{{json .}}"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            eventually(lambda: made.info()["NEventsListener"] == 1)
            made.reload({
                "labels": ["rack=2"], "mtu": 1300, "debug": True, "max-concurrent-downloads": 7,
                "insecure-registries": ["10.0.0.0/8", "reg.test:5000"], "default-shm-size": "8m",
                "registry-mirrors": [f"http://127.0.0.1:{port}"], "log-driver": "local",
                "proxies": {"http-proxy": "http://me:pw@127.0.0.1:9"},
            })  # fmt: skip
            assert events.stdout is not None
            event = json.loads(events.stdout.readline())
        finally:
            events.kill()
            events.wait()
            assert events.stdout is not None
            events.stdout.close()
        assert (event["Type"], event["Action"]) == ("daemon", "reload")
        told = event["Actor"]["Attributes"]
        assert told["max-concurrent-downloads"] == "7"
        assert told["insecure-registries"] == '["10.0.0.0/8","reg.test:5000"]'
        assert told["default-shm-size"] == str(8 << 20)
        assert told["name"] == socket.gethostname()
        info = made.info()
        assert (info["Labels"], info["LoggingDriver"]) == (["rack=2"], "local")
        assert info["HttpProxy"] == "http://xxxxx:xxxxx@127.0.0.1:9"
        assert info["RegistryConfig"]["Mirrors"] == [f"http://127.0.0.1:{port}/"]
        assert "10.0.0.0/8" in info["RegistryConfig"]["InsecureRegistryCIDRs"]
        assert "8192" in made.run("busybox", "df", "-k", "/dev/shm")
        # What needs a restart waits for one.
        said = made.run("busybox", "ip", "link", "show", "eth0")
        assert "mtu 1400" in said
        made.file.write_text("{ no JSON")
        made.signal()
        eventually(lambda: str(made.file) in made.engine.log.read_text())
        assert made.info()["Labels"] == ["rack=2"]
