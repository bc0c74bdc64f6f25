"""Scripts for wherryd have its flags, as its own table has them."""

from __future__ import annotations

import pytest

from wherry.cli.completion import daemon
from wherry.daemon.configuration import reference

FLAGS = [
    daemon.DaemonFlag([["--data-root"], "PATH", "a path", "Where it is. More.", False]),
    daemon.DaemonFlag([["-D", "--debug"], "", "true or false", "Say [more]: all's told", False]),
    daemon.DaemonFlag([["--log-format"], "text|json", "one of two", "How", False]),
    daemon.DaemonFlag([["-H", "--host"], "ADDRESS", "a list", "Where", True]),
]


def test_bash() -> None:
    text = daemon.script("bash", FLAGS, explained=True)
    assert 'compgen -W "--data-root -D --debug --log-format -H --host"' in text
    assert "        --data-root)\n" in text
    assert 'compgen -W "text json"' in text
    assert "        -H|--host)\n" in text


def test_zsh() -> None:
    text = daemon.script("zsh", FLAGS, explained=True)
    assert "'(--data-root)--data-root=[Where it is]:PATH:_files'" in text
    assert "'(-D --debug)-D[Say (more)  all'\\''s told]'" in text
    assert "'*--host=[Where]:ADDRESS:'" in text
    assert "[" not in daemon.script("zsh", FLAGS, explained=False)


def test_fish() -> None:
    text = daemon.script("fish", FLAGS, explained=True)
    assert "complete -c wherryd -l data-root -r -F -d 'Where it is'" in text
    assert "complete -c wherryd -s D -l debug -d " in text
    assert "complete -c wherryd -l log-format -x -a 'text json' -d 'How'" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_flag_that_does_something_is_there(shell: str) -> None:
    text = daemon.script(shell, daemon.flags(), explained=True)
    rows = [row for row in reference() if row.state == "acts"]
    assert rows
    for row in rows:
        for name in row.flags:
            shown = name if shell != "fish" else name.lstrip("-")
            assert shown in text
