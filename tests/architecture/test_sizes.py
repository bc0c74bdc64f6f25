"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "wherry"
LONGEST_FILE = 600
LONGEST_FUNCTION = 60


def test_files_are_short() -> None:
    lengths = {path: path.read_text().count("\n") for path in SOURCE.rglob("*.py")}
    assert {str(p): n for p, n in lengths.items() if n > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    found = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno
                if length > LONGEST_FUNCTION:
                    found[f"{path}:{node.lineno} {node.name}"] = length
    assert found == {}


def test_every_module_says_what_it_is_for() -> None:
    missing = [
        str(path)
        for path in SOURCE.rglob("*.py")
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert missing == []
