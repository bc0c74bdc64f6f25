"""What no single value shows: settings that contradict each other, and files that cannot be used.

Files are looked at here so that a wrong path is told with its line, before anything has started.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from typing import Any

from wherry.base.configuration.problems import Path
from wherry.base.configuration.values import reason
from wherry.base.errors import WherryError
from wherry.registry.server.access.credentials import ROBOT_PREFIX
from wherry.registry.server.access.htpasswd import parse_accounts
from wherry.registry.server.configuration.assemble import Found
from wherry.registry.server.settings import ANYONE, ObjectStorage

_DATABASES = ("postgresql://", "postgres://")


def compare(found: Found) -> None:
    """Add what is wrong to the document's problems."""
    for check in (
        _database,
        _tls,
        _htpasswd,
        _names,
        _rules,
        _caches,
        _retention,
        _webhooks,
        _logs,
    ):
        check(found)


def _database(found: Found) -> None:
    settings, document = found.settings, found.document
    if settings.database and not settings.database.startswith(_DATABASES):
        document.complain(
            ("database",), 'a URL such as "postgresql://user@host/name" is wanted, or "" for SQLite'
        )
    if isinstance(settings.storage, ObjectStorage) and not document.data.get("database"):
        document.complain(
            ("storage", "driver"),
            "the driver s3 needs a database that every process reaches: "
            'set database = "postgresql://user@host/name" above the first table',
        )


def _tls(found: Found) -> None:
    tls, document = found.settings.tls, found.document
    if tls is None:
        return
    unreadable = [
        _unreadable(found, ("tls", key), path)
        for key, path in (
            ("certificate", tls.certificate),
            ("key", tls.key),
            ("client_authorities", tls.client_authorities),
        )
        if path
    ]
    if any(unreadable):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty password, so that nobody is asked for one at the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, ValueError) as error:
        document.complain(
            ("tls", "certificate"),
            f"{tls.certificate} and {tls.key} are not a certificate and its key in PEM, without a "
            f"password: {getattr(error, 'reason', None) or error}",
        )
    if tls.client_authorities:
        _authorities(found, ("tls", "client_authorities"), tls.client_authorities)


def _authorities(found: Found, path: Path, file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError as error:
        words = f"{file} has no certificates in PEM: {error.reason or error}"
        found.document.complain(path, words)


def _unreadable(found: Found, path: Path, file: str) -> bool:
    try:
        with open(file, "rb") as source:
            source.read(1)
    except OSError as error:
        found.document.complain(path, f"{file} cannot be read: {reason(error)}")
        return True
    return False


def _htpasswd(found: Found) -> None:
    path, where = found.settings.access.htpasswd, ("access", "htpasswd")
    if not path:
        return
    try:
        with open(path, "rb") as source:
            parse_accounts(path, source.read())
    except FileNotFoundError:
        found.document.complain(
            where,
            f"{path} is not there: make it with `wherry registry account add NAME --file {path}`",
        )
    except OSError as error:
        found.document.complain(where, f"{path} cannot be read: {reason(error)}")
    except WherryError as error:
        found.document.complain(where, str(error))


def _names(found: Found) -> None:
    """Names of accounts mean nothing where there are none; robots are in the database."""
    settings, document = found.settings, found.document
    if settings.access.htpasswd or "htpasswd" in document.data.get("access", {}):
        return
    lists: list[tuple[Path, Iterable[str]]] = [
        (("access", "administrators"), settings.access.administrators),
        (("operation", "metrics"), settings.operation.metrics),
    ]
    for index, rule in found.rules.items():
        path: Path = ("access", "rule", index)
        lists += [((*path, key), getattr(rule, key)) for key in ("pull", "push", "delete")]
    for path, names in lists:
        unknown = [name for name in names if name != ANYONE and not name.startswith(ROBOT_PREFIX)]
        if unknown:
            document.complain(
                path, f"there are no accounts, so nobody is {unknown[0]!r}: set access.htpasswd"
            )


def _rules(found: Found) -> None:
    all_of_them: int | None = None
    for index, rule in found.rules.items():
        path: Path = ("access", "rule", index)
        _named(found, path, rule)
        if all_of_them is not None:
            line = found.document.line_of(("access", "rule", all_of_them))
            found.document.complain(
                path,
                "no repository comes here: the first rule that matches decides, and the one of "
                f"line {line} matches all; put it last",
            )
        elif "*" in rule.repositories:
            all_of_them = index


def _named(found: Found, path: Path, rule: Any) -> None:
    if not rule.repositories:
        found.document.complain(
            (*path, "repositories"), 'it names no repositories: write ["*"] for all'
        )


def _caches(found: Found) -> None:
    _once(found, "cache", "prefix", {n: one.prefix for n, one in found.caches.items()})
    for index, cache in found.caches.items():
        path: Path = ("cache", index)
        if cache.password and not cache.username:
            found.document.complain((*path, "password"), "a password without a name: set username")
        if cache.authorities and not _unreadable(found, (*path, "authorities"), cache.authorities):
            _authorities(found, (*path, "authorities"), cache.authorities)


def _once(found: Found, table: str, key: str, values: dict[int, str]) -> None:
    """Complain of tables that say the same where each has to be another."""
    seen: dict[str, int] = {}
    for index, value in values.items():
        if value in seen:
            line = found.document.line_of((table, seen[value], key))
            message = f"{value!r} stands in line {line} already"
            found.document.complain((table, index, key), message)
        seen.setdefault(value, index)


def _retention(found: Found) -> None:
    for index, rule in found.retention.items():
        path: Path = ("collection", "retention", index)
        _named(found, path, rule)
        keeps = (rule.keep_last, rule.keep_newer, rule.keep_untagged, rule.keep_tags or None)
        if all(keep is None for keep in keeps):
            found.document.complain(
                path,
                "it says nothing of what to keep: set keep_last, keep_newer, keep_tags or "
                "keep_untagged",
            )


def _webhooks(found: Found) -> None:
    _once(found, "webhook", "url", {index: one.url for index, one in found.webhooks.items()})
    for index, webhook in found.webhooks.items():
        for key in ("events", "repositories"):
            if not getattr(webhook, key):
                message = "an empty list, so nothing would be posted: leave it out for the default"
                found.document.complain(("webhook", index, key), message)


def _logs(found: Found) -> None:
    for key in ("access_log", "audit_log"):
        path = getattr(found.settings.operation, key)
        folder = os.path.dirname(path)
        if path not in ("", "-") and not os.path.isdir(folder):
            message = f"{folder} is not there: make the directory"
            found.document.complain(("operation", key), message)
