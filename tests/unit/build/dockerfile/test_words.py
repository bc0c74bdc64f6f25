"""Expansion: what each form gives, what stays, what is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.base.errors import InvalidError
from wherry.build.dockerfile.words import (
    ExpansionError,
    Mode,
    expand,
    expand_document,
    expand_words,
)

VALUES = {
    "HOME": "/root",
    "NAME": "wherry",
    "EMPTY": "",
    "FILE": "lib.tar.gz",
    "PATHS": "/a/b/c",
    "STARS": "a**b",
    "SPACED": "one  two ",
    "STADT": "Köln",
    "straße": "7",
    "_x9": "under",
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("plain", "plain"),
        ("two words  stay", "two words  stay"),
        # Quotes.
        ("a'b'c", "abc"),
        ("'$NAME'", "$NAME"),
        (r"'\$NAME'", r"\$NAME"),
        (r"'\\'", r"\\"),
        ('"$NAME"', "wherry"),
        ('"it\'s $NAME"', "it's wherry"),
        ("'say \"hi\"'", 'say "hi"'),
        (r'"\$NAME"', "$NAME"),
        (r'"\"x\""', '"x"'),
        (r'"a\tb"', r"a\tb"),
        (r'"a\\tb"', r"a\tb"),
        ('""', ""),
        ("Grüße'n'", "Grüßen"),
        # Escapes.
        (r"a\tb", "atb"),
        (r"it\'s", "it's"),
        (r"\$NAME", "$NAME"),
        (r"\\$NAME", r"\wherry"),
        (r"\${}", "${}"),
        ("end\\", "end"),
        (r"end\\", "end\\"),
        # Names.
        ("$NAME", "wherry"),
        ("$NAMES", ""),
        ("$NAME.x", "wherry.x"),
        ("$NAME-x", "wherry-x"),
        ("${NAME}s", "wherrys"),
        ("$_x9", "under"),
        ("$straße", "7"),
        ("$STADT!", "Köln!"),
        ("$name", ""),
        ("$", "$"),
        ("a$", "a$"),
        ("$.", "$."),
        ("$ NAME", "$ NAME"),
        ("100%", "100%"),
        # Positional and special parameters are never set.
        ("$1x", "x"),
        ("$12x", "x"),
        ("${12}x", "x"),
        ("${1:-d}", "d"),
        ("$@@", "@"),
        ("$$", ""),
        ("${#}", ""),
        ("${-:-d}", "d"),
        ("${?:+d}", ""),
        # Defaults and alternatives.
        ("${NAME:-x}", "wherry"),
        ("${NONE:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NONE-x}", "x"),
        ("${NONE:-}", ""),
        ("${NAME:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE+x}", ""),
        ("${NAME?x}", "wherry"),
        ("${NAME:?x}", "wherry"),
        ("${EMPTY?x}", ""),
        # Words in words.
        ("${NONE:-$NAME}", "wherry"),
        ("${NONE:-${OTHER:-${NAME}}}", "wherry"),
        ("${NAME:+${HOME}/bin:}rest", "/root/bin:rest"),
        ("${NONE:-a b}", "a b"),
        ("${NONE:-'}'}", "}"),
        (r"${NONE:-\}}", "}"),
        (r"${NONE:-\$NAME}", "$NAME"),
        (r"${NONE:-\${NAME}x}y", "${NAMEx}y"),
        ("${NAME}}", "wherry}"),
        ('"${NONE:-"x"}"', "x"),
        # Parts taken away.
        ("${FILE%.*}", "lib.tar"),
        ("${FILE%%.*}", "lib"),
        ("${FILE#*.}", "tar.gz"),
        ("${FILE##*.}", "gz"),
        ("${FILE#zip}", "lib.tar.gz"),
        ("${FILE%}", "lib.tar.gz"),
        ("${FILE#}", "lib.tar.gz"),
        ("${FILE##}", "lib.tar.gz"),
        ("${FILE#???}", ".tar.gz"),
        ("${FILE#$NONE}", "lib.tar.gz"),
        ("${NONE#x}", ""),
        (r"${STARS%\**}", "a*"),
        (r"${STARS%%\**}", "a"),
        (r"${STARS#a\*}", "*b"),
        # Parts replaced.
        ("${PATHS/\\//:}", ":a/b/c"),
        ("${PATHS//\\//:}", ":a:b:c"),
        ("${PATHS//x/y}", "/a/b/c"),
        ("${PATHS//?/x}", "xxxxxx"),
        ("${NAME/r*/y}", "whey"),
        ("${NAME//r/}", "whey"),
        ("${NAME/r/$HOME}", "whe/rootry"),
        ("${NONE/a/b}", ""),
        ("${NAME/$EMPTY/x}", "xwherry"),
        # Here documents are for others.
        ("<<$NAME <x", "<<wherry <x"),
        ("a < b", "a < b"),
    ],
)
def test_expand(text: str, wanted: str) -> None:
    assert expand(text, VALUES.get).text == wanted


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("it's", "looking for matching single-quote"),
        ('say "hi', "looking for matching double-quote"),
        ('"x\\"', "looking for matching double-quote"),
        ("${", "missing '}'"),
        ("${NAME", "missing '}'"),
        ("${NAME:", "missing '}'"),
        ("${NAME:-x", "missing '}'"),
        ("${NAME:-${HOME}", "missing '}'"),
        ("${NAME/x", "missing '/' in ${}"),
        ("${NAME/x/y", "missing '}'"),
        ("${NAME//}", "missing '/' in ${}"),
        ("${}", "bad substitution"),
        ("${:-x}", "bad substitution"),
        ("${{NAME}", "bad substitution"),
        ("${.}", "unsupported modifier (.) in substitution"),
        ("${NAME=x}", "unsupported modifier (=) in substitution"),
        ("${NAME:=x}", "unsupported modifier (:=) in substitution"),
        ("${NAME:x}", "unsupported modifier (:x) in substitution"),
        ("${NAME:#x}", "unsupported modifier (:#) in substitution"),
        ("${NAME:%%x}", "unsupported modifier (:%) in substitution"),
        ("${NAME^^}", "unsupported modifier (^) in substitution"),
        (r"${NAME#\x}", r"invalid pattern (\x) in substitution: invalid escape '\x'"),
        ("${NONE?}", "NONE: is not allowed to be unset"),
        ("${NONE:?}", "NONE: is not allowed to be unset"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
        ("${EMPTY:?give $NAME}", "EMPTY: give wherry"),
        ("${NONE?give one}", "NONE: give one"),
        ("${A:-" * 60 + "}" * 60, "substitutions in each other"),
        ("${A:-" * 100_000, "substitutions in each other"),
    ],
)
def test_refused(text: str, problem: str) -> None:
    with pytest.raises(ExpansionError) as caught:
        expand(text, VALUES.get)
    assert problem in str(caught.value)
    assert str(caught.value).startswith('failed to process "')
    assert isinstance(caught.value, InvalidError)


@pytest.mark.parametrize(
    ("text", "used", "unset"),
    [
        ("x", (), ()),
        ("$NAME $NONE $NAME", ("NAME",), ("NONE",)),
        ("'$NAME'", (), ()),
        ("${NAME-$NONE}", ("NAME",), ("NONE",)),
        ("${EMPTY:+x}", ("EMPTY",), ()),
        ("${PATHS/$NAME/$OTHER}", ("NAME", "PATHS"), ("OTHER",)),
        ("$1", (), ("1",)),
    ],
)
def test_names_asked_for(text: str, used: tuple[str, ...], unset: tuple[str, ...]) -> None:
    found = expand(text, VALUES.get)
    assert (found.used, found.unset) == (used, unset)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("`$NAME", "$NAME"),
        (r"C:\dir", r"C:\dir"),
        (r"C:\$NAME", r"C:\wherry"),
        ('"`$x``"', "$x`"),
        ("a`", "a"),
    ],
)
def test_another_escape(text: str, wanted: str) -> None:
    assert expand(text, VALUES.get, "`").text == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ()),
        ("   ", ()),
        ("a b", ("a", "b")),
        ("  a\t b  ", ("a", "b")),
        ("'a b' c", ("a b", "c")),
        ('"a b"c', ("a bc",)),
        (r"a\ b", ("a b",)),
        ("$SPACED", ("one", "two")),
        ("x${SPACED}y", ("xone", "two", "y")),
        ('x"$SPACED"y', ("xone  two y",)),
        ("$NONE", ()),
        ("''", ()),
        ("'' a", ("a",)),
        ("80${NONE:-90} 1", ("8090", "1")),
        ("a<<  b c", ("a<<  b", "c")),
        ("a < b", ("a", "<", "b")),
        ("a\u00a0b\x1cc", ("a", "b\x1cc")),
    ],
)
def test_words(text: str, wanted: tuple[str, ...]) -> None:
    assert expand_words(text, VALUES.get) == wanted


def test_words_refused() -> None:
    with pytest.raises(ExpansionError):
        expand_words("a 'b", VALUES.get)


@pytest.mark.parametrize(
    ("mode", "text", "wanted"),
    [
        (Mode(raw_quotes=True), "'a' \"$NAME\"", "'a' \"wherry\""),
        (Mode(raw_escapes=True), r"\a \'b", r"\a \'b"),
        (Mode(raw_escapes=True), r'"\"\t"', r"\"\t"),
        (
            Mode(keep_unset=True),
            "$NONE ${NONE} ${NONE:-x} $NAME",
            "$NONE ${NONE} ${NONE:-x} wherry",
        ),
        (Mode(keep_unset=True), "${NONE?x}${NONE:1:2}${NONE^^}", "${NONE?x}${NONE:1:2}${NONE^^}"),
        (Mode(plain_quotes=True), "it's $NAME", "it's wherry"),
    ],
)
def test_modes(mode: Mode, text: str, wanted: str) -> None:
    assert expand(text, VALUES.get, mode=mode).text == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("'$NAME' \"$NAME\"\n", "'wherry' \"wherry\"\n"),
        ("don't\n", "don't\n"),
        (r"\$NAME", "$NAME"),
        ("\\\n", "\n"),
        ("\\\\\n", "\\\n"),
        ("${NONE:-a\nb}\n", "a\nb\n"),
    ],
)
def test_document(text: str, wanted: str) -> None:
    assert expand_document(text, VALUES.get).text == wanted


PARTS = st.sampled_from([*"\\`'\"${}:-+?#%/*<> \tab_1!\n", "NAME", "NONE", "${", "é", "\u3000"])
WEIRD = st.one_of(st.lists(PARTS, max_size=40).map("".join), st.text(max_size=40))
MODES = st.builds(Mode, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@given(WEIRD, st.sampled_from("\\`"), MODES)
def test_nothing_else_is_raised(text: str, escape: str, mode: Mode) -> None:
    for read in (expand, expand_words):
        with contextlib.suppress(ExpansionError):
            read(text, VALUES.get, escape, mode)


@given(WEIRD)
def test_single_quotes_protect_everything(text: str) -> None:
    plain = text.replace("'", "")
    assert expand(f"'{plain}'", VALUES.get).text == plain


@given(WEIRD)
def test_escapes_protect_everything(text: str) -> None:
    assert expand("".join(f"\\{one}" for one in text), VALUES.get).text == text


@given(WEIRD)
def test_what_all_modes_keep_is_what_was_written(text: str) -> None:
    keep = Mode(raw_quotes=True, raw_escapes=True, keep_unset=True)
    with contextlib.suppress(ExpansionError):
        assert expand(text + "x", lambda _: None, mode=keep).text == text + "x"
