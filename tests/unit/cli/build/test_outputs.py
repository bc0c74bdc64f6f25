"""`--output`, and where the bytes go."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from wherry.cli.build.outputs import Output, completed, open_sink, parse
from wherry.cli.errors import CommandError, UsageError


@pytest.mark.parametrize(
    ("text", "kind", "attributes"),
    [
        ("out", "local", {"dest": "out"}),
        ("-", "tar", {"dest": "-"}),
        ("type=local,dest=out", "local", {"dest": "out"}),
        ("dest=x.tar,TYPE=tar", "tar", {"dest": "x.tar"}),
        ("type=tar", "tar", {"dest": "-"}),
        ("type=oci,dest=x", "oci", {"dest": "x"}),
        ("type=docker", "docker", {}),
        ("type=docker,dest=x", "docker", {"dest": "x"}),
        ("type=image,name=a:1,push=true", "image", {"name": "a:1", "push": "true"}),
        ("type=registry,name=a", "image", {"push": "true", "name": "a"}),
        ('type=image,"name=a,b"', "image", {"name": "a,b"}),
    ],
)
def test_values(text: str, kind: str, attributes: dict[str, str]) -> None:
    found = parse(text)
    assert (found.kind, found.attributes) == (kind, attributes)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("dest=x,a=b", "type is required for output"),
        ("type=local", "dest is required for local exporter"),
        ("type=cacheonly", "output type cacheonly is not supported: use image, docker, oci"),
        ("type=tar,dest", "invalid value dest"),
        ("type=local,dest=/dev/null", "destination directory /dev/null is a file"),
        ("type=tar,dest=/", "destination file / is a directory"),
        ("type=oci,dest=x,tar=false", "leave tar=false out"),
    ],
)
def test_values_that_make_no_sense(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse(text)


def test_load_and_push_add_what_is_missing() -> None:
    def kinds(*texts: str, load: bool = False, push: bool = False) -> list[tuple[str, bool]]:
        made = completed([parse(text) for text in texts], load=load, push=push)
        return [(output.kind, output.pushed) for output in made]

    assert kinds() == []
    assert kinds(load=True) == [("docker", False)]
    assert kinds(push=True) == [("image", True)]
    assert kinds("type=image", push=True) == [("image", True)]
    assert kinds("out", load=True, push=True) == [
        ("local", False), ("image", True),
    ]  # fmt: skip
    assert kinds("type=docker,dest=x", load=True) == [("docker", False), ("docker", False)]
    with pytest.raises(UsageError, match="only one output"):
        kinds("-", "type=oci")


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "x.tar"
    sink = open_sink(Output("tar", {"dest": str(target)}))
    sink.write(b"one")
    assert not target.exists()
    sink.write(b"two")
    sink.close()
    assert target.read_bytes() == b"onetwo"
    sink = open_sink(Output("tar", {"dest": str(target)}))
    sink.write(b"half")
    sink.abandon()
    assert target.read_bytes() == b"onetwo"
    assert os.listdir(tmp_path) == ["x.tar"]


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    sink = open_sink(Output("tar", {"dest": str(path)}))
    sink.write(b"data")
    assert os.read(reading, 10) == b"data"
    sink.close()
    os.close(reading)
    assert path.is_fifo()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot write .*/none/x: no such file or directory"):
        open_sink(Output("tar", {"dest": str(tmp_path / "none" / "x")}))


def archive(count: int = 50) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as made:
        for n in range(count):
            entry = tarfile.TarInfo(f"d/f{n}")
            entry.size = 10_000
            made.addfile(entry, io.BytesIO(b"x" * 10_000))
        null = tarfile.TarInfo("null")
        null.type = tarfile.CHRTYPE
        made.addfile(null)
    return sink.getvalue()


def test_a_directory_is_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out"
    sink = open_sink(Output("local", {"dest": str(target)}))
    data = archive()
    for start in range(0, len(data), 7000):
        sink.write(data[start : start + 7000])
    sink.close()
    assert len(os.listdir(target / "d")) == 50
    assert capsys.readouterr().err == f"left out of {target}: null: no files\n"


def test_a_directory_that_cannot_be_unpacked(tmp_path: Path) -> None:
    sink = open_sink(Output("local", {"dest": str(tmp_path)}))
    sink.write(archive(1)[:5000])
    sink.abandon()

    def write(data: bytes) -> None:
        sink.write(data)
        sink.close()

    sink = open_sink(Output("local", {"dest": str(tmp_path)}))
    with pytest.raises(CommandError, match=f"cannot write the result to {tmp_path}: "):
        write(b"no archive" * 100_000)  # more than a pipe holds
