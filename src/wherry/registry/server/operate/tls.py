"""TLS as the registry serves it: certificates, read again when they change.

TLS 1.2 and 1.3, with ciphers that keep what was recorded secret when a key is lost later. The
context that the server listens with never changes; each handshake is handed on to one of the
certificate read last. A certificate and a key that do not go together, as while they are being
replaced one after the other, leave the old ones in use, which is logged once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl

from wherry.base.crossing import in_thread
from wherry.base.errors import InvalidError
from wherry.base.tls import server_context
from wherry.registry.server.settings import Tls

LOOK_SECONDS = 5.0
_log = logging.getLogger(__name__)

Signature = tuple[tuple[int, int, int], ...]


class CertificateError(InvalidError):
    """Certificate and key cannot be used."""

    def __init__(self, tls: Tls, error: Exception) -> None:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        super().__init__(
            f"certificate {tls.certificate} and key {tls.key} cannot be used: {reason}: both have "
            "to be PEM, without a password, and belong together"
        )


class Certificates:
    """What a registry shows of itself. Blocking, but for `watch`; raises CertificateError."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._signature = self._look()
        self._complained = ""
        self._current = self._load()
        self.context = self._load()
        self.context.sni_callback = self._hand_on

    def reload(self) -> bool:
        """Read certificate and key again if they have changed; returns whether they had.

        When they cannot be used, those in use stay.
        """
        signature = self._look()
        if signature == self._signature:
            return False
        try:
            self._current = self._load()
        except CertificateError as error:
            if str(error) != self._complained:
                self._complained = str(error)
                _log.error("the certificate in use stays: %s", error)
            return False
        self._signature = signature
        self._complained = ""
        _log.info("certificate %s was read again", self._tls.certificate)
        return True

    async def watch(self) -> None:
        """Look now and then whether the files have changed, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await in_thread(self.reload)

    def _hand_on(self, connection: ssl.SSLObject, _name: str, _: ssl.SSLContext) -> None:
        connection.context = self._current

    def _load(self) -> ssl.SSLContext:
        context = server_context()
        try:
            # An empty password, so that nobody is asked for one at the terminal.
            context.load_cert_chain(self._tls.certificate, self._tls.key, password="")
            if self._tls.client_authorities:
                context.load_verify_locations(self._tls.client_authorities)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as error:
            raise CertificateError(self._tls, error) from error
        return context

    def _look(self) -> Signature:
        found = []
        for path in (self._tls.certificate, self._tls.key):
            try:
                status = os.stat(path)
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(found)
