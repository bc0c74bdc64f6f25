"""What --chmod asks for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.build.ops.chmod import ChmodError, parse_chmod


@pytest.mark.parametrize(
    ("text", "mode", "directory", "result"),
    [
        ("644", 0o777, False, 0o644),
        ("0755", 0, True, 0o755),
        ("4711", 0o644, False, 0o4711),
        ("0", 0o777, False, 0),
        ("u=rwX,go=rX", 0o600, False, 0o644),
        ("u=rwX,go=rX", 0o700, False, 0o755),
        ("u=rwX,go=rX", 0o600, True, 0o755),
        ("a+x", 0o644, False, 0o755),
        ("+x", 0o644, False, 0o755),
        ("go-r", 0o644, False, 0o600),
        ("-w", 0o666, False, 0o444),
        ("u+s", 0o755, False, 0o4755),
        ("g+s,o-rx", 0o755, True, 0o2750),
        ("+t", 0o777, True, 0o1777),
        ("a=", 0o4755, False, 0),
        ("g=u", 0o740, False, 0o770),
        ("o=g-w", 0o670, False, 0o675),
        ("u+r-w+x", 0o200, False, 0o500),
        ("ug=rw,o=", 0o777, False, 0o660),
        ("a=rX", 0o2755, True, 0o2555),
    ],
)
def test_modes(text: str, mode: int, directory: bool, result: int) -> None:
    change = parse_chmod(text)
    assert change is not None
    assert change(mode, directory) == result


@pytest.mark.parametrize(
    "text", ["nonsense", "8", "10000", "77777", "u", "u=rwz", "u=rw,", ",", " 644", "-1", "u=go"]
)
def test_what_is_no_mode(text: str) -> None:
    with pytest.raises(ChmodError, match="invalid chmod parameter"):
        parse_chmod(text)


def test_nothing_asked_for() -> None:
    assert parse_chmod("") is None


CLAUSES = st.builds(
    lambda who, sign, what: f"{who or 'a'}{sign}{what}",
    st.text("ugoa", max_size=3),
    st.sampled_from("+-="),
    st.one_of(st.text("rwxX", max_size=4), st.sampled_from("ugo")),
)


@settings(max_examples=30, deadline=None)
@given(
    clauses=st.lists(CLAUSES, min_size=1, max_size=3),
    mode=st.integers(0, 0o777),
    directory=st.booleans(),
)
def test_like_chmod(
    tmp_path_factory: pytest.TempPathFactory, clauses: list[str], mode: int, directory: bool
) -> None:  # fmt: skip
    path: Path = tmp_path_factory.mktemp("chmod") / "x"
    path.mkdir() if directory else path.touch()
    path.chmod(mode)
    text = ",".join(clauses)
    subprocess.run(["chmod", text, path], check=True)
    change = parse_chmod(text)
    assert change is not None
    assert change(mode, directory) == os.stat(path).st_mode & 0o7777
    path.chmod(0o700)
