"""The driver that the settings ask for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wherry.registry.blobdrivers.files import FileDriver
from wherry.registry.blobdrivers.objects import BadEndpointError, ObjectDriver
from wherry.registry.blobdrivers.open import MissingLibraryError, open_driver
from wherry.registry.server.settings import FileStorage, ObjectStorage


def test_drivers(tmp_path: Path) -> None:
    assert isinstance(open_driver(FileStorage(str(tmp_path / "new"))), FileDriver)
    assert (tmp_path / "new" / "objects").is_dir()
    assert isinstance(open_driver(ObjectStorage("b", "http://127.0.0.1:1")), ObjectDriver)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wherry.registry.blobdrivers.objects", raising=False)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(MissingLibraryError, match=r"needs the library obstore: install wherry\["):
        open_driver(ObjectStorage("b"))


def test_an_endpoint_without_a_scheme() -> None:
    with pytest.raises(BadEndpointError, match="'minio:9000' is not a URL"):
        open_driver(ObjectStorage("b", "minio:9000"))
