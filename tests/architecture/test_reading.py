"""Typed JSON is decoded in one way: see wherry.oci.reading."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "wherry"
# One thread each: the client program has no other.
FREE = ("cli", "client")


def direct_uses(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        typed = any(keyword.arg == "type" for keyword in node.keywords) or len(node.args) > 1
        if name == "msgspec.convert" or (name == "msgspec.json.decode" and typed):
            yield f"{path.relative_to(SOURCE)}:{node.lineno}: {name}"


def test_msgspec_is_never_given_a_type_that_another_thread_may_be_giving_it() -> None:
    files = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in FREE]
    assert len(files) > 100
    found = [use for path in files if path.name != "reading.py" for use in direct_uses(path)]
    assert found == []
