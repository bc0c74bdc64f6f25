"""The way in: settings from a file, from flags, or from both, where flags go before the file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from wherry.base.configuration.document import Flag
from wherry.base.configuration.problems import ConfigurationError, Problem
from wherry.base.configuration.values import reason
from wherry.base.values import dataclass
from wherry.registry.server.configuration.agreement import compare
from wherry.registry.server.configuration.assemble import assemble
from wherry.registry.server.configuration.document import parse
from wherry.registry.server.settings import Settings

DEFAULT_FILE = "/etc/wherry/registry.toml"
_LISTEN = re.compile(r"(?:(?P<address>\[[^\]]*\]|[^\[\]:]*):)?(?P<port>\d{1,7})")


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line can say of settings; None where it says nothing."""

    config: str | None = None
    root: str | None = None
    listen: str | None = None
    htpasswd: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    database: str | None = None


def load(path: str) -> Settings:
    """Return the settings of a file; raises ConfigurationError with everything that is wrong."""
    return from_flags(Flags(config=path))


def from_flags(flags: Flags) -> Settings:
    """Return the settings of a command line and of the file that it names.

    Without one, DEFAULT_FILE is read if it is there. Raises ConfigurationError.
    """
    name, text = _read(flags.config)
    document = parse(name, text, _as_keys(flags))
    found = assemble(document)
    compare(found)
    if document.problems:
        raise ConfigurationError(document.problems)
    return found.settings


def _read(path: str | None) -> tuple[str, str]:
    name = path or DEFAULT_FILE
    try:
        with open(name, encoding="utf-8") as source:
            return name, source.read()
    except FileNotFoundError as error:
        if path is None:
            return name, ""
        problem = Problem(name, "", f"cannot be read: {reason(error)}: name the file with --config")
        raise ConfigurationError([problem]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(name, "", f"cannot be read: {reason(error)}")]) from None


def _as_keys(flags: Flags) -> Sequence[Flag]:
    given = [
        ("--root", ("storage", "root"), _absolute(flags.root)),
        ("--htpasswd", ("access", "htpasswd"), _absolute(flags.htpasswd)),
        ("--tls-certificate", ("tls", "certificate"), _absolute(flags.tls_certificate)),
        ("--tls-key", ("tls", "key"), _absolute(flags.tls_key)),
        ("--database", ("database",), flags.database),
    ]
    keys = [Flag(name, path, value) for name, path, value in given if value is not None]
    return keys if flags.listen is None else [*keys, *_listen(flags.listen)]


def _listen(value: str) -> Sequence[Flag]:
    match = _LISTEN.fullmatch(value)
    if match is None:
        message = f"ADDRESS:PORT, :PORT or PORT is wanted, such as 127.0.0.1:5000, not {value!r}"
        raise ConfigurationError([Problem("--listen", "", message)])
    port = Flag("--listen", ("listen", "port"), int(match["port"]))
    address = match["address"]
    if address is None:
        return [port]
    every = address or "0.0.0.0"  # noqa: S104 - as the user wrote it
    return [port, Flag("--listen", ("listen", "address"), every)]


def _absolute(path: str | None) -> str | None:
    return os.path.abspath(path) if path else path


def htpasswd_of(flags: Flags) -> str:
    """Return the file of accounts that the settings name, which need not be there yet.

    Raises ConfigurationError.
    """
    name, text = _read(flags.config)
    document = parse(name, text, _as_keys(flags))
    found = assemble(document)
    if document.problems:
        raise ConfigurationError(document.problems)
    return found.settings.access.htpasswd
