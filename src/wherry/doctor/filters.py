"""Rules of other firewalls that drop what is forwarded, and with it what containers send.

A verdict to accept in the engine's table does not help against a drop in another's: each base chain
at the `forward` hook is asked. The engine puts a rule of its own first in the FORWARD chain of
iptables where that drops (dockerd does that); what it does not touch is found here.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any, Final

from wherry.base.errors import WherryError
from wherry.base.values import dataclass
from wherry.doctor.finding import Finding, note, ok, warning
from wherry.doctor.machine import Machine

Entry = dict[str, Any]
_BRIDGES: Final = "whb*"
_DIRECTIONS: Final = ("iifname", "oifname")
_OWN: Final = "wherry-"
_EFFECT: Final = "containers do not reach anything, and nothing reaches them"


@dataclass(frozen=True, slots=True)
class Chain:
    """A base chain at the forward hook, by the words that nft wants."""

    words: str
    drops: bool
    passes: frozenset[str]  # the directions in which it lets our bridges pass


def check_forward_drop(machine: Machine) -> list[Finding]:
    """No other firewall drops what containers send."""
    findings = _legacy(machine)
    try:
        chains = _chains()
    except WherryError as error:
        return [*findings, note(f"not looked at: {error}")]
    for chain in chains:
        missing = [way for way in _DIRECTIONS if way not in chain.passes]
        if chain.drops and missing:
            effect = _EFFECT
            if chain.words == "ip filter FORWARD" and machine.engine() is None:
                effect += " (the engine puts such rules first when it starts)"
            commands = [
                f"nft 'insert rule {chain.words} {way} \"{_BRIDGES}\" counter accept'"
                for way in missing
            ]
            text = f"the chain {chain.words} drops what it does not know"
            findings.append(warning(text, effect, *commands))
    return findings or ok("nothing drops what is forwarded")


def _chains() -> list[Chain]:
    """Ask the kernel for the chains of others."""
    from wherry.network.firewall import Nft  # noqa: PLC0415 - it may be missing

    nft = Nft()
    try:
        listed = json.loads(nft.run("list chains"))["nftables"]
        bases = [entry["chain"] for entry in listed if "chain" in entry]
        return [
            read_chain(json.loads(nft.run(f"list chain {words(base)}"))["nftables"])
            for base in bases
            if base.get("hook") == "forward" and not base["table"].startswith(_OWN)
        ]
    finally:
        nft.close()


def words(chain: Entry) -> str:
    """Return how nft names a chain (pure)."""
    return f"{chain['family']} {chain['table']} {chain['name']}"


def read_chain(listed: Sequence[Entry]) -> Chain:
    """Read what nft lists of one chain, as JSON (pure)."""
    chain = next(entry["chain"] for entry in listed if "chain" in entry)
    rules = [entry["rule"]["expr"] for entry in listed if "rule" in entry]
    passes = frozenset(way for way in _DIRECTIONS if any(_lets_pass(r, way) for r in rules))
    drops = chain.get("policy") == "drop" or bool(rules and _is_final(rules[-1]))
    return Chain(words(chain), drops, passes)


def _lets_pass(expressions: Sequence[Entry], way: str) -> bool:
    """Tell whether a rule accepts all of our bridges: it asks for nothing but the interface."""
    matches = [entry["match"] for entry in expressions if "match" in entry]
    accepts = any("accept" in entry for entry in expressions)
    if not accepts or len(matches) != 1:
        return False
    match = matches[0]
    named = match.get("left") == {"meta": {"key": way}}
    return named and match.get("op") == "==" and str(match.get("right", "")).startswith("whb")


def _is_final(expressions: Sequence[Entry]) -> bool:
    """Tell whether a rule drops whatever comes to it."""
    verdicts = [entry for entry in expressions if "counter" not in entry]
    if len(verdicts) != 1:
        return False
    target = verdicts[0].get("xt", {}).get("name")
    return "drop" in verdicts[0] or "reject" in verdicts[0] or target in ("DROP", "REJECT")


def _legacy(machine: Machine) -> list[Finding]:
    """Look at the older iptables, whose rules nft does not show."""
    program = machine.program("iptables-legacy")
    if program is None or "filter" not in machine.text_or("/proc/net/ip_tables_names").split():
        return []
    listed = subprocess.run(
        [program, "-S", "FORWARD"], capture_output=True, text=True, timeout=2, check=False
    )
    missing = legacy_missing(listed.stdout)
    commands = [f"iptables-legacy -I FORWARD {flag} whb+ -j ACCEPT" for flag in missing]
    text = "the FORWARD chain of iptables-legacy drops what it does not know"
    return [warning(text, _EFFECT, *commands)] if missing else []


def legacy_missing(listed: str) -> list[str]:
    """Return which of -i and -o no rule lets our bridges pass by, if the chain drops (pure)."""
    lines = listed.splitlines()
    if "-P FORWARD DROP" not in lines:
        return []
    return [flag for flag in ("-i", "-o") if f"-A FORWARD {flag} whb+ -j ACCEPT" not in lines]
