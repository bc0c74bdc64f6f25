"""Networks: that they can be made, that packets pass, and that names are found."""

from __future__ import annotations

import ipaddress
import os
import shlex
import struct
from typing import Final

from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.doctor.finding import Finding, note, ok, problem, warning
from wherry.doctor.limits import raise_to
from wherry.doctor.machine import Machine
from wherry.linux import namespaces, netlink
from wherry.network import addresses
from wherry.network.resolver import PUBLIC, settings_for_containers

_TABLE: Final = "wherry-doctor"
_FEW_POOLS: Final = 3
_NO_NETWORKS: Final = "there are no networks: only --network none and host work"
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY")


@dataclass(frozen=True, slots=True)
class Route:
    """Where packets for a network go."""

    interface: str
    network: ipaddress.IPv4Network


def check_libnftables(machine: Machine) -> list[Finding]:
    """The library that networks are made with is there."""
    # It is one of the parts that may be missing.
    from wherry.network.firewall import Nft  # noqa: PLC0415

    try:
        Nft().close()
    except (WherryError, AttributeError) as error:
        install = machine.install("libnftables1", "nftables", "libnftables1")
        return [problem(f"{error}", _NO_NETWORKS, install)]
    return ok("libnftables is there")


def check_nftables(_machine: Machine) -> list[Finding]:
    """The kernel takes the engine's whole table. (In a network namespace of this process.)"""
    from wherry.network.firewall import Nft, Zone, table_text  # noqa: PLC0415 - as above

    namespaces.unshare(namespaces.CLONE_NEWNET)
    try:
        nft = Nft()
    except WherryError:
        return [note("not looked at: libnftables is missing")]
    zone = Zone("whb0000-000000", "172.17.0.0/16")
    try:
        nft.run(table_text(_TABLE, [zone]))
    except WherryError as error:
        modules = "nf_tables nft_nat nft_masq nft_fib_inet nft_ct nft_chain_nat"
        return [problem(f"{error}", _NO_NETWORKS, f"modprobe -a {modules}")]
    return ok("the engine's table can be made")


def check_links(_machine: Machine) -> list[Finding]:
    """Bridges and pairs of interfaces can be made. (In a namespace of this process.)"""
    namespaces.unshare(namespaces.CLONE_NEWNET)
    own = netlink.Netlink()
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        own.run([netlink.add_bridge("doctor", 0)])
        index = own.index_of("doctor") or 0
        own.run([netlink.add_veth("doctor0", netlink.Peer("doctor1", b"\2wry01", here), index, 0)])
    except OSError as error:
        return [problem(f"{error}", _NO_NETWORKS, "modprobe -a bridge veth")]
    return ok("bridges and pairs can be made")


def check_forwarding(machine: Machine) -> list[Finding]:
    """The machine forwards packets."""
    if machine.number("/proc/sys/net/ipv4/ip_forward") != 0:
        return ok("packets are forwarded")
    commands = raise_to("net.ipv4.ip_forward", 1)
    if machine.engine() is None:
        effect = "the engine sets it to 1 when it starts"
        return [note("net.ipv4.ip_forward is 0", effect, *commands)]
    effect = "containers reach nothing outside, and nothing reaches their published ports"
    return [problem("net.ipv4.ip_forward is 0", effect, *commands)]


def check_bridged(machine: Machine) -> list[Finding]:
    """Frames between containers of one network do not pass the machine's iptables rules."""
    setting = "net.bridge.bridge-nf-call-iptables"
    if machine.number("/proc/sys/net/bridge/bridge-nf-call-iptables") != 1:
        return ok("they do not")
    effect = (
        "containers of one network reach each other only as the FORWARD chain allows, and slower"
    )
    return [note(f"{setting} is 1", effect, *raise_to(setting, 0))]


def check_names(machine: Machine) -> list[Finding]:
    """The host's resolvers are of use in containers."""
    if machine.settings.resolvers:
        return ok(f"the engine is told which: {', '.join(machine.settings.resolvers)}")
    path = f"{machine.root}/etc/resolv.conf"
    behind = f"{machine.root}/run/systemd/resolve/resolv.conf"
    servers = settings_for_containers(path, behind).get("nameserver", [])
    usable = [s for s in servers if not s.startswith("127.") and s != "::1"]
    if usable:
        return ok(", ".join(usable))
    public = " and ".join(PUBLIC)
    if not servers:
        return [
            warning(
                "/etc/resolv.conf names no server",
                f"containers ask {public}; the engine itself finds no registry",
                f"echo nameserver {PUBLIC[0]} >> /etc/resolv.conf",
            )
        ]
    return [
        warning(
            f"/etc/resolv.conf names only servers on the loopback: {', '.join(servers)}",
            f"containers of the default network cannot ask them and ask {public} instead; give"
            " the engine others that it is to use",
            *machine.configure("dns", PUBLIC),
        )
    ]


