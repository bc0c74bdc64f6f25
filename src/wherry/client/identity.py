"""What a client shows and whom it trusts when it speaks TLS: PEM files, by their paths.

As with docker's client, a certificate and its key are optional; without an authority those of the
system are trusted. `verify` False takes whatever the server shows, which is no protection against
somebody in between.
"""

from __future__ import annotations


class Identity:
    """Paths of PEM files; an empty one stands for none."""

    __slots__ = ("authority", "certificate", "key", "verify")

    def __init__(
        self, authority: str = "", certificate: str = "", key: str = "", *, verify: bool = True
    ) -> None:
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.verify = verify
