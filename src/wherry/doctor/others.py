"""Other engines on this machine, and what they left behind in its network."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wherry.base.errors import WherryError
from wherry.doctor.finding import Finding, note, ok, warning
from wherry.doctor.machine import Machine
from wherry.service.running import listens

Entry = dict[str, Any]
_PROGRAMS: Final = ("dockerd", "containerd", "podman", "crio", "k3s", "kubelet")
_SOCKETS: Final = (
    "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
)  # fmt: skip
_DOCKER: Final = "DOCKER"


def check_engines(machine: Machine) -> list[Finding]:
    """Which other engines run here. They share the machine; nothing of theirs is touched."""
    findings = []
    running = {os.path.basename(p.words[0]): p.pid for p in machine.processes()}
    for name in _PROGRAMS:
        if name in running:
            text = f"{name} runs too (process {running[name]})"
            effect = "each has images, containers and networks of its own; addresses do not collide"
            findings.append(note(text, effect))
    for path in _SOCKETS:
        # The package wherry-docker links one of them to the engine's own, which is looked at there.
        own = os.path.realpath(machine.root + path) in machine.settings.sockets
        if machine.exists(path) and not own and not _answers(machine, path):
            text = f"{path} is there and nobody listens"
            effect = "clients that look for it find nobody"
            findings.append(note(text, effect, f"rm {path}"))
    return findings or ok("none")


def _answers(machine: Machine, path: str) -> bool:
    try:
        return listens(os.path.realpath(machine.root + path))
    except PermissionError:
        return True  # whose it is is none of the caller's business


def check_docker_remains(machine: Machine) -> list[Finding]:
    """Docker's bridge and rules are there only while Docker is."""
    if any(os.path.basename(process.words[0]) == "dockerd" for process in machine.processes()):
        return ok("dockerd runs: what there is is its own")
    findings = []
    if "docker0" in _interfaces(machine):
        text = "the interface docker0 is there, and no dockerd"
        effect = "its addresses are taken; what is sent to them goes nowhere"
        findings.append(note(text, effect, "ip link delete docker0"))
    if machine.is_root:
        findings += _docker_chains()
    return findings or ok("none")


def _interfaces(machine: Machine) -> list[str]:
    """Return the interfaces of the network namespace of this process."""
    lines = machine.text("/proc/net/dev").splitlines()[2:]
    return [line.partition(":")[0].strip() for line in lines]


def _docker_chains() -> list[Finding]:
    from wherry.network.firewall import Nft  # noqa: PLC0415 - it may be missing

    try:
        nft = Nft()
        listed = json.loads(nft.run("list ruleset"))["nftables"]
        nft.close()
    except WherryError as error:
        return [note(f"not looked at: {error}")]
    commands = removal(listed)
    if not commands:
        return []
    script = "; ".join(commands)
    text = "iptables chains of Docker are there, and no dockerd"
    effect = "packets go through rules that nobody keeps: some are dropped, some sent elsewhere"
    return [warning(text, effect, f"nft '{script}'")]


def removal(listed: Sequence[Entry]) -> list[str]:
    """Return the nft commands that take out Docker's chains and all that leads to them (pure)."""
    chains = [entry["chain"] for entry in listed if "chain" in entry]
    docker = {_key(chain) for chain in chains if _is_docker(chain)}
    rules = [entry["rule"] for entry in listed if "rule" in entry]
    leading = [
        f"delete rule {_place(rule, rule['chain'])} handle {rule['handle']}"
        for rule in rules
        if (rule["family"], rule["table"], rule["chain"]) not in docker
        and any((rule["family"], rule["table"], name) in docker for name in _targets(rule["expr"]))
    ]
    flushes = [f"flush chain {' '.join(key)}" for key in sorted(docker)]
    return leading + flushes + [f"delete chain {' '.join(key)}" for key in sorted(docker)]


def _key(chain: Entry) -> tuple[str, str, str]:
    return chain["family"], chain["table"], chain["name"]


def _is_docker(chain: Entry) -> bool:
    name = str(chain["name"])
    return chain["table"] in ("filter", "nat", "raw") and (
        name == _DOCKER or name.startswith(f"{_DOCKER}-")
    )


def _place(rule: Entry, chain: str) -> str:
    return f"{rule['family']} {rule['table']} {chain}"


def _targets(expressions: Iterable[Entry]) -> list[str]:
    return [
        expression[verb]["target"]
        for expression in expressions
        for verb in ("jump", "goto")
        if verb in expression
    ]
