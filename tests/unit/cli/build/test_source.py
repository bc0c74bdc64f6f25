"""Where a build's files and its Dockerfile are found."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wherry.base.errors import InvalidError
from wherry.cli.build.source import DEFAULT, find, find_directory, ignored_in, matcher
from wherry.cli.errors import CommandError, UsageError

TEXT = "FROM scratch\n"


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide a directory with a Dockerfile, and be in the directory above."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "ctx"
    made.mkdir()
    (made / "Dockerfile").write_text(TEXT)
    return made


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bytes], None]:
    """Provide what puts bytes on standard input."""

    def put(data: bytes) -> None:
        path = tmp_path / "stdin"
        path.write_bytes(data)
        monkeypatch.setattr(sys, "stdin", path.open("rb"))

    return put


def test_a_directory(context: Path) -> None:
    found = find("ctx", "")
    assert (found.context, found.dockerfile, found.text) == ("local", "Dockerfile", TEXT)
    assert found.directory == found.scope == str(context)
    assert found.ignore is None


def test_a_link_to_a_directory_is_the_directory(context: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(context)
    assert find("link", "").scope == str(context)
    assert find("link", "link/Dockerfile").dockerfile == "Dockerfile"


def test_a_dockerfile_with_a_small_letter(context: Path) -> None:
    (context / "Dockerfile").rename(context / "dockerfile")
    assert find("ctx", "").dockerfile == "dockerfile"


def test_a_file_is_named_from_where_the_user_is(context: Path, tmp_path: Path) -> None:
    (context / "deploy").mkdir()
    (context / "deploy" / "prod").write_text("FROM a")
    (tmp_path / "outside").write_text("FROM b")
    inside = find("ctx", "ctx/deploy/prod")
    assert (inside.dockerfile, inside.text) == ("deploy/prod", "FROM a")
    outside = find("ctx", "outside")
    assert (outside.dockerfile, outside.text) == (str(tmp_path / "outside"), "FROM b")


def test_what_is_left_out(context: Path, tmp_path: Path) -> None:
    (context / ".dockerignore").write_text("# all\nlogs\n\n!logs/keep\n")
    assert find("ctx", "").ignore == ("logs", "!logs/keep")
    (context / "Dockerfile.dockerignore").write_text("other\n")
    assert find("ctx", "").ignore == ("other",)
    (tmp_path / "outside").write_text("FROM b")
    assert find("ctx", "outside").ignore == ("logs", "!logs/keep")
    (tmp_path / "outside.dockerignore").write_text("")
    assert find("ctx", "outside").ignore == ()
    assert ignored_in(str(context)) == ("logs", "!logs/keep")
    kept = matcher(find("ctx", "outside").ignore)
    assert kept is None
    (context / "Dockerfile.dockerignore").write_text("[\n")
    with pytest.raises(InvalidError, match="syntax error in pattern"):
        find("ctx", "")


def test_a_dockerfile_that_is_not_there(context: Path) -> None:
    where = f"failed to read dockerfile: open {context}/Dockerfile: no such file or directory"
    (context / "Dockerfile").unlink()
    with pytest.raises(CommandError) as caught:
        find("ctx", "")
    assert str(caught.value) == f"{where}; {context} has no Dockerfile, name one with -f"
    (context / "Containerfile").touch()
    with pytest.raises(CommandError) as caught:
        find("ctx", "")
    assert str(caught.value) == f"{where}; did you mean -f {context}/Containerfile?"
    (context / "Dockerfile").mkdir()
    with pytest.raises(CommandError, match="Dockerfile: is a directory"):
        find("ctx", "")


def test_places_that_are_none(context: Path) -> None:
    with pytest.raises(CommandError, match='unable to prepare context: path "nope" not found'):
        find("nope", "")
    with pytest.raises(CommandError, match="'ctx/Dockerfile' must be a directory"):
        find("ctx/Dockerfile", "")
    assert find_directory("ctx", "extra") == str(context)
    with pytest.raises(CommandError, match="failed to get build context x: stat nope: no such"):
        find_directory("nope", "x")


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/x.tar.gz",
        "https://github.com/a/b.git#main:sub",
        "git@github.com:a/b.git",
        "github.com/a/b",
        "ssh://git@host/x",
        "git://host/x",
    ],
)
def test_addresses(context: Path, address: str) -> None:
    found = find(address, "sub/Dockerfile")
    assert (found.context, found.scope, found.text) == (address, address, None)
    assert found.dockerfile == "sub/Dockerfile"
    assert find(address, "").dockerfile == ""


def test_a_directory_comes_before_an_address_like_it(context: Path) -> None:
    local = context.parent / "github.com" / "a"
    local.mkdir(parents=True)
    (local / "Dockerfile").write_text(TEXT)
    assert find("github.com/a", "").context == "local"


def test_a_dockerfile_on_standard_input(context: Path, typed: Callable[[bytes], None]) -> None:
    typed(b"FROM a\n" * 200)
    found = find("-", "")
    assert (found.context, found.dockerfile, found.text) == ("none", DEFAULT, "FROM a\n" * 200)
    typed(b"FROM b\n")
    found = find("ctx", "-")
    assert (found.context, found.text, found.directory) == ("local", "FROM b\n", str(context))
    typed(b"FROM c\n")
    assert find("https://example.com/x", "-").text == "FROM c\n"


def test_an_archive_on_standard_input(typed: Callable[[bytes], None]) -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("Dockerfile"))
    typed(sink.getvalue())
    found = find("-", "sub/file")
    assert (found.context, found.dockerfile, found.text) == ("local", "sub/file", None)
    assert found.stdin is not None
    assert found.head + found.stdin.read() == sink.getvalue()


def test_standard_input_is_one_thing_only(typed: Callable[[bytes], None]) -> None:
    with pytest.raises(UsageError, match="can't use stdin for both"):
        find("-", "-")
    typed(b"FROM a\n")
    with pytest.raises(UsageError, match="ambiguous Dockerfile source"):
        find("-", "Dockerfile")
    typed(b"")
    with pytest.raises(CommandError, match="it is empty"):
        find("-", "")


def test_text_that_is_none(context: Path) -> None:
    (context / "Dockerfile").write_bytes(b"# \xff\nFROM a\n")
    assert find("ctx", "").text == "# \ufffd\nFROM a\n"
    os.unlink(context / "Dockerfile")
