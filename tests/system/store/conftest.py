"""A store on a root of its own, and archives made by hand."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wherry.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store that is closed afterwards."""
    opened = Store.open(str(tmp_path / "root"), sync=False)
    yield opened
    opened.close()


@pytest.fixture
def archive() -> Callable[..., bytes]:
    """Return a function that makes a tar of (name, changes to its TarInfo, data) triples."""
    return make_archive


def make_archive(*entries: tuple[str, dict[str, object], bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as out:
        for name, changes, data in entries:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            for key, value in changes.items():
                setattr(entry, key, value)
            out.addfile(entry, io.BytesIO(data))
    return sink.getvalue()
