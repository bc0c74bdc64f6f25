"""Certificates for an engine and its clients: keys on P-256, signed by an authority of one's own.

The authority signs end certificates only (`pathlen:0`), and nothing but those of servers and of
clients, each for its own use: a server's certificate lets nobody in as a client, a client's
pretends to be no server. Values in, values out; the clock is an argument. No other module of the
client program loads `cryptography`.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

# Clocks of machines differ; a certificate of a minute ago would be refused by one that is behind.
_BEFORE = datetime.timedelta(hours=1)
_LONGEST_NAME = 64


class IssueError(InvalidError):
    """A certificate cannot be made of what is given."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What is worth knowing of a certificate."""

    subject: str
    use: str
    names: list[str]
    expires: datetime.datetime


class Authority:
    """Signs; made anew, or read from what it has issued of itself."""

    def __init__(self, issued: Issued) -> None:
        self.issued = issued
        try:
            self._certificate = x509.load_pem_x509_certificate(issued.certificate)
            key = serialization.load_pem_private_key(issued.key, None)
        except (ValueError, TypeError) as error:
            raise IssueError(f"the authority cannot be read: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IssueError("the authority's key is on no elliptic curve: another program's?")
        if key.public_key() != self._certificate.public_key():
            raise IssueError("the authority's key is not that of its certificate")
        self._key = key

    @classmethod
    def make(cls, name: str, days: int, now: datetime.datetime) -> Authority:
        """Make an authority that signs itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        usage = _usage(signs=True)
        builder = (
            _builder(subject, subject, key.public_key(), days, now)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        )
        return cls(Issued(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key)))

    def server(self, hosts: Sequence[str], days: int, now: datetime.datetime) -> Issued:
        """Issue a server's certificate for names and addresses; the first is its subject."""
        names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
        return self._issue(hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, days, now, names)

    def client(self, name: str, days: int, now: datetime.datetime) -> Issued:
        """Issue a client's certificate; the engine's log calls the client by its name."""
        return self._issue(name, ExtendedKeyUsageOID.CLIENT_AUTH, days, now, None)

    def _issue(
        self,
        name: str,
        use: x509.ObjectIdentifier,
        days: int,
        now: datetime.datetime,
        names: x509.SubjectAlternativeName | None,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self._certificate
        days = min(days, max((authority.not_valid_after_utc - now).days, 0))
        if not days:
            raise IssueError("the authority expires within a day: make another with 'tls init'")
        of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            _builder(_name(name), authority.subject, key.public_key(), days, now)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(of_issuer, critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return Issued(_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key))


def read(data: bytes) -> Shown:
    """Return what a certificate says; raises IssueError."""
    try:
        found = x509.load_pem_x509_certificate(data)
        constraints = found.extensions.get_extension_for_class(x509.BasicConstraints).value
        use = "authority" if constraints.ca else _use(found)
        names = _names(found)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise IssueError(f"no certificate of ours: {error}") from error
    return Shown(_common(found.subject), use, names, found.not_valid_after_utc)


def _use(certificate: x509.Certificate) -> str:
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return "server" if ExtendedKeyUsageOID.SERVER_AUTH in uses else "client"


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(one.value) for one in found]


def _common(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    days: int,
    now: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs, crl_sign=signs,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(text: str) -> x509.Name:
    if not text or len(text) > _LONGEST_NAME:
        raise IssueError(f"{text!r}: a name has 1 to {_LONGEST_NAME} characters")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        encoded = host.encode("idna").decode("ascii") if not host.startswith("*.") else host
        return x509.DNSName(encoded)
    except (ValueError, UnicodeError) as error:
        raise IssueError(f"{host!r} is neither a host's name nor an address") from error


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
