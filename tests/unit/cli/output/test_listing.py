"""Lists: tables that fit, templates with headings, JSON, only ids; colours only where seen."""

from __future__ import annotations

import pytest

from wherry.cli import command
from wherry.cli.command import Context
from wherry.cli.errors import CommandError
from wherry.cli.flags import Options
from wherry.cli.output import listing, table
from wherry.cli.output.listing import Columns, lines, print_list

COLUMNS = Columns({"ID": "ID", "Name": "NAME", "Text": "TEXT"}, ["ID", "Text", "Name"], ["Text"])
ROWS = [
    {"ID": "1", "Name": "first", "Text": "long " * 10, "Label": lambda name: f"({name})"},
    {"ID": "2", "Name": "second", "Text": "", "Label": lambda name: ""},
]


def test_the_default_table() -> None:
    assert lines(ROWS[1:], COLUMNS) == ["ID        TEXT      NAME", "2                   second"]
    assert lines([], COLUMNS, "table") == ["ID        TEXT      NAME"]


def test_templates_and_json() -> None:
    assert lines(ROWS, COLUMNS, "{{.Name}}\\t{{.ID}}") == ["first\t1", "second\t2"]
    assert lines(ROWS, COLUMNS, 'table {{.ID}}\\t{{.Label "a.b"}}') == [
        "ID        b", "1         (a.b)", "2         ",
    ]  # fmt: skip
    assert lines(ROWS[1:], COLUMNS, "json") == ['{"ID":"2","Name":"second","Text":""}']
    with pytest.raises(CommandError, match=r"^failed to execute template: .*field Nope"):
        lines(ROWS, COLUMNS, "{{.Nope}}")
    with pytest.raises(CommandError, match=r"^failed to parse template: .*unclosed action"):
        lines(ROWS, COLUMNS, "{{")


@pytest.mark.parametrize("room", [40, 30, 22, 15])
def test_a_table_fits_and_keeps_what_is_typed_again(room: int) -> None:
    shown = lines(ROWS, COLUMNS, "", room)
    assert max(map(len, shown)) <= max(room, 17)
    assert all(name in text for name, text in zip(["first", "second"], shown[1:], strict=True))
    assert "…" in shown[1]


def test_wide_rooms_change_nothing() -> None:
    assert lines(ROWS, COLUMNS, "", 200) == lines(ROWS, COLUMNS)
    assert table.render([]) == []


def test_only_a_terminal_has_colours_and_cuts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    print_list(Context(""), ROWS, COLUMNS, Options())
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    monkeypatch.setattr(listing, "colours", lambda: True)
    monkeypatch.setattr(listing.width, "room", lambda: 30)
    print_list(Context(""), ROWS, COLUMNS, Options())
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("\x1b[1mID")
    assert max(map(len, rest)) <= 30
    quiet = Options()
    quiet.add("quiet", "true")
    print_list(Context(""), ROWS, COLUMNS, quiet)
    assert capsys.readouterr().out == "1\n2\n"


def test_colours_are_for_those_who_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert command.colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not command.colours()
