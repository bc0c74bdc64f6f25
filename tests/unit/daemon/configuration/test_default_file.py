"""The file of a new installation: it validates, also with any of its lines taken for true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wherry.daemon.configuration import Options, load
from wherry.daemon.configuration.assemble import assemble
from wherry.daemon.configuration.default_file import default_file
from wherry.daemon.configuration.document import parse
from wherry.daemon.configuration.read import read
from wherry.daemon.configuration.table import TABLE

TEXT = default_file()
SET = [number for number, line in enumerate(TEXT.splitlines()) if line.startswith('  //"')]
EXAMPLES = {one.key: one.example for one in TABLE if one.acts and one.example is not None}


def uncommented(*numbers: int) -> str:
    lines = TEXT.splitlines()
    for number in numbers:
        lines[number] = lines[number].replace("//", "", 1)
    return "\n".join(lines)


def options(folder: Path, text: str) -> Options:
    file = folder / "daemon.json"
    file.write_text(text)
    return load(["--config-file", str(file)])


def test_it_sets_nothing(tmp_path: Path) -> None:
    assert parse("f", TEXT.encode()).data == {}
    assert options(tmp_path, TEXT) == Options()


@pytest.mark.parametrize("number", SET)
def test_each_line_is_the_default_that_it_says_it_is(number: int, tmp_path: Path) -> None:
    assert options(tmp_path, uncommented(number)) == Options()


def test_all_lines_together(tmp_path: Path) -> None:
    assert options(tmp_path, uncommented(*SET)) == Options()


def test_it_has_every_setting_that_acts_once() -> None:
    found = parse("f", uncommented(*SET).encode())
    assert found.problems == []
    keys = {".".join(map(str, path)) for path in found.lines}
    wanted = {one.key for one in TABLE if one.acts}
    assert wanted <= keys
    assert {key.split(".")[0] for key in keys} == {one.path[0] for one in TABLE if one.acts}


def test_it_explains_each_and_says_which_are_reloaded() -> None:
    words = re.sub(r"\s*\n\s*//\s?", " ", TEXT)
    for setting in TABLE:
        if setting.acts:
            assert setting.help in words
            assert (f"{setting.help} [reload]" in words) is setting.reloads


@pytest.mark.parametrize("key", EXAMPLES)
def test_examples_are_of_their_form(key: str) -> None:
    """Alone an example may lack its partner, or a file of this machine; it is read, and acts."""
    value = EXAMPLES[key]
    for name in reversed(key.split(".")):
        value = {name: value}
    document = parse("f", json.dumps(value).encode())
    found = read(document)
    assert document.problems == []
    assert found.values.keys() == {key}
    others = {"tls": True, "registry": ("", 1)}
    assert assemble({**others, **found.values}) != assemble(others)


def test_comments_are_not_too_long() -> None:
    assert max(len(line) for line in TEXT.splitlines() if not line.startswith('  //"')) <= 100


def test_the_command_that_packages_are_made_with() -> None:
    command = [sys.executable, "-P", "-m", "wherry.daemon.configuration"]
    done = subprocess.run([*command, "default"], capture_output=True, text=True, check=True)
    assert done.stdout == TEXT
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
