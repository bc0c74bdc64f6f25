"""Files for programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wherry.cli.build.results import (
    image_id,
    metadata,
    remove_stale,
    write_id,
    write_metadata,
)
from wherry.cli.errors import CommandError

DONE = {
    "image": "sha256:1",
    "metadata": {
        "image.id": "sha256:1",
        "image.digest": "sha256:2",
        "image.names": ["a:1", "b:2"],
    },
}


def test_the_id(tmp_path: Path) -> None:
    path = tmp_path / "iid"
    path.write_text("stale")
    remove_stale(str(path))
    assert not path.exists()
    remove_stale(str(path))
    remove_stale("")
    write_id(str(path), DONE)
    assert path.read_text() == "sha256:1"
    write_id("", DONE)
    assert image_id({"image": None}) == ""


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "meta"
    write_metadata(str(path), DONE)
    assert json.loads(path.read_text()) == {
        "containerimage.config.digest": "sha256:1",
        "containerimage.digest": "sha256:2",
        "image.name": "a:1,b:2",
    }
    assert os.listdir(tmp_path) == ["meta"]
    assert metadata({"image": ""}) == {}
    write_metadata("", DONE)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"writing metadata file: .*: no such file or directory"):
        write_metadata(str(tmp_path / "none" / "x"), DONE)
    with pytest.raises(CommandError, match=r"removing image ID file: .*: is a directory"):
        remove_stale(str(tmp_path))
