"""Exit records on disk."""

from __future__ import annotations

from pathlib import Path

from wherry.keeper import exits
from wherry.keeper.protocol import Exited


def test_records_are_written_read_and_removed(tmp_path: Path) -> None:
    root = str(tmp_path)
    Path(exits.directory_of(root)).mkdir()
    known, unknown = Exited("a", 256, 7), Exited("b", None, 8)
    exits.write(root, known)
    exits.write(root, unknown)
    Path(exits.directory_of(root), "c.partial").touch()
    assert exits.read_all(root) == {"a": known, "b": unknown}
    exits.remove(root, "a")
    exits.remove(root, "a")
    assert exits.read_all(root) == {"b": unknown}
