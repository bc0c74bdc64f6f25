"""What `wherry search` asks for and shows."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cli.command import Context
from wherry.cli.commands.images.search import SEARCH, row
from wherry.cli.flags import parse

FOUND = [
    {"name": "debian", "description": "words " * 20, "star_count": 5000, "is_official": True},
    {"name": "team/app", "description": "a\nb", "star_count": 0},
]


class Engine:
    """An engine that knows two repositories, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def get(self, path: str, query: Any, headers: Any) -> Any:
        self.asked.append((path, query, headers))
        return FOUND


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[list[str], Engine]:
    engine = Engine()
    context = Context("unix:///nowhere")
    monkeypatch.setattr(context, "_engine", engine)
    monkeypatch.setenv("DOCKER_CONFIG", "/nonexistent")
    options, arguments = parse(SEARCH.flags, list(words))
    assert SEARCH.run(context, options, arguments) == 0
    return capsys.readouterr().out.splitlines(), engine


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines, engine = run(monkeypatch, capsys, "--limit", "5", "-f", "stars=3", "debian")
    assert lines[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"]
    assert lines[1].split()[0] == "debian"
    assert lines[1].endswith("[OK]")
    assert "…" in lines[1]
    assert lines[2].split() == ["team/app", "a", "b", "0"]
    query = {"term": "debian", "limit": 5, "filters": {"stars": ["3"]}}
    assert engine.asked == [("/images/search", query, {})]


def test_templates_and_whole_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    template = "{{.Name}} {{.StarCount}} {{.IsOfficial}}|{{.Description}}"
    lines, _ = run(monkeypatch, capsys, "--no-trunc", "--format", template, "debian")
    assert lines[0] == f"debian 5000 [OK]|{'words ' * 20}"
    lines, _ = run(monkeypatch, capsys, "--format", "json", "debian")
    assert lines[1] == (
        '{"Description":"a b","IsOfficial":"false","Name":"team/app","StarCount":"0"}'
    )


def test_a_result_with_nothing_in_it() -> None:
    assert set(row({}, whole=False).values()) == {"", "0"}
