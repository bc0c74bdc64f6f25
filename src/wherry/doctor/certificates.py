"""TLS of the API: certificates that hold, keys that nobody else reads, no TCP address without."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from typing import Final

from wherry.base.values import dataclass
from wherry.doctor.finding import Finding, command, note, ok, problem, warning
from wherry.doctor.machine import Machine

_SOON: Final = timedelta(days=30)
_LOOPBACK: Final = ("127.", "localhost", "[::1]")
_NAMES: Final = ("ca.pem", "cert.pem", "key.pem")


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose certificates these are, and what does not work without them."""

    words: str
    effect: str
    renew: str


_SERVER: Final = _Owner(
    "of the engine", "every client refuses the engine, or it does not start",
    "wherry tls init --force",
)  # fmt: skip
_CLIENT: Final = _Owner(
    "of this client", "the engine refuses this client", "wherry tls client NAME --force"
)


def check_exposed(machine: Machine) -> list[Finding]:
    """No TCP address is served without TLS and certificates of clients."""
    hosts = [host for host in machine.settings.hosts if host.startswith("tcp://")]
    tls = machine.settings.tls
    findings = []
    for host in hosts:
        near = host.removeprefix("tcp://").startswith(_LOOPBACK)
        if tls is not None and tls.verify:
            continue
        if tls is None and near:
            effect = "every user and every program of this machine that can connect is root"
            findings.append(warning(f"{host} is served without TLS", effect, "wherry tls init"))
        elif tls is None:
            effect = "whoever reaches that address is root on this machine"
            findings.append(problem(f"{host} is served without TLS", effect, "wherry tls init"))
        else:
            effect = "TLS hides what is said, and lets everybody in: whoever connects is root"
            text = f"{host} asks clients for no certificate"
            findings.append(problem(text, effect, *machine.configure("tlsverify", value=True)))
    return findings or ok(f"{len(hosts)} TCP addresses" if hosts else "no TCP address is served")


def check_server(machine: Machine) -> list[Finding]:
    """The engine's certificates are there, hold, and fit their key."""
    tls = machine.settings.tls
    if tls is None:
        return ok("the engine has none")
    authority = tls.authority if tls.verify else ""
    return _look(machine, _SERVER, authority, tls.certificate, tls.key)


def check_client(machine: Machine) -> list[Finding]:
    """The certificates that DOCKER_TLS_VERIFY makes clients use are there and hold."""
    environment = machine.environment
    if not environment.get("DOCKER_TLS_VERIFY"):
        return ok("none is asked for")
    home = environment.get("HOME", "/root")
    directory = environment.get("DOCKER_CERT_PATH") or f"{home}/.docker"
    return _look(machine, _CLIENT, *(f"{directory}/{name}" for name in _NAMES))


def _look(
    machine: Machine, owner: _Owner, authority: str, certificate: str, key: str
) -> list[Finding]:
    findings = []
    for path in filter(None, (authority, certificate)):
        findings += _certificate(machine, owner, path)
    findings += _key(owner, key)
    if not findings:
        findings += _pair(owner, certificate, key)
    return findings or ok(f"{certificate} holds and fits its key")


def _certificate(machine: Machine, owner: _Owner, path: str) -> list[Finding]:
    """Look at the certificates in a file."""
    try:
        spans = validity(path)
    except FileNotFoundError:
        return [
            problem(f"{path}, a certificate {owner.words}, is not there", owner.effect, owner.renew)
        ]
    except ValueError as error:
        return [problem(f"{path} has no certificate: {error}", owner.effect, owner.renew)]
    now = datetime.fromtimestamp(machine.now, UTC)
    begin, end = max(b for b, _ in spans), min(e for _, e in spans)
    if end <= now:
        return [problem(f"{path} expired on {end:%Y-%m-%d}", owner.effect, owner.renew)]
    if begin > now:
        effect = f"{owner.effect}; perhaps the clock is wrong"
        return [problem(f"{path} is valid from {begin:%Y-%m-%d} on", effect, "date")]
    if end - now < _SOON:
        text = f"{path} expires in {(end - now).days} days, on {end:%Y-%m-%d}"
        return [warning(text, f"then {owner.effect}", owner.renew)]
    return []


def validity(path: str) -> list[tuple[datetime, datetime]]:
    """Return from when to when each certificate of a file holds; raises OSError, ValueError."""
    # Loaded where there are certificates to look at: it takes longer than all the rest.
    from cryptography import x509  # noqa: PLC0415

    with open(path, "rb") as file:
        found = x509.load_pem_x509_certificates(file.read())
    return [(one.not_valid_before_utc, one.not_valid_after_utc) for one in found]


def _key(owner: _Owner, path: str) -> list[Finding]:
    """Look at who may read a key."""
    try:
        told = os.stat(path)
    except FileNotFoundError:
        return [problem(f"{path}, the key {owner.words}, is not there", owner.effect, owner.renew)]
    mode = stat.S_IMODE(told.st_mode)
    if mode & 0o077:
        text = f"others may read {path}, the key {owner.words} (mode {mode:o})"
        effect = "whoever has it can pass for its owner"
        return [problem(text, effect, command("chmod", "600", path))]
    return []


def _pair(owner: _Owner, certificate: str, key: str) -> list[Finding]:
    """Tell whether a key is the certificate's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty password, so that nobody is asked for one.
        context.load_cert_chain(certificate, key, password=b"")
    except PermissionError:
        return [note(f"not looked at: {key} can only be read by its owner")]
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        text = f"{key} is not the key of {certificate}: {reason}"
        return [problem(text, owner.effect, owner.renew)]
    return []
