"""Finding the program, in the words that clients match."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.runtime.init.process import find_program, step
from wherry.runtime.report import StepError


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)
    return path


def test_the_path_is_searched_in_order(tmp_path: Path) -> None:
    program(tmp_path / "a/tool", 0o644)
    (tmp_path / "b/tool").mkdir(parents=True)
    found = program(tmp_path / "c/tool")
    program(tmp_path / "d/tool")
    path = ":".join(f"{tmp_path}/{name}" for name in "abcd")
    assert find_program("tool", ["X=y", f"PATH={path}"]) == str(found)


def test_the_last_path_counts(tmp_path: Path) -> None:
    found = program(tmp_path / "x/tool")
    assert find_program("tool", ["PATH=/nowhere", f"PATH={tmp_path}/x"]) == str(found)


def test_a_name_with_a_slash_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "tool")
    monkeypatch.chdir(tmp_path)
    assert find_program("./tool", ["PATH=/nowhere"]) == "./tool"


@pytest.mark.parametrize(
    ("name", "message", "code"),
    [
        ("nosuch", 'exec: "nosuch": executable file not found in $PATH', 127),
        ("/no/such", 'exec: "/no/such": stat /no/such: no such file or directory', 127),
        ("/etc", 'exec: "/etc": is a directory: permission denied', 126),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied', 126),
    ],
)
def test_what_cannot_be_run(name: str, message: str, code: int) -> None:
    with pytest.raises(StepError) as caught:
        find_program(name, ["PATH=/nowhere"])
    assert (str(caught.value), caught.value.failed.exit_code) == (message, code)


def test_a_step_names_what_failed() -> None:
    words = r"^reading it: No such file or directory: /no/such$"
    with pytest.raises(StepError, match=words), step("reading it", 126), open("/no/such"):
        pass