def routes(text: str) -> list[Route]:
    """Read /proc/net/route, the default route left out (pure)."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[1] == fields[7] == "00000000":
            continue
        base, mask = (struct.pack("=I", int(fields[at], 16)) for at in (1, 7))
        prefix = int.from_bytes(mask, "big").bit_count()
        found.append(Route(fields[0], ipaddress.IPv4Network((base, prefix), strict=False)))
    return found


def check_pools(machine: Machine) -> list[Finding]:
    """There are address ranges left for new networks, beside those that the host has routes for."""
    taken = [route.network for route in routes(machine.text("/proc/net/route"))]
    pools = _pools(machine)
    free = [pool for pool in pools if not any(pool.overlaps(network) for network in taken)]
    text = f"{len(free)} of {len(pools)} address ranges for networks are free"
    if len(free) >= min(_FEW_POOLS, len(pools)):
        return ok(text)
    effect = "soon a network finds none" if free else "only networks with a --subnet can be made"
    found = warning if free else problem
    more = machine.configure("default-address-pools", [{"base": "10.96.0.0/13", "size": 24}])
    return [found(f"{text}; the others are reached by routes", effect, *more)]


def _pools(machine: Machine) -> list[ipaddress.IPv4Network]:
    """Return the ranges that new networks are given, at most some thousand of them."""
    found: list[ipaddress.IPv4Network] = []
    for base, size in machine.settings.pools:
        pieces = ipaddress.IPv4Network(base).subnets(new_prefix=size)
        found += [piece for piece, _ in zip(pieces, range(1024), strict=False)]
    return found or _default_pools()


def _default_pools() -> list[ipaddress.IPv4Network]:
    found: list[ipaddress.IPv4Network] = []
    while True:
        try:
            found.append(addresses.choose_subnet(found))
        except addresses.NoFreeSubnetError:
            return found


def check_overlaps(machine: Machine) -> list[Finding]:
    """No network of containers covers one that this machine reaches in another way."""
    known = routes(machine.text("/proc/net/route"))
    ours = [route for route in known if route.interface.startswith("whb")]
    findings = [
        warning(
            f"the network {own.network} of {own.interface} overlaps with {other.network}, which"
            f" this machine reaches through {other.interface}",
            "machines there are not reached: make that network anew, with another --subnet",
            f"wherry network rm {own.interface.rpartition('-')[2]}",
        )
        for own in ours
        for other in known
        if not other.interface.startswith("whb") and own.network.overlaps(other.network)
    ]
    return findings or ok(f"{len(ours)} networks of containers, none in the way of another")


def check_proxies(machine: Machine) -> list[Finding]:
    """A proxy that the caller uses is known to the engine."""
    told = machine.settings.proxies or {}
    findings = []
    missing = {}
    for name in _PROXIES:
        value = machine.environment.get(name) or machine.environment.get(name.lower(), "")
        if value and "://" not in value:
            text = f"{name} is {value!r}, without http://"
            export = f"export {name}={shlex.quote(f'http://{value}')}"
            findings.append(note(text, "programs read that differently, some not at all", export))
        if value and not told.get(name) and not _engine_has(machine, name):
            missing[name.lower().replace("_", "-")] = value
    if missing:
        text = f"the engine has no {' and no '.join(missing)}, which is set here"
        effect = "pulls do not go through it: the engine has an environment of its own"
        findings.append(note(text, effect, *machine.configure("proxies", missing)))
    return findings or ok("none is needed, or the engine has it")


def _engine_has(machine: Machine, name: str) -> bool:
    engine = machine.engine()
    if engine is None or not machine.is_root:
        return False
    words = machine.text_or(f"/proc/{engine.pid}/environ").split("\0")
    return any(w.partition("=")[0] in (name, name.lower()) and w[-1:] != "=" for w in words)
