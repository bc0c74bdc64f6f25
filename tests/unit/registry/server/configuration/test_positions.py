"""Lines of keys, for every form that TOML has."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from wherry.base.configuration.problems import Path
from wherry.registry.server.configuration.positions import locate


def lines(text: str) -> dict[Path, int]:
    tomllib.loads(text)
    return dict(locate(text))


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1", ("a",), 1),
        ("\n# a = 2\n\n  a = 1", ("a",), 4),
        ("a.b.c = 1", ("a", "b", "c"), 1),
        ("[t]\na = 1\n[t.u]\nb = 2", ("t", "u", "b"), 4),
        ("[ t . u ]\n'a b' . \"c\\u0041\" = 1", ("t", "u", "a b", "cA"), 2),
        ("[[t]]\na = 1\n[[t]]\na = 2", ("t", 1, "a"), 4),
        ("[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\n[[t.u]]\na = 1", ("t", 1, "u", 1, "a"), 6),
        ("[[t]]\n[t.u]\na = 1\n[[t]]\n[t.u]\na = 1", ("t", 1, "u", "a"), 6),
        ('a = """\nb = 1\n[c]\n"""\nb = 2', ("b",), 5),
        ("a = '''\n'' '\nb = 1'''\nb = 2", ("b",), 4),
        ('a = """x""""\nb = 2', ("b",), 2),
        ("a = '''x'''''\nb = 2", ("b",), 2),
        ('a = "x # \\" y"\nb = 2', ("b",), 2),
        ("a = [\n  1, # one\n  2,\n\n  [3,\n  4],\n]\nb = 2", ("a", 1), 3),
        ("a = [\n  1, # one\n  2,\n\n  [3,\n  4],\n]\nb = 2", ("a", 2, 1), 6),
        ("a = [\n  1, # ] one\n  2,\n\n  [3,\n  4],\n]\nb = 2", ("b",), 8),
        ("a = { b = 1, c.d = [1, { e = 2 }] }\nf = 1", ("a", "c", "d", 1, "e"), 1),
        ("a = { b = 1, c.d = [1, { e = 2 }] }\nf = 1", ("f",), 2),
        ("a = [\n{ b = 1 },\n{ b = 2 },\n]", ("a", 1, "b"), 3),
        ("a = 1979-05-27 07:32:00Z # when\nb = -inf\r\nc = 0x_1f", ("c",), 3),
        ("a = []\nb = {}\nc = ''\nd = 1", ("d",), 4),
    ],
)  # fmt: skip
def test_a_key_is_found_on_its_line(text: str, path: Path, line: int) -> None:
    text = text.replace("0x_1f", "0x1f")
    assert lines(text)[path] == line


def test_the_table_has_a_line_too() -> None:
    found = lines("[a]\n\n[[b.c]]\n\n[[b.c]]\n")
    assert found == {("a",): 1, ("b", "c"): 3, ("b", "c", 0): 3, ("b", "c", 1): 5}


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in a parsed text."""
    if path:
        yield path
    match value:
        case dict():
            for key, below in value.items():
                yield from paths(below, (*path, key))
        case list():
            for index, below in enumerate(value):
                yield from paths(below, (*path, index))


def test_nothing_that_the_parser_finds_has_no_line() -> None:
    text = "\n".join(
        f"""
        [t{number}.'u {number}']
        a.b = [ {{ x = "]", y = [[], [[1]]] }}, {{ z = '''
        '''}} ]
        [[l.m]]
        k = {number}
        [[l.m.n]]
        [l.m.n.o]
        p = {{}}
        [[l.m.n]]
        """
        for number in range(5)
    )
    found = locate(text)
    wanted = set(paths(tomllib.loads(text)))
    # A table that is only named on the way to another has no line of its own.
    assert {path for path in wanted - set(found) if len(path) > 1} == set()
    assert list(found.values()) == sorted(found.values())
