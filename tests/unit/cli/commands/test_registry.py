"""`wherry registry` becomes the registry's own program."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from wherry.cli import main


def test_the_words_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[str]]] = []

    def execv(path: str, words: list[str]) -> None:
        seen.append((path, words))
        raise SystemExit

    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(SystemExit):
        main.run(["registry", "serve", "-h", "--root", "x"])
    program = [sys.executable, "-P", "-m", "wherry.registry.server"]
    assert seen == [(sys.executable, [*program, "serve", "-h", "--root", "x"])]


def test_every_command_that_the_help_names_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["registry", "-h"]) == 0
    shown = capsys.readouterr().out
    program = [sys.executable, "-P", "-m", "wherry.registry.server", "-h"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    for name in ("serve", "account", "robot", "collect", "check", "repositories"):
        assert f"  {name} " in shown
        assert re.search(rf"^    {name}\s", done.stdout, re.MULTILINE)
