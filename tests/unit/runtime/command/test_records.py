"""The state directory between two commands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wherry.base.errors import InvalidError
from wherry.runtime.command.errors import ContainerExistsError, NoContainerError
from wherry.runtime.command.records import Place, Record


@pytest.fixture
def place(tmp_path: Path) -> Place:
    # Deeper than an address of a socket is long.
    return Place(str(tmp_path / ("x" * 150)), "c")


def record(place: Place) -> Record:
    return Record(id=place.id, bundle="/b", rootfs="/b/rootfs", created="now", config={"a": 1})


def test_a_record_is_read_as_it_was_written(place: Place) -> None:
    with pytest.raises(NoContainerError, match='container "c" does not exist'):
        place.read()
    place.take()
    with pytest.raises(NoContainerError):
        place.read()
    place.write(record(place))
    assert place.read() == record(place)
    assert os.stat(place.directory).st_mode & 0o777 == 0o700
    place.remove()
    place.remove()
    assert not os.path.exists(place.directory)


def test_a_name_is_taken_once(place: Place) -> None:
    place.take()
    with pytest.raises(ContainerExistsError, match="already exists"):
        place.take()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "ü/", "x" * 1025, "a\0b", "a\n"])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidError, match="invalid container ID format"):
        Place(str(tmp_path), name)


def test_the_status_follows_the_process(place: Place) -> None:
    place.take()
    waiting = record(place)
    assert place.status(waiting) == "creating"
    running = waiting.with_process(os.getpid())
    assert place.status(running) == "running"
    with place.listen():
        assert place.status(running) == "created"
        with place.connect():
            pass
    place.started()
    place.started()
    assert place.status(running) == "running"
    with pytest.raises(FileNotFoundError):
        place.connect()
    ended = Record(**{**_fields(running), "ticks": running.ticks + 1})
    assert place.status(ended) == "stopped"


def _fields(found: Record) -> dict[str, object]:
    return {name: getattr(found, name) for name in Record.__slots__}
