"""The grammar of .dockerignore: facts from moby's tests and the reference, and a slow twin."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.build.dockerfile import ignore
from wherry.build.dockerfile.ignore import (
    Matcher,
    PatternError,
    clean,
    escape,
    ignore_files,
    parse_ignore,
    to_send,
    withheld,
)

# Pattern, paths that are ignored, paths that are not.
MATCHES = [
    ("abc", "abc abc/d abc/d/e", "abcd x/abc ab"),
    ("*", "abc a/b", ""),
    ("*.go", "x.go .go x.go/below", "x.gox a/x.go"),
    ("a/*.txt", "a/f.txt", "a/d/f.txt b/f.txt"),
    ("a*/b", "abc/b a/b", "a/c/b"),
    ("a*b?c*x", "abxbbxdbxebxczzx", "abxbbxdbxebxczzy"),
    ("a?b", "axb a☺b", "a/b ab axxb"),
    ("?", "☺ a", "ab"),
    ("ab[b-d]", "abc abb", "abe"),
    ("ab[^b-d]", "abe abz", "abc ab"),
    ("[a-\u03b6]*", "\u03b1", "A"),
    (r"[\]a]", "] a", "b"),
    (r"[\-x]", "- x", "a"),
    (r"[x\-]", "- x", "a"),
    ("[[]", "[", "]"),
    ("a[!b]", "a! ab", "ac"),
    (r"a\*b", "a*b", "ab axb"),
    (r"a\\", "a\\", "a"),
    (r"\d", "d", "1"),
    (".*", ".foo", "foo"),
    ("abc.def", "abc.def", "abcdef abcZdef"),
    ("a.|)$(}+{bc", "a.|)$(}+{bc", "a.|)$(}+{b"),
    ("a|b*", "a|b a|bc", "a b bc"),
    ("{x}*", "{x} {x}y", "xx x"),
    ("^a*", "^a ^ab", "a ab"),
    ("]", "]", "a"),
    ("**", "file dir/file .x", ""),
    ("**/", "file dir/file", ""),
    ("**/**", "file dir/file", ""),
    ("dir/**", "dir/f dir/d/f", "dir dirx/f"),
    ("dir**", "dir dirx dir/f dirx/f", "di xdir"),
    ("**/dir", "dir a/dir a/b/dir/f", "xdir"),
    ("**dir", "dir xdir a/xdir", "dirx"),
    ("**/dir2/*", "dir2/f a/dir2/f", "dir2 xdir2/f"),
    ("**/dir2/**", "dir2/f a/dir2/b/f", "dir2"),
    ("**/.foo", ".foo a/.foo", "bar.foo"),
    ("**/file*.txt", "file.txt a/b/file1.txt", "afile.txt"),
    ("**file*", "file1 a/file1", "afile1"),
    ("**/**/*.txt", "f.txt a/f.txt a/b/f.txt", "f.txt2"),
    ("a**/*.txt", "a/f.txt a/d/f.txt af.txt ab/f.txt", "b/f.txt"),
    ("a/**/b", "a/b a/x/b a/x/y/b", "ab a"),
    ("***/x", "a/x a/b/x", "x y"),
    ("a(b)c/d", "a(b)c/d", "abc/d"),
    ("dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", "x.whl"),
    ("a b", "", "a b ab"),
    ("/a", "", "a /a"),
    ("../a", "", "a"),
    (".", "", "a"),
    ("a//b/../c/", "a/c", "a/b"),
]


@pytest.mark.parametrize(("pattern", "ignored", "kept"), MATCHES)
def test_a_pattern(pattern: str, ignored: str, kept: str) -> None:
    matcher = Matcher([pattern])
    assert [path for path in ignored.split() if not matcher.ignored(path)] == []
    assert [path for path in kept.split() if matcher.ignored(path)] == []
    assert all(matcher.ignored(path.encode()) for path in ignored.split())


def test_a_blank_inside_a_pattern_belongs_to_it() -> None:
    assert Matcher([" a b "]).ignored("a b")


@pytest.mark.parametrize(
    ("patterns", "path", "ignored"),
    [
        ("!f.go *.go", "f.go", True),
        ("*.go !f.go", "f.go", False),
        ("docs !docs/README.md", "docs/README.md", False),
        ("docs/ !docs/README.md", "docs/other", True),
        ("docs/* !docs/README.md", "docs/README.md", False),
        ("** !util/web", "util/web/foo", False),
        ("** !util/web util/web/foo", "util/web/foo", True),
        ("** !dist/*.whl", "dist/a+b.whl", False),
        ("*.md !README*.md README-secret.md", "README-secret.md", True),
        ("*.md README-secret.md !README*.md", "README-secret.md", False),
        # What was tried in vain above is not tried again below: so it is in docker's walk.
        ("a !a/b **/a", "a/b/c", False),
        ("a !a/b **/b", "a/b/c", True),
    ],
)
def test_the_last_match_decides(patterns: str, path: str, ignored: bool) -> None:
    assert Matcher(patterns.split()).ignored(path) is ignored


@pytest.mark.parametrize(
    "pattern",
    [
        *("[", "a[", "[^", "[^bc", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[b-a]", "\\", "a\\"),
        *("!", "! ", "!["),
    ],
)
def test_patterns_without_meaning(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        Matcher([pattern])
    assert pattern.lstrip("!").strip() in str(caught.value)
    assert "syntax error in pattern" in str(caught.value)


@pytest.mark.parametrize("root", ["", ".", "/", b"", b"."])
def test_the_root_is_never_ignored(root: str | bytes) -> None:
    matcher = Matcher(["*", "**"])
    assert not matcher.ignored(root)
    assert matcher.may_contain(root)


def test_no_patterns_ignore_nothing() -> None:
    assert not Matcher([]).ignored("a/b")
    assert not Matcher(["", "  "]).ignored("a")


def test_names_may_be_any_bytes() -> None:
    [pattern] = parse_ignore(b"caf\xe9?.txt\n")
    assert Matcher([pattern]).ignored(b"caf\xe9\xff.txt")
    assert not Matcher([pattern]).ignored("café1.txt")
    assert Matcher(["*.txt"]).ignored(b"new\nline.txt")


def test_what_a_matcher_tells_about_itself() -> None:
    matcher = Matcher([" docs/ ", "", "!docs/x/../y"])
    assert matcher.patterns == ("docs", "!docs/y")
    assert matcher.exceptions
    assert not Matcher(["docs"]).exceptions


@pytest.mark.parametrize(
    ("patterns", "directory", "may"),
    [
        ("node_modules", "node_modules", False),
        ("node_modules", "src", True),
        ("a !a/b/c", "a", True),
        ("a !a/b/c", "a/b", True),
        ("a !a/b/c", "a/b/c", True),
        ("a !a/b/c", "a/b/c/d", True),
        ("a !a/b/c", "a/x", False),
        ("!a/b a", "a", False),
        ("a !b", "a", False),
        ("a b !b/c", "a", False),
        ("** !**/keep.txt", "a/b", True),
        ("** !a/*/c", "a/b", True),
        ("** !a/*/c", "b", False),
        ("** !a?/c", "ab", True),
        ("** !a?/c", "abc", False),
        ("** !a**", "b", True),
        ("** !a/[^b]c", "a", True),
        (r"** !a\/b", "a", True),
        ("* !a/b", "c", False),
    ],
)
def test_a_walker_may_skip_what_cannot_contain_anything(
    patterns: str, directory: str, may: bool
) -> None:
    assert Matcher(patterns.split()).may_contain(directory) is may
    assert Matcher(patterns.split()).may_contain(directory.encode()) is may


def test_reading_a_file() -> None:
    text = "\ufefftest1\r\n/test2\n/a/file/here/\n\n \t\n# comment\n #none\nlast  \n"
    text += "! /in/verted\n!\n! "
    found = ["test1", "test2", "a/file/here", "#none", "last", "!in/verted", "!", "!"]
    assert parse_ignore(text) == found
    assert parse_ignore(text.encode()) == found


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("a/../../b", "../b"),
        ("/../a", "a"),
        ("//a//b", "a/b"),
        ("./a/.", "a"),
        ("/", "/"),
        ("\ufeff#x", None),
        ("\xa0a\u2003", "a"),
        ("\x1fa", "\x1fa"),
        ("a #b", "a #b"),
    ],
)
def test_a_line(line: str, pattern: str | None) -> None:
    assert parse_ignore(line) == ([] if pattern is None else [pattern])


def test_only_the_first_line_may_have_a_mark_of_its_encoding() -> None:
    assert parse_ignore("a\n\ufeffb") == ["a", "\ufeffb"]


@pytest.mark.parametrize(
    ("patterns", "dockerfile", "names"),
    [
        (["*"], "Dockerfile", (".dockerignore", "Dockerfile", "Dockerfile.dockerignore")),
        (["Dockerfile"], "Dockerfile", ("Dockerfile",)),
        (["build/D*e"], "./build/D.e", ("build/D.e", "build/D.e.dockerignore")),
        (["*", "!Dockerfile*"], "Dockerfile", (".dockerignore",)),
        (["docs"], "Dockerfile", ()),
        (["*"], " a[b]* ", (".dockerignore", " a[b]* ", " a[b]* .dockerignore")),
    ],
)
def test_the_builds_own_files_are_sent_all_the_same(
    patterns: list[str], dockerfile: str, names: tuple[str, ...]
) -> None:
    assert withheld(patterns, dockerfile) == names
    sending = Matcher(to_send(patterns, dockerfile))
    assert not any(sending.ignored(name) for name in names)
    assert to_send(patterns, dockerfile)[: len(patterns)] == patterns


def test_a_file_beside_the_dockerfile_comes_first() -> None:
    assert ignore_files("a/Dockerfile") == ("a/Dockerfile.dockerignore", ".dockerignore")


@given(st.text(st.characters(exclude_characters="/\x00"), min_size=1))
def test_an_escaped_name_matches_itself_only(name: str) -> None:
    if name in (".", ".."):
        return
    matcher = Matcher([escape(name)])
    assert matcher.ignored(name)
    assert not matcher.ignored(name + "x")


def test_the_client_program_pays_little_for_it() -> None:
    code = (
        "import sys, wherry.build.dockerfile.ignore;"
        "print(*{'msgspec', 'asyncio', 'aiohttp'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


# A twin that is slow and says the same in other words.


def _glob(pattern: str, path: str) -> bool:
    """Match `**`, `*`, `?` and characters, by trying every way."""
    if pattern.startswith("**"):
        rest = pattern[3:] if pattern.startswith("**/") else pattern[2:]
        if not rest:
            return True
        starts = [0, *(index + 1 for index, char in enumerate(path) if char == "/")]
        return any(_glob(rest, path[start:]) for start in starts)
    if not pattern:
        return not path
    if pattern[0] == "*":
        ends = range((path + "/").index("/") + 1)
        return any(_glob(pattern[1:], path[end:]) for end in ends)
    fits = bool(path) and (pattern[0] == path[0] or (pattern[0] == "?" and path[0] != "/"))
    return fits and _glob(pattern[1:], path[1:])


def _ignored(patterns: Sequence[str], path: str) -> bool:
    parts = path.split("/")
    above = [False] * len(patterns)
    for depth in range(1, len(parts) + 1):
        here, out = "/".join(parts[:depth]), False
        for index, pattern in enumerate(patterns):
            exception = pattern.startswith("!")
            tried = exception is out and _matches(clean(pattern.removeprefix("!")), here)
            above[index] = above[index] or tried
            out = not exception if above[index] else out
    return out


def _matches(pattern: str, path: str) -> bool:
    if pattern.startswith("**") and not set(pattern[2:]) & set("*?"):
        rest = pattern[2:]
        return path.endswith(rest) or (rest[:1] == "/" and path == rest[1:])
    return _glob(pattern, path)


COMPONENTS = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "**", "a**", "**b", "*b"])
PATTERNS = st.builds(
    lambda mark, parts: mark + "/".join(parts),
    st.sampled_from(["", "", "!"]),
    st.lists(COMPONENTS, min_size=1, max_size=3),
)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "ba"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(PATTERNS, max_size=4), st.lists(PATHS, min_size=1, max_size=6))
def test_matchers_agree_with_a_slow_twin(patterns: list[str], paths: list[str]) -> None:
    matcher = Matcher(patterns)
    for path in paths:
        assert matcher.ignored(path) is _ignored(patterns, path)
        above = path.rpartition("/")[0]
        assert matcher.may_contain(above) or matcher.ignored(path)


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "?", "**", "**/", "[ab]", "[^a]"]), max_size=8),
    st.text(alphabet="ab/", max_size=10),
)
def test_the_automaton_matches_what_expressions_match(parts: list[str], path: str) -> None:
    tokens = list(ignore._tokens("".join(parts)))
    expression = re.compile("".join(token.expression for token in tokens), re.DOTALL)
    matched = ignore.Automaton(tokens).fullmatch(path)
    assert matched == (expression.fullmatch(path) is not None)


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        ("*a" * 40 + "b", "a" * 200 + "b"),
        ("/".join(["**/a"] * 40) + "/b", "a/" * 50 + "b"),
        ("**a" * 30 + "b", "a" * 30 + "b"),
    ],
)
def test_a_hostile_pattern_ends(pattern: str, match: str) -> None:
    matcher = Matcher([pattern])
    for path in ("a" * 200, "/".join(["a"] * 100)):
        assert not matcher.ignored(path)
        assert matcher.may_contain(path) in (True, False)
    assert matcher.ignored(match)
