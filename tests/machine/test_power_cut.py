"""The power goes while the engine is busy: what it acknowledged is there, nothing half-made is.

Storms of requests run in the machine (`guest/storm.py`) and tell here what was acknowledged. Then
qemu is killed: whatever the machine had not brought to its disk is lost. After the next boot the
disk itself is looked at (`guest/audit.py`), then the engine is asked, and then all that it has is
used.
"""

from __future__ import annotations

import json
import random
import time

import pytest

from fixtures.machine import Machine, await_in, docker
from fixtures.machine.images import image_archive, summed_layer
from fixtures.machine.ledger import Ledger
from fixtures.waiting import eventually

REGISTRY = "127.0.0.1:5000"
CONFIGURATION = f"""\
version: 0.1
storage:
  filesystem: {{rootdirectory: /var/lib/docker-registry}}
http:
  addr: {REGISTRY}
"""
LAYERS = 6
KEPT = ("busybox:latest", "filled:latest")
STORMS = ("containers", "tags", "commits", "pulls", "volumes")
AUDIT = ("python3", "-I", "/srv/guest/audit.py")
# When the power goes: at once when something has been acknowledged, or some seconds into it all.
CUTS = {
    "pull": ("pulls", '["ack", "pull"', 0.0),
    "commit": ("commits", '["ack", "commit", "commits:1"', 0.0),
    "remove": ("containers tags", '["ack", "remove", "c1-', 0.0),
    "volume": ("volumes", '["ack", "create", "v2"', 0.0),
    **{
        f"anything {seed}": (" ".join(STORMS), '["ack"', random.Random(seed).uniform(2, 40))
        for seed in range(2)
    },
}


@pytest.fixture(scope="module")
def prepared(machine: Machine) -> Machine:
    """The machine with a registry that has an image of many layers, and something to commit."""
    layers = [summed_layer(f"layer{number}", number) for number in range(LAYERS)]
    name = f"{REGISTRY}/layers:latest"
    machine.run("tee", "/etc/docker/registry/config.yml", stdin=CONFIGURATION.encode())
    machine.run("systemctl", "unmask", "docker-registry.service")
    machine.run("systemctl", "enable", "--now", "docker-registry.service")
    await_in(machine, f"curl -fs http://{REGISTRY}/v2/")
    docker(machine, "load", stdin=image_archive(name, *layers))
    docker(machine, "push", name, timeout=600)
    docker(machine, "rmi", name)
    docker(machine, "load", stdin=image_archive("filled", summed_layer("data", 100)))
    docker(machine, "run", "--name", "written", "filled", "cp", "-r", "/data", "/written")
    machine.run("sync")  # Debian's registry does not see to it, and it is not what is tested
    return machine


@pytest.mark.parametrize(("storms", "acknowledged", "seconds"), CUTS.values(), ids=CUTS)
def test_what_was_acknowledged_is_there_and_nothing_else(
    prepared: Machine, storms: str, acknowledged: str, seconds: float
) -> None:
    machine = prepared
    machine.start("python3", "-I", "/srv/guest/storm.py", *storms.split())
    eventually(lambda: acknowledged in machine.ledger or "failed" in machine.ledger, 600)
    time.sleep(seconds)  # the point of time is what is tested
    machine.power_cut()
    ledger = Ledger().read(machine.ledger)
    assert ledger.failures == []
    machine.boot()
    machine.await_system()
    assert machine.shell("systemctl is-active wherry.service") == "active"
    require_containers(machine, ledger)
    assert json.loads(machine.run(*AUDIT, timeout=300).stdout) == []
    require_images(machine, ledger)
    require_use(machine)
    tidy(machine)


def require_containers(machine: Machine, ledger: Ledger) -> None:
    """Assert that containers and volumes are those that were acknowledged, and as they were."""
    known = ledger.containers.keys() - ledger.open
    running = [name for name in known if ledger.expected_status(name) == "running"]
    for name in running:
        inspect = "docker -H unix:///run/wherry/wherry.sock inspect -f '{{.State.Running}}'"
        await_in(machine, f'[ "$({inspect} {name})" = true ]')
    lines = docker(machine, "ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()
    there = dict(line.split() for line in lines)
    assert {name: there.get(name) for name in known} == {
        name: ledger.expected_status(name) for name in known
    }
    assert not (ledger.gone - ledger.open) & there.keys()
    volumes = set(docker(machine, "volume", "ls", "-q").split())
    assert ledger.volumes - ledger.open <= volumes


def require_images(machine: Machine, ledger: Ledger) -> None:
    """Assert that names lead to what they were acknowledged for."""
    lines = docker(machine, "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")
    there = dict(line.split() for line in lines.splitlines())
    for name, identifier in ledger.images.items():
        if name not in ledger.open:
            assert name in there
            assert not identifier or there[name] == identifier
    assert not (ledger.gone - ledger.open) & there.keys()


def require_use(machine: Machine) -> None:
    """Run and save every image that is listed, start a container anew, and pull to the end."""
    docker(machine, "pull", f"{REGISTRY}/layers:latest", timeout=600)
    assert machine.shell("ls /var/lib/wherry/content/partial") == ""
    check = (
        "for sums in /*/SUMS; do [ -e $sums ] || continue; cd ${sums%/*}; sha256sum -cs SUMS; done"
    )
    for image in sorted(set(docker(machine, "images", "-q").split())):
        docker(machine, "run", "--rm", "--network", "none", image, "sh", "-ec", check)
        machine.shell(
            f"docker -H unix:///run/wherry/wherry.sock save {image}"
            " | python3 -I /srv/guest/check_saved.py",
            timeout=600,
        )
    docker(machine, "start", "-a", "written")
    docker(machine, "run", "--rm", "-v", "fresh:/data", "filled", "sh", "-ec", check)


def tidy(machine: Machine) -> None:
    """Remove what the storms have made; the next is to begin like this one."""
    if names := set(docker(machine, "ps", "-a", "--format", "{{.Names}}").split()) - {"written"}:
        docker(machine, "rm", "-f", *names)
    images = docker(machine, "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    docker(machine, "rmi", "-f", *(name for name in images if name not in KEPT))
    docker(machine, "volume", "prune", "-af")
    assert json.loads(machine.run(*AUDIT, timeout=300).stdout) == []
