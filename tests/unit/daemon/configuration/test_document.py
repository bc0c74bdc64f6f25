"""JSON with comments: what it is, what it is not, and that no bytes break the reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.base.configuration.problems import ConfigurationError
from wherry.daemon.configuration.document import MOST_BYTES, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)
OBJECTS = st.dictionaries(TEXT, JSON)
PIECES = st.lists(
    st.sampled_from(
        ['{', '}', '[', ']', ',', ':', '"a"', '"', "'", '\\', '\\u12', '//', '#', '\n', ' ', '\t',
         '-', '0', '1e999', '12', '.', 'e', 'true', 'True', 'null', '\0', '\ufeff', 'é', '\ud800']
    ), max_size=40,
)  # fmt: skip


def refusal(data: bytes | str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse("f", data.encode() if isinstance(data, str) else data)
    return str(caught.value)


def test_comments_and_trailing_commas() -> None:
    text = """
    // one
    { # two
      "a": [1, 2, // three
            3,], "b": "no // comment, # neither",
      "c": {"d": true,},
    } // four
    """
    document = parse("f", text.encode())
    assert document.data == {
        "a": [1, 2, 3], "b": "no // comment, # neither", "c": {"d": True}
    }  # fmt: skip
    assert document.lines == {
        ("a",): 4, ("a", 0): 4, ("a", 1): 4, ("a", 2): 5, ("b",): 5, ("c",): 6, ("c", "d"): 6
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "  \n", "// nothing", "# nothing\n", "{}", "{ // }\n}"])
def test_nothing_is_an_object_without_keys(text: str) -> None:
    assert parse("f", text.encode()).data == {}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_other_encodings(encoding: str) -> None:
    assert parse("f", '{"é": "ü"}'.encode(encoding)).data == {"é": "ü"}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("[]", 1, 1, "the settings stand in braces, { }"),
        ("{}{}", 1, 3, "nothing may follow the last brace"),
        ('{\n "a": 1\n "b": 2}', 3, 2, "a comma or } is wanted"),
        ('{"a": [1 2]}', 1, 10, "a comma or ] is wanted"),
        ('{"a": 1,,}', 1, 9, 'a key in double quotes is wanted, such as "debug"'),
        ('{"a" = 1}', 1, 6, 'a colon is wanted after the key "a"'),
        ("{a: 1}", 1, 2, 'a key in double quotes is wanted, such as "debug"'),
        ("{\"a\": 'x'}", 1, 7, "text stands in double quotes"),
        ('{"a": True}', 1, 7, '"True" is no value: write true'),
        ('{"a": yes}', 1, 7, '"yes" is no value: text stands in double quotes'),
        ('{"a": 01}', 1, 7, '"01" is no value: text stands in double quotes'),
        ('{"a": }', 1, 7, "a value is wanted"),
        ('{"a": "x\n"}', 1, 9, "text ends with a double quote, in the line where it begins"),
        (r'{"a": "\x"}', 1, 7, "a backslash begins an escape that JSON does not have"),
        (r'{"a": "\ud800"}', 1, 7, "a backslash begins an escape that JSON does not have"),
        ('{"a": 1e999}', 1, 7, "a number that is too large"),
        ('{"a": ' + "1" * 5000 + "}", 1, 7, "a number with too many digits"),
        ('{\n"a": [\n', 3, 1, "the text ends before the ] that closes line 2"),
        ("{", 1, 2, "the text ends before the } that closes line 1"),
    ],
)
def test_what_is_not_json(text: str, line: int, column: int, message: str) -> None:
    assert refusal(text) == f"f:{line}: not JSON, column {column}: {message}"


def test_a_key_that_stands_twice() -> None:
    document = parse("f", b'{\n"a": 1,\n"b": {"c": 1,\n"c": 2},\n"a": 2}')
    assert [str(problem) for problem in document.problems] == [
        "f:4: b.c: the key stands in line 3 already",
        "f:5: a: the key stands in line 2 already",
    ]


def test_it_is_told_with_what_is_no_json() -> None:
    assert refusal('{"a": 1,\n"a": 2,\n}}').splitlines()[0] == (
        "f:2: a: the key stands in line 1 already"
    )


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_depth_is_bounded(bracket: str) -> None:
    assert "more than 32 levels of brackets" in refusal('{"a":' + bracket * 100_000)


def test_size_is_bounded() -> None:
    assert refusal(b" " * (MOST_BYTES + 1)) == f"f: more than {MOST_BYTES} bytes of settings"


def test_what_is_no_text() -> None:
    assert refusal(b'{\n"a": "\xff"}') == "f:2: not text in UTF-8"


@given(OBJECTS, st.sampled_from([None, 1]))
def test_all_json_is_read_as_the_standard_library_reads_it(value: object, indent: int) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert parse("f", text.encode()).data == value


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    try:
        parse("f", data)
    except ConfigurationError as error:
        assert str(error).startswith("f")  # noqa: PT017 - most bytes are wrong, some are not


@given(PIECES)
def test_no_text_of_the_language_breaks_it(pieces: list[str]) -> None:
    text = "".join(pieces).encode("utf-8", "surrogatepass")
    try:
        parse("f", text)
    except ConfigurationError as error:
        assert str(error).startswith("f")  # noqa: PT017 - as above


@given(OBJECTS, st.data())
def test_no_damaged_file_breaks_it(value: object, data: st.DataObject) -> None:
    text = bytearray(json.dumps(value, indent=1).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        parse("f", bytes(text))
    except ConfigurationError as error:
        assert str(error).startswith("f")  # noqa: PT017 - as above
