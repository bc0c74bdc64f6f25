"""Networks and volumes as people use them, by the stock docker client and docker-py."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from fixtures.engine import Engine
from fixtures.own_network import Machine
from fixtures.registry import free_port
from fixtures.waiting import eventually
from wherry.network import namespaces

SLEEP = ["busybox", "sleep", "300"]
SERVE = "mkdir -p /w && echo {0} >/w/index.html && exec httpd -f -p 80 -h /w"


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A prefix of the test's own; what is called so is removed afterwards."""
    drawn = f"t{uuid.uuid4().hex[:8]}"
    yield drawn
    for kind, remove in (("container", ["rm", "-fv"]), ("network", ["rm"]), ("volume", ["rm"])):
        words = ["ls", "-q", *(["-a"] if kind == "container" else []), "--filter", f"name={drawn}"]
        if found := engine.docker(kind, *words).stdout.split():
            engine.docker(kind, *remove, *found)


@pytest.fixture
def network(engine: Engine, name: str) -> str:
    engine.docker("network", "create", name)
    return name


def inspect(engine: Engine, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(engine.docker(*words).stdout)[0]
    return found


def run(engine: Engine, name: str, *words: str, command: list[str] | None = None) -> None:
    engine.docker("run", "-d", "--name", name, *words, *(command or SLEEP))


def serve(engine: Engine, name: str, *words: str) -> None:
    run(engine, name, *words, command=["busybox", "sh", "-c", SERVE.format(name)])


def sh(engine: Engine, container: str, script: str) -> str:
    done = engine.docker("exec", container, "sh", "-c", script, check=False)
    return done.stdout + done.stderr


def addresses(engine: Engine, container: str, wanted: str) -> set[str]:
    """Return what a container gets when it looks a name up."""
    told = sh(engine, container, f"nslookup -type=a {wanted} 127.0.0.11")
    answer = told.partition("Name:")[2]
    return {line.split()[-1] for line in answer.splitlines() if line.startswith("Address")}


def address(engine: Engine, container: str, network: str) -> str:
    settings = inspect(engine, "inspect", container)["NetworkSettings"]
    return str(settings["Networks"][network]["IPAddress"])


def page(port: int, host: str = "127.0.0.1") -> str:
    words = ["curl", "-sS", "--max-time", "2", f"http://{host}:{port}/"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


# Names


def test_networks_are_apart_and_names_are_their_own(engine: Engine, name: str) -> None:
    one, two = f"{name}.one", f"{name}.two"
    engine.docker("network", "create", one)
    engine.docker("network", "create", two)
    serve(engine, f"{name}a", "--network", one, "--network-alias", "web")
    run(engine, f"{name}b", "--network", one)
    run(engine, f"{name}c", "--network", two)
    found = {address(engine, f"{name}a", one)}
    for wanted in (f"{name}a", "web", f"web.{one}", f"{name}a.{one}"):
        assert addresses(engine, f"{name}b", wanted) == found, wanted
    assert addresses(engine, f"{name}c", f"{name}a") == set()
    get = f"timeout 1 wget -qO- http://{found.pop()}/ || echo unreachable"
    eventually(lambda: sh(engine, f"{name}b", get) == f"{name}a\n")
    assert sh(engine, f"{name}c", get).startswith("unreachable\n")


def test_one_alias_has_the_addresses_of_all(engine: Engine, name: str, network: str) -> None:
    for letter in "abc":
        run(engine, f"{name}{letter}", "--network", network, "--network-alias", "all")
    found = {address(engine, f"{name}{letter}", network) for letter in "abc"}
    assert addresses(engine, f"{name}a", "all") == found
    engine.docker("rm", "-f", f"{name}b")
    assert len(addresses(engine, f"{name}a", "all")) == 2


def test_a_renamed_container_has_its_new_name_only(engine: Engine, name: str, network: str) -> None:
    run(engine, f"{name}a", "--network", network, "--network-alias", "kept")
    run(engine, f"{name}b", "--network", network)
    found = {address(engine, f"{name}a", network)}
    engine.docker("rename", f"{name}a", f"{name}new")
    assert addresses(engine, f"{name}b", f"{name}new") == found
    assert addresses(engine, f"{name}b", "kept") == found
    assert addresses(engine, f"{name}b", f"{name}a") == set()
    run(engine, f"{name}a", "--network", network)
    assert addresses(engine, f"{name}b", f"{name}a") == {address(engine, f"{name}a", network)}
    engine.docker("restart", "-t", "0", f"{name}new")
    assert addresses(engine, f"{name}b", f"{name}new") != set()


def test_connecting_and_disconnecting_while_it_runs(engine: Engine, name: str) -> None:
    engine.docker("network", "create", f"{name}n", "--subnet", "10.213.7.0/24")
    run(engine, f"{name}a")
    run(engine, f"{name}b", "--network", f"{name}n")
    engine.docker(
        "network", "connect", "--ip", "10.213.7.99", "--alias", "late", f"{name}n", f"{name}a"
    )
    assert addresses(engine, f"{name}b", "late") == {"10.213.7.99"}
    assert addresses(engine, f"{name}a", f"{name}b") != set()
    assert "10.213.7.99" in sh(engine, f"{name}a", "ip address show eth1; cat /etc/hosts")
    again = engine.docker("network", "connect", f"{name}n", f"{name}a", check=False)
    assert "already exists in network" in again.stderr
    engine.docker("network", "disconnect", f"{name}n", f"{name}a")
    assert addresses(engine, f"{name}b", "late") == set()
    assert "eth1" not in sh(engine, f"{name}a", "ip link")
    assert "10.213.7.99" not in sh(engine, f"{name}a", "cat /etc/hosts")
    twice = engine.docker("network", "disconnect", f"{name}n", f"{name}a", check=False)
    assert "is not connected to" in twice.stderr
    engine.docker("network", "disconnect", "bridge", f"{name}a")
    assert sh(engine, f"{name}a", "ls /sys/class/net").split() == ["lo"]
    engine.docker("network", "connect", f"{name}n", f"{name}a")
    assert "default via 10.213.7.1" in sh(engine, f"{name}a", "ip route")


def test_a_chosen_address_is_kept_and_survives_a_failed_start(engine: Engine, name: str) -> None:
    engine.docker("network", "create", name, "--subnet", "10.213.8.0/29")
    fixed = ["--network", name, "--ip", "10.213.8.5"]
    for number in range(3):
        bad = engine.docker(
            "run", "--name", f"{name}bad{number}", *fixed, "-u", "nobody-here", *SLEEP, check=False
        )
        assert "unable to find user" in bad.stderr
    run(engine, f"{name}a", *fixed)
    assert address(engine, f"{name}a", name) == "10.213.8.5"
    taken = engine.docker("run", "--rm", *fixed, "busybox", "true", check=False)
    assert "Address already in use" in taken.stderr
    engine.docker("restart", "-t", "0", f"{name}a")
    assert address(engine, f"{name}a", name) == "10.213.8.5"


def test_a_full_network_says_so_and_recovers(engine: Engine, name: str) -> None:
    engine.docker("network", "create", name, "--subnet", "10.213.9.0/30")
    run(engine, f"{name}a", "--network", name)
    full = engine.docker("run", "--rm", "--network", name, "busybox", "true", check=False)
    assert "no available IPv4 addresses" in full.stderr
    engine.docker("rm", "-f", f"{name}a")
    engine.docker("run", "--rm", "--network", name, "busybox", "true")


def test_the_files_of_names(engine: Engine, name: str, network: str) -> None:
    run(
        engine, name, "--network", network, "--hostname", "here", "--domainname", "example.org",
        "--add-host", "db:192.0.2.7", "--dns", "192.0.2.53", "--dns-search", "a.b",
        "--dns-option", "ndots:3",
    )  # fmt: skip
    own = address(engine, name, network)
    hosts = sh(engine, name, "cat /etc/hosts")
    assert "192.0.2.7\tdb\n" in hosts
    assert f"{own}\there.example.org here\n" in hosts
    expected = "nameserver 127.0.0.11\nsearch a.b\noptions ndots:3\n"
    assert sh(engine, name, "cat /etc/resolv.conf") == expected
    assert sh(engine, name, "hostname; cat /etc/hostname") == "here\nhere\n"


def test_sharing_a_network_shares_names_and_ports(engine: Engine, name: str, network: str) -> None:
    serve(engine, f"{name}a", "--network", network, "--add-host", "db:192.0.2.7")
    run(engine, f"{name}b", "--network", f"container:{name}a")
    for script in ("cat /etc/hosts", "cat /etc/resolv.conf", "hostname", "ip address"):
        assert sh(engine, f"{name}b", script) == sh(engine, f"{name}a", script)
    eventually(lambda: sh(engine, f"{name}b", "wget -qO- http://127.0.0.1/") == f"{name}a\n")
    assert addresses(engine, f"{name}b", f"{name}a") != set()
    refused = engine.docker(
        "run", "--rm", "--network", f"container:{name}a", "-p", "80", "busybox", check=False
    )
    assert "conflicting options" in refused.stderr
    engine.docker("rm", "-f", f"{name}a")
    late = ["run", "--rm", "--network", f"container:{name}b", "busybox", "ls", "/sys/class/net"]
    assert "lo" in engine.docker(*late).stdout


def test_the_machines_network_and_none(engine: Engine, name: str) -> None:
    done = engine.docker(
        "run", "--rm", "--network", "host", "--add-host", "db:192.0.2.7", "busybox", "cat",
        "/etc/hosts", "/etc/resolv.conf",
    )  # fmt: skip
    assert done.stdout.startswith(Path("/etc/hosts").read_text().rstrip())
    assert "192.0.2.7\tdb\n" in done.stdout
    for line in Path("/etc/resolv.conf").read_text().splitlines():
        if line.startswith("nameserver"):
            assert line in done.stdout
    run(engine, name, "--network", "none")
    assert sh(engine, name, "ls /sys/class/net").split() == ["lo"]
    refused = engine.docker("network", "connect", "bridge", name, check=False)
    assert refused.returncode != 0


# Ports


def test_tcp_udp_a_range_all_exposed_and_loopback(engine: Engine, name: str) -> None:
    tcp, udp, local = free_port(), free_port(), free_port()
    serve(
        engine, name, "-p", f"{tcp}:80", "-p", f"{udp}:53/udp", "-p", f"127.0.0.1:{local}:80",
        "--expose", "81", "-P",
    )  # fmt: skip
    eventually(lambda: page(tcp) == name)
    assert page(local) == name
    pid = inspect(engine, "inspect", name)["State"]["Pid"]
    with contextlib.closing(namespaces.of_process(pid)) as inside:
        container = Machine(inside)
        with (
            container.listen(53, socket.SOCK_DGRAM) as server,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        ):
            one.settimeout(10)
            one.connect(("127.0.0.1", udp))
            one.send(b"question")
            data, sender = server.recvfrom(100)
            server.sendto(b"answer to " + data, sender)
            assert one.recv(100) == b"answer to question"
    ports = inspect(engine, "inspect", name)["NetworkSettings"]["Ports"]
    assert ports["53/udp"] == [{"HostIp": "0.0.0.0", "HostPort": str(udp)}]
    assert {"HostIp": "127.0.0.1", "HostPort": str(local)} in ports["80/tcp"]
    assert int(ports["81/tcp"][0]["HostPort"]) > 1024
    assert engine.docker("port", name, "53/udp").stdout == f"0.0.0.0:{udp}\n"
    engine.docker("stop", "-t", "0", name)
    assert page(tcp) == ""
    with socket.create_server(("", tcp)):
        pass
    engine.docker("start", name)
    eventually(lambda: page(tcp) == name)


def test_a_range_gives_each_container_another_port(engine: Engine, name: str) -> None:
    first = free_port()
    for letter in "ab":
        serve(engine, f"{name}{letter}", "-p", f"{first}-{first + 5}:80")
    found = set()
    for letter in "ab":
        (line,) = engine.docker("port", f"{name}{letter}", "80").stdout.splitlines()
        port = int(line.rpartition(":")[2])
        found.add(port)
        eventually(lambda port=port, letter=letter: page(port) == f"{name}{letter}")
    assert len(found) == 2
    assert all(first <= port <= first + 5 for port in found)


def test_a_port_that_somebody_has_is_refused_and_nothing_stays(engine: Engine, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = engine.docker(
            "run", "--name", name, "-p", f"127.0.0.1:{port}:80", *SLEEP, check=False
        )
        assert done.returncode == 125
        assert "address already in use" in done.stderr
    engine.docker("start", name)
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", port))


def test_ports_and_names_outlive_the_engine(own_engine: Engine) -> None:
    engine, name, port = own_engine, "served", free_port()
    engine.docker("network", "create", name)
    try:
        serve(engine, name, "--network", name, "-p", f"{port}:80")
        eventually(lambda: page(port) == name)
        engine.kill()
        assert page(port) == name
        engine.start()
        assert page(port) == name
        assert addresses(engine, name, name) == {address(engine, name, name)}
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("", port))
        engine.docker("rm", "-f", name)
        assert page(port) == ""
    finally:
        engine.docker("rm", "-f", name, check=False)
        engine.docker("network", "rm", name, check=False)


# Networks as objects


def test_networks_in_docker_py(engine: Engine, name: str) -> None:
    with contextlib.closing(docker.DockerClient(base_url=engine.host)) as client:
        pool = docker.types.IPAMPool(
            "10.213.10.0/24", "10.213.10.128/25", "10.213.10.254", {"router": "10.213.10.129"}
        )
        made = client.networks.create(
            name, "bridge", {"a": "b"}, docker.types.IPAMConfig(pool_configs=[pool]),
            labels={"l": "m"}, internal=True,
        )  # fmt: skip
        run(engine, f"{name}c", "--network", name)
        made.reload()
        shown = made.attrs
        assert shown["IPAM"]["Config"] == [
            {
                "Subnet": "10.213.10.0/24", "IPRange": "10.213.10.128/25",
                "Gateway": "10.213.10.254", "AuxiliaryAddresses": {"router": "10.213.10.129"},
            }
        ]  # fmt: skip
        assert (shown["Options"], shown["Labels"], shown["Internal"]) == (
            {"a": "b"}, {"l": "m"}, True,
        )  # fmt: skip
        (container,) = made.containers
        assert container.name == f"{name}c"
        (member,) = shown["Containers"].values()
        assert member["IPv4Address"] == "10.213.10.128/24"
        assert client.networks.list(names=[name])[0].id == made.id
        assert client.networks.list(filters={"label": "l=m"})[0].id == made.id
        made.disconnect(container)
        made.connect(container, aliases=["x"])
        container.remove(force=True)
        made.remove()
        assert client.networks.list(names=[name]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--subnet", "10.213.11.0/33", "{}"], "invalid subnet"),
        (["--subnet", "127.0.0.0/24", "{}"], "overlaps"),
        (["--subnet", "10.213.11.0/24", "--gateway", "10.213.12.1", "{}"], "gateway"),
        (["--driver", "overlay", "{}"], "not found"),
        (["--opt", "com.docker.network.bridge.name=a;b", "{}"], "invalid bridge name"),
        (["--opt", "com.docker.network.bridge.name=lo", "{}"], "is taken"),
        (["--opt", "com.docker.network.driver.mtu=9999999999", "{}"], "invalid MTU"),
        (["bad name"], "invalid network name"),
        (["host"], "predefined host network"),
    ],
)
def test_networks_that_cannot_be(engine: Engine, name: str, words: list[str], message: str) -> None:
    before = engine.docker("network", "ls", "-q").stdout
    wanted = [word.format(name) for word in words]
    done = engine.docker("network", "create", *wanted, check=False)
    assert done.returncode != 0
    assert message in done.stderr
    assert engine.docker("network", "ls", "-q").stdout == before


def test_networks_are_pruned_and_told_of(engine: Engine, name: str) -> None:
    since = str(time.time())
    for letter in "ab":
        engine.docker("network", "create", f"{name}{letter}", "--label", name)
    run(engine, f"{name}c", "--network", f"{name}a")
    pruned = engine.docker("network", "prune", "-f", "--filter", f"label={name}").stdout
    assert f"{name}b" in pruned
    assert f"{name}a" not in pruned
    engine.docker("rm", "-f", f"{name}c")
    engine.docker("network", "rm", f"{name}a")
    words = ["events", "--since", since, "--until", str(time.time() + 0.01)]
    lines = engine.docker(*words, "--filter", "type=network", "--format", "{{json .}}").stdout
    told = [json.loads(line) for line in lines.splitlines()]
    mine = [
        (event["Action"], event["Actor"]["Attributes"]["name"][-1])
        for event in told
        if event["Actor"]["Attributes"]["name"].startswith(name)
    ]
    assert mine == [
        ("create", "a"), ("create", "b"), ("connect", "a"), ("destroy", "b"), ("disconnect", "a"),
        ("destroy", "a"),
    ]  # fmt: skip
    connected = next(event for event in told if event["Action"] == "connect")
    assert set(connected["Actor"]["Attributes"]) == {"container", "name", "type"}


# Volumes


def test_copy_up_keeps_what_the_image_has(engine: Engine, name: str) -> None:
    image = f"{name}:1"
    script = (
        "mkdir -p /d/sub && echo x >/d/file && chown 12:34 /d/file && chmod 4751 /d/file &&"
        " ln /d/file /d/hard && ln -s ../etc/passwd /d/link && chmod 1770 /d && chown 5:6 /d &&"
        " touch -d '2001-02-03 04:05:06' /d/file /d/sub && mkfifo /d/pipe && ln -s /d /alias"
    )
    engine.docker("run", "--name", f"{name}m", "busybox", "sh", "-c", script)
    engine.docker("commit", f"{name}m", image)
    try:
        show = "cd /d; stat -c '%n %a %u %g %h %Y %F' . * | sort; readlink link; cat hard"
        expected = engine.docker("run", "--rm", image, "sh", "-c", show).stdout
        for target in ("/d", "/alias"):
            volume = f"{name}{target.strip('/')}"
            words = ["run", "--rm", "-v", f"{volume}:/d", image, "sh", "-c", show]
            assert engine.docker(*words).stdout == expected
        empty = ["run", "--rm", "--mount", f"type=volume,src={name}n,dst=/d,volume-nocopy", image]
        assert engine.docker(*empty, "ls", "/d").stdout == ""
        engine.docker("run", "--rm", "-v", f"{name}d:/d", image, "rm", "/d/hard")
        kept = engine.docker("run", "--rm", "-v", f"{name}d:/d", image, "ls", "/d").stdout
        assert "hard" not in kept
    finally:
        engine.docker("rm", "-f", f"{name}m")
        engine.docker("rmi", image)


def test_attributes_survive_copy_up(engine: Engine, name: str) -> None:
    run(engine, f"{name}m")
    data = inspect(engine, "inspect", f"{name}m")["GraphDriver"]["Data"]
    sh(engine, f"{name}m", "mkdir /d; touch /d/file")
    os.setxattr(f"{data['UpperDir']}/d/file", "trusted.colour", b"blue")
    capability = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    os.setxattr(f"{data['UpperDir']}/d/file", "security.capability", capability)
    engine.docker("commit", f"{name}m", f"{name}:1")
    try:
        run(engine, f"{name}c", "-v", f"{name}v:/d", command=[f"{name}:1", "true"])
        file = f"{inspect(engine, 'volume', 'inspect', f'{name}v')['Mountpoint']}/file"
        assert os.getxattr(file, "security.capability") == capability
    finally:
        engine.docker("rm", "-f", f"{name}m", f"{name}c", check=False)
        engine.docker("rmi", f"{name}:1")


def test_a_volume_in_use_is_not_removed(engine: Engine, name: str) -> None:
    volume = f"{name}v"
    engine.docker("create", "--name", name, "-v", f"{volume}:/v", *SLEEP)
    refused = engine.docker("volume", "rm", "-f", volume, check=False)
    assert "volume is in use" in refused.stderr
    engine.docker("rm", "-v", name)
    # It has a name: -v removes those that have none.
    assert engine.docker("volume", "rm", volume).stdout == f"{volume}\n"


def volumes(engine: Engine) -> set[str]:
    return set(engine.docker("volume", "ls", "-q").stdout.split())


def test_anonymous_volumes_go_with_their_container_or_by_prune(engine: Engine, name: str) -> None:
    before = volumes(engine)
    engine.docker("run", "--rm", "-v", "/v", "busybox", "true")
    eventually(lambda: volumes(engine) == before)
    for words in (["rm", "-v"], ["rm"]):
        engine.docker("run", "--name", name, "-v", "/v", "busybox", "sh", "-c", "echo 12345 >/v/f")
        engine.docker(*words, name)
    (left,) = volumes(engine) - before
    engine.docker("volume", "create", f"{name}named")
    pruned = engine.docker("volume", "prune", "-f").stdout
    assert left in pruned
    assert "Total reclaimed space: 6B" in pruned
    assert f"{name}named" in volumes(engine)
    everything = ["volume", "prune", "-f", "--filter", "label=none-has-this", "--filter", "all=1"]
    assert f"{name}named" not in engine.docker(*everything).stdout


def test_mounts_that_are_read_only_or_tmpfs(engine: Engine, name: str) -> None:
    mount = f"type=volume,src={name}v,dst=/v,readonly"
    done = engine.docker("run", "--rm", "--mount", mount, "busybox", "touch", "/v/x", check=False)
    assert "Read-only file system" in done.stderr
    mount = "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=0750"
    script = "stat -c %a /t; df -k /t | tail -1; head -c 2m /dev/zero >/t/x; stat -c %s /t/x"
    done = engine.docker(
        "run", "--rm", "--mount", mount, "busybox", "sh", "-c", script, check=False
    )
    assert done.stdout.startswith("750\n")
    assert done.stdout.endswith("\n1048576\n")
    run(engine, f"{name}a", "--mount", f"type=volume,src={name}v,dst=/v")
    sh(engine, f"{name}a", "echo shared >/v/file")
    taken = ["run", "--rm", "--volumes-from", f"{name}a:ro", "busybox", "cat", "/v/file"]
    assert engine.docker(*taken).stdout == "shared\n"


def test_volumes_in_docker_py_and_their_events(engine: Engine, name: str) -> None:
    since = str(time.time())
    with contextlib.closing(docker.DockerClient(base_url=engine.host)) as client:
        made = client.volumes.create(name, labels={"a": "b"})
        assert made.attrs["Driver"] == "local"
        assert made.attrs["Labels"] == {"a": "b"}
        assert made.attrs["Scope"] == "local"
        assert Path(made.attrs["Mountpoint"]).is_dir()
        assert [one.id for one in client.volumes.list(filters={"label": "a=b"})] == [name]
        assert client.volumes.get(name).id == name
        made.remove()
        with pytest.raises(docker.errors.NotFound):
            client.volumes.get(name)
    words = ["events", "--since", since, "--until", str(time.time() + 0.01)]
    told = engine.docker(*words, "--filter", f"volume={name}", "--format", "{{.Action}}").stdout
    assert told.split() == ["create", "destroy"]


def test_containers_made_at_once_share_one_new_volume(engine: Engine, name: str) -> None:
    """As compose does: each finds the volume empty, and one of them fills it."""
    words = ["docker", "-H", engine.host, "create", "-v", f"{name}v:/bin"]
    started = [
        subprocess.Popen(
            [*words, "--name", f"{name}{number}", "busybox", "ls", "/bin"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for number in range(8)
    ]
    told = [one.communicate(timeout=60)[1].decode() for one in started]
    assert [one.returncode for one in started] == [0] * 8, told
    listed = engine.docker("run", "--rm", "-v", f"{name}v:/bin", "busybox", "ls", "/bin").stdout
    assert listed == engine.docker("run", "--rm", "busybox", "ls", "/bin").stdout
