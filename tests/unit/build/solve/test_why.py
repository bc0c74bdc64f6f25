"""Why a step was not in the cache."""

from __future__ import annotations

from wherry.build.solve import why
from wherry.build.solve.keys import Inputs, Memory, memory_of


def remembered(below: str = "base", files: dict[str, str] | None = None, **parts: str) -> Memory:
    given = {name.replace("_", " "): value for name, value in parts.items()}
    return memory_of(Inputs("run", given), below, files or {})


NOW = remembered(the_command="make", the_user="")


def test_never_built() -> None:
    assert why.missed(NOW, None) == why.Why(why.FIRST)


def test_removed_from_the_cache() -> None:
    assert why.missed(NOW, NOW) == why.Why(why.GONE)


def test_another_base() -> None:
    assert why.missed(NOW, remembered("other", the_command="make", the_user="")).text == why.BELOW


def test_another_instruction() -> None:
    before = remembered(the_command="make all", the_user="")
    assert why.missed(NOW, before).text == "the command changed"


def test_files_are_named() -> None:
    before = remembered(files={"a": "1", "b": "1", "c": "1"}, the_content="x")
    now = remembered(files={"a": "1", "b": "2", "d": "1"}, the_content="y")
    assert why.missed(now, before) == why.Why("3 files changed", ("~ b", "- c", "+ d"))


def test_content_without_a_list_of_files() -> None:
    reason = why.missed(remembered(the_content="x"), remembered(the_content="y"))
    assert reason.text == "the files that it copies changed"


def test_values_are_not_remembered() -> None:
    assert "hunter2" not in repr(remembered(the_variable_PASSWORD="hunter2"))
