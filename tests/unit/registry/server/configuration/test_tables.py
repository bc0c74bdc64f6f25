"""Settings, tables and the operator's guide name the same keys."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from wherry.registry.server import settings as shapes
from wherry.registry.server.configuration import tables
from wherry.registry.server.configuration.assemble import assemble
from wherry.registry.server.configuration.document import parse
from wherry.registry.server.configuration.reading import Keys

GUIDE = Path(__file__).resolve().parents[5] / "docs" / "registry.md"
TABLES: list[tuple[Keys, Any, set[str]]] = [
    (tables.LISTEN, shapes.Listen, set()),
    (tables.TLS, shapes.Tls, set()),
    (tables.FILES, shapes.FileStorage, set()),
    (tables.OBJECTS, shapes.ObjectStorage, set()),
    (tables.LIMITS, shapes.Limits, set()),
    (tables.RULE, shapes.Rule, set()),
    (tables.RATES, shapes.Rates, set()),
    (tables.ACCESS, shapes.Access, {"rules", "rates"}),
    (tables.CACHE, shapes.Cache, set()),
    (tables.COLLECTION, shapes.Collection, {"retention"}),
    (tables.RETENTION, shapes.Retention, set()),
    (tables.WEBHOOK, shapes.Webhook, set()),
    (tables.OPERATION, shapes.Operation, set()),
]


def example() -> str:
    """Return the example with every setting."""
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return next(block for block in blocks if "[[access.rule]]" in block)


@pytest.mark.parametrize(("keys", "shape", "others"), TABLES)
def test_every_field_can_be_set(keys: Keys, shape: Any, others: set[str]) -> None:
    assert {field.name for field in dataclasses.fields(shape)} == set(keys) | others


def test_the_example_of_the_guide_has_every_setting_and_is_right() -> None:
    # Secrets of files and of the environment are not there where tests run.
    text = re.sub(r'\{ (?:file|env) = ("[^"]*") \}', r"\1", example())
    document = parse("guide", text)
    found = assemble(document)
    assert document.problems == []
    data = tomllib.loads(text)
    shown = [
        (tables.LISTEN, data["listen"]), (tables.TLS, data["tls"]), (tables.FILES, data["storage"]),
        (tables.LIMITS, data["limits"]), (tables.RULE, data["access"]["rule"][0]),
        (tables.RATES, data["access"]["rates"]), (tables.ACCESS, data["access"]),
        (tables.CACHE, data["cache"][0]), (tables.COLLECTION, data["collection"]),
        (tables.RETENTION, data["collection"]["retention"][0]),
        (tables.WEBHOOK, data["webhook"][0]), (tables.OPERATION, data["operation"]),
    ]  # fmt: skip
    for keys, table in shown:
        assert set(keys) <= set(table)
    # Where the guide shows defaults, they are the defaults.
    for name in ("listen", "storage", "limits", "operation"):
        assert getattr(found.settings, name) == getattr(shapes.Settings(), name)
    assert found.settings.access.rates == shapes.Rates()
    for key in ("interval", "grace", "uploads"):
        assert getattr(found.settings.collection, key) == getattr(shapes.Collection(), key)


def test_the_example_of_object_storage_is_right() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    text = next(block for block in blocks if 'driver = "s3"\nbucket' in block)
    text = re.sub(r'\{ (?:file|env) = ("[^"]*") \}', r"\1", text)
    document = parse("guide", text)
    assert isinstance(assemble(document).settings.storage, shapes.ObjectStorage)
    assert document.problems == []
    assert set(tables.OBJECTS) <= set(tomllib.loads(text)["storage"])
