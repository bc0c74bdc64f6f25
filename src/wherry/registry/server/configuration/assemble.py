"""From the tables of a document to `Settings`; what is missing or unknown is complained of."""

from __future__ import annotations

from typing import Any

from wherry.base.configuration.document import Document
from wherry.base.configuration.values import Place, one_of, secret
from wherry.base.values import dataclass, field
from wherry.registry.server import settings as shapes
from wherry.registry.server.configuration import tables
from wherry.registry.server.configuration.reading import Table

_TOP = ("listen", "tls", "storage", "limits", "access", "cache", "collection", "webhook")
_DRIVER = one_of("files", "s3")


@dataclass(slots=True)
class Found:
    """The settings as far as they could be read; tables of arrays by their index in the file."""

    document: Document
    settings: shapes.Settings = field(default_factory=shapes.Settings)
    rules: dict[int, shapes.Rule] = field(default_factory=dict)
    caches: dict[int, shapes.Cache] = field(default_factory=dict)
    retention: dict[int, shapes.Retention] = field(default_factory=dict)
    webhooks: dict[int, shapes.Webhook] = field(default_factory=dict)


def assemble(document: Document) -> Found:
    """Read every table; `document.problems` has what is wrong."""
    found = Found(document)
    top = Table(Place(document, ()), document.data, {"database": secret}, (*_TOP, "operation"))
    values = top.read()
    found.caches = _caches(top)
    found.webhooks = _webhooks(top)
    access = _access(top, found)
    collection = _collection(top, found)
    found.settings = shapes.Settings(
        listen=shapes.Listen(**top.table("listen", tables.LISTEN).read()),
        tls=_tls(top),
        storage=_storage(top),
        database=values.get("database", ""),
        limits=shapes.Limits(**top.table("limits", tables.LIMITS).read()),
        access=access,
        caches=tuple(found.caches.values()),
        collection=collection,
        webhooks=tuple(found.webhooks.values()),
        operation=shapes.Operation(**top.table("operation", tables.OPERATION).read()),
    )
    return found


def _tls(top: Table) -> shapes.Tls | None:
    if "tls" not in top.data:
        return None
    table = top.table("tls", tables.TLS)
    values = table.read()
    lacking = [
        table.lacks(key, "TLS needs a certificate and its key") for key in ("certificate", "key")
    ]
    return None if any(lacking) else shapes.Tls(**values)


def _storage(top: Table) -> shapes.FileStorage | shapes.ObjectStorage:
    value = top.data.get("storage")
    driver: Any = value.get("driver", "files") if isinstance(value, dict) else "files"
    if driver != "s3":
        table = top.table("storage", {"driver": _DRIVER, **tables.FILES})
        values = table.read()
        values.pop("driver", None)
        return shapes.FileStorage(**values)
    table = top.table("storage", {"driver": _DRIVER, **tables.OBJECTS})
    values = table.read()
    values.pop("driver", None)
    if table.lacks("bucket", "the driver s3 keeps its objects in one"):
        return shapes.FileStorage()
    return shapes.ObjectStorage(**values)


def _access(top: Table, found: Found) -> shapes.Access:
    table = top.table("access", tables.ACCESS, ("rule", "rates"))
    values = table.read()
    for index, rule in table.array("rule", tables.RULE).items():
        parts = rule.read()
        if not rule.lacks("repositories", 'a rule says which it is for, such as ["team/*"]'):
            found.rules[index] = shapes.Rule(**parts)
    rates = shapes.Rates(**table.table("rates", tables.RATES).read())
    return shapes.Access(**values, rules=tuple(found.rules.values()), rates=rates)


def _caches(top: Table) -> dict[int, shapes.Cache]:
    made = {}
    for index, table in top.array("cache", tables.CACHE).items():
        values = table.read()
        lacking = (
            table.lacks("prefix", 'say which names are cached, such as "hub", or "" for all'),
            table.lacks("upstream", 'say of which registry, such as "docker.io"'),
        )
        if not any(lacking):
            values["prefix"] = values["prefix"].strip("/")
            made[index] = shapes.Cache(**values)
    return made


def _collection(top: Table, found: Found) -> shapes.Collection:
    table = top.table("collection", tables.COLLECTION, ("retention",))
    values = table.read()
    for index, rule in table.array("retention", tables.RETENTION).items():
        parts = rule.read()
        if not rule.lacks("repositories", 'a rule says which it is for, such as ["team/*"]'):
            found.retention[index] = shapes.Retention(**parts)
    return shapes.Collection(**values, retention=tuple(found.retention.values()))


def _webhooks(top: Table) -> dict[int, shapes.Webhook]:
    made = {}
    for index, table in top.array("webhook", tables.WEBHOOK).items():
        values = table.read()
        if not table.lacks("url", "say where events are posted"):
            made[index] = shapes.Webhook(**values)
    return made
