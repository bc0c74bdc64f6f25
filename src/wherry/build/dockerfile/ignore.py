"""Which names of a context are left out: the grammar of .dockerignore and of `COPY --exclude`.

A pattern is rooted: it speaks of the whole path, and of all below what it matches. The last pattern
that matches decides; one that begins with `!` takes back what was left out before it.

    *  ?  [a-z]  [^a]  \\x    as in Go's `filepath.Match`: within one component
    **                       any number of components, none included

What moby's matcher does with `**` is kept to the letter (`**x` is "ends in x", `a**` is "begins
with a"), since images depend on it. Characters that only a regular expression knows (`|`, `{`, `^`)
are characters; moby lets some of them slip through.

The client program uses this module too: standard library only. Names are text as `os.fsdecode`
gives it on Linux (UTF-8 with surrogate escapes), or bytes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

from wherry.base.errors import InvalidError
from wherry.base.values import dataclass

IGNORE_FILE = ".dockerignore"

# Python's strip() would also take the separators U+001C to U+001F, which Go keeps.
_BLANK = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_ANY_DEPTH = "(?:.*/)?"
_WITHIN = "[^/]*"
_ANYTHING = ".*"
_OPEN = (_ANY_DEPTH, _WITHIN, _ANYTHING)
# With two of them an expression needs at most the square of the path's length.
_MOST_OPEN = 2


class PatternError(InvalidError):
    """A pattern has no meaning."""

    def __init__(self, pattern: str, why: str) -> None:
        super().__init__(
            f"invalid pattern {pattern!r}: syntax error in pattern: {why}; put a backslash before "
            "a character that stands for itself"
        )


def parse_ignore(text: str | bytes) -> list[str]:
    """Return the patterns of an ignore file, cleaned, in their order; exceptions begin with `!`."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    found = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = line.strip(_BLANK)
        if line.startswith("#") or not pattern:
            continue
        mark, pattern = _split_mark(pattern)
        pattern = pattern.strip(_BLANK)
        if pattern:
            pattern = clean(pattern)
            pattern = pattern[1:] if len(pattern) > 1 and pattern[0] == "/" else pattern
        found.append(mark + pattern)
    return found


def ignore_files(dockerfile: str) -> tuple[str, str]:
    """Return where patterns are looked for: beside the Dockerfile, else in the context's root."""
    return f"{dockerfile}{IGNORE_FILE}", IGNORE_FILE


def withheld(patterns: Iterable[str], dockerfile: str) -> tuple[str, ...]:
    """Return which of the build's own files are ignored: sent all the same, hidden from COPY."""
    matcher, dockerfile = Matcher(patterns), clean(dockerfile)
    own = (IGNORE_FILE, dockerfile, ignore_files(dockerfile)[0])
    return tuple(name for name in own if matcher.ignored(name))


def to_send(patterns: Sequence[str], dockerfile: str) -> list[str]:
    """Return the patterns for whoever sends the context: the build's own files are let through."""
    return [*patterns, *(f"!{escape(name)}" for name in withheld(patterns, dockerfile))]


def escape(name: str) -> str:
    """Return the pattern that matches just this name."""
    first, end = len(name) - len(name.lstrip(_BLANK)), len(name.rstrip(_BLANK))
    made = []
    for at, char in enumerate(name):
        if not first <= at < end:
            # Blanks at the ends would be taken away, and with them what a backslash stands before.
            made.append(f"[{char}]")
        else:
            made.append(f"\\{char}" if char in "*?[\\" or (char == "!" and not at) else char)
    return "".join(made)


def clean(path: str) -> str:
    """Return a path without `.`, `..` and doubled slashes, by its text alone."""
    path = posixpath.normpath(path)
    return path[1:] if path.startswith("//") else path


class Matcher:
    """Patterns, compiled once. May be used by several threads.

    For `COPY --exclude` the patterns are the flag's values, and a path is relative to the source
    that is being copied.
    """

    __slots__ = ("_groups", "_last", "exceptions", "patterns")

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raise PatternError for a pattern without meaning; empty ones are left out."""
        texts = filter(None, (pattern.strip(_BLANK) for pattern in patterns))
        pairs = [_cleaned(text) for text in texts]
        self.patterns = tuple("!" * exception + text for exception, text in pairs)
        self.exceptions = any(exception for exception, _ in pairs)
        self._groups = tuple(_grouped(pairs))
        # A directory and what matched it. Walkers ask for neighbours one after the other.
        self._last = ("", 0)

    def ignored(self, path: bytes | str) -> bool:
        """Say whether a path, relative to the root, is left out. The root itself never is."""
        text = _text(path)
        if not text:
            return False
        return self._step(text, self._matched(text.rpartition("/")[0]))[0]

    def may_contain(self, path: bytes | str) -> bool:
        """Say whether anything below a directory could be kept; if not, a walker may skip it."""
        text = _text(path)
        if not text:
            return True
        matched, parts = self._matched(text), text.split("/")
        for index in range(len(self._groups) - 1, -1, -1):
            group = self._groups[index]
            if matched >> index & 1:
                return group.exception
            if group.exception and group.reaches(parts):
                return True
        return True

    def _matched(self, directory: str) -> int:
        """Return which groups have matched a directory or one above it, as bits."""
        known, matched = self._last
        if directory == known:
            return matched
        if not directory.startswith(known + "/"):
            known, matched = "", 0
        end = len(known)
        while end < len(directory):
            end = directory.find("/", end + 1)
            end = len(directory) if end < 0 else end
            matched = self._step(directory[:end], matched)[1]
        self._last = (directory, matched)
        return matched

    def _step(self, path: str, above: int) -> tuple[bool, int]:
        """Return whether a path is left out, and which groups match it or did so above.

        A group that could change nothing is not tried, here as in moby: it has not matched, and
        what lies deeper is not compared with this path again. So `a`, `!a/b`, `**/a` keeps a/b.
        """
        out, matched = False, 0
        for index, group in enumerate(self._groups):
            if above >> index & 1 or (group.exception is out and group.matches(path)):
                out = not group.exception
                matched |= 1 << index
        return out, matched


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One pattern, without its mark.

    `heads` match the components before the first place where their number is open; `literal` says
    that `text` has nothing special.
    """

    text: str
    whole: str
    careful: Automaton | None  # in the place of `whole`, where an expression could take for ever
    heads: tuple[re.Pattern[str] | Automaton, ...]
    open: bool
    literal: bool

    def reaches(self, parts: Sequence[str]) -> bool:
        """Say whether something below a directory could match."""
        matching = all(head.fullmatch(part) for head, part in zip(self.heads, parts, strict=False))
        return matching and (self.open or len(parts) < len(self.heads))


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbours of one kind, among which the order means nothing.

    Names without anything special are looked up, which makes long lists of them cheap.
    """

    exception: bool
    names: frozenset[str]
    others: re.Pattern[str] | None
    careful: tuple[Automaton, ...]
    patterns: tuple[_Pattern, ...]

    def matches(self, path: str) -> bool:
        """Say whether any pattern matches just this path."""
        if path in self.names:
            return True
        if self.others is not None and self.others.fullmatch(path) is not None:
            return True
        return any(one.fullmatch(path) for one in self.careful)

    def reaches(self, parts: Sequence[str]) -> bool:
        """Say whether any pattern could match below a directory."""
        return any(pattern.reaches(parts) for pattern in self.patterns)


def _grouped(pairs: Iterable[tuple[bool, str]]) -> Iterator[_Group]:
    kind, run = False, list[_Pattern]()
    for exception, text in pairs:
        if exception is not kind and run:
            yield _group(kind, run)
            run = []
        kind = exception
        run.append(_compiled(text))
    if run:
        yield _group(kind, run)


def _group(exception: bool, patterns: Sequence[_Pattern]) -> _Group:
    special = [pattern for pattern in patterns if not pattern.literal]
    others = [pattern.whole for pattern in special if pattern.careful is None]
    return _Group(
        exception,
        frozenset(pattern.text for pattern in patterns if pattern.literal),
        re.compile("|".join(others), re.DOTALL) if others else None,
        tuple(pattern.careful for pattern in special if pattern.careful is not None),
        tuple(patterns),
    )


def _compiled(text: str) -> _Pattern:
    if not text:
        raise PatternError("!", 'illegal exclusion pattern: "!"')
    tokens = list(_tokens(text))
    heads, is_open = _heads(tokens)
    literal = all(token.fixed for token in tokens)
    careful = Automaton(tokens) if _is_hostile(tokens) else None
    return _Pattern(text, f"(?:{_whole(text, tokens)})", careful, heads, is_open, literal)


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of a pattern as an expression; `fixed` if it is the character of the pattern."""

    expression: str
    fixed: bool = False
    slash: bool = False  # may match a slash


def _whole(text: str, tokens: Sequence[_Token]) -> str:
    plain = all(token.fixed for token in tokens[1:])
    if text.startswith("**") and plain:
        # moby compares the end of the path here, so that `**x` matches `yx` as well.
        rest = text[2:]
        return _ANY_DEPTH + re.escape(rest[1:]) if rest.startswith("/") else ".*" + re.escape(rest)
    kept = [
        token.expression
        for index, token in enumerate(tokens)
        # Twice is the same as once, but costs the square of the path's length.
        if not (index and token.expression == _ANY_DEPTH == tokens[index - 1].expression)
    ]
    return "".join(kept)


def _is_hostile(tokens: Sequence[_Token]) -> bool:
    """Say whether an expression would try too many ways to divide a path among its wildcards."""
    return sum(token.expression in _OPEN for token in tokens) > _MOST_OPEN


class Automaton:
    """A pattern of many wildcards, matched in time that grows with path and pattern, no more.

    All ways are followed at once, a character at a time. An even state is before a token, the odd
    one behind it is in the middle of "any depth", which ends with a slash.
    """

    __slots__ = ("_singles", "_tokens")

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = [token.expression for token in tokens]
        self._singles = {
            one: re.compile(one, re.DOTALL) for one in self._tokens if one not in _OPEN
        }

    def fullmatch(self, text: str) -> bool:
        """Say whether all of a text matches."""
        states = self._closed({0})
        for char in text:
            following = set[int]()
            for state in states:
                following |= self._after(state, char)
            states = self._closed(following)
            if not states:
                return False
        return 2 * len(self._tokens) in states

    def _after(self, state: int, char: str) -> set[int]:
        index = state // 2
        if index == len(self._tokens):
            return set()
        token = self._tokens[index]
        if token == _ANY_DEPTH:
            return {2 * index + 1, 2 * index + 2} if char == "/" else {2 * index + 1}
        if token == _ANYTHING or (token == _WITHIN and char != "/"):
            return {state}
        if token in self._singles and self._singles[token].fullmatch(char):
            return {state + 2}
        return set()

    def _closed(self, states: set[int]) -> set[int]:
        """Add the states that are reached without a character: wildcards may stand for none."""
        pending = [state for state in states if state % 2 == 0]
        while pending:
            index = pending.pop() // 2
            if index < len(self._tokens) and self._tokens[index] in _OPEN:
                following = 2 * index + 2
                if following not in states:
                    states.add(following)
                    pending.append(following)
        return states


def _expression(tokens: Sequence[_Token]) -> re.Pattern[str] | Automaton:
    if _is_hostile(tokens):
        return Automaton(tokens)
    return re.compile("".join(token.expression for token in tokens), re.DOTALL)


def _heads(tokens: Sequence[_Token]) -> tuple[tuple[re.Pattern[str] | Automaton, ...], bool]:
    """Return what matches the leading components, and whether any number may follow."""
    heads, part = list[re.Pattern[str] | Automaton](), list[_Token]()
    for token in tokens:
        if token.slash and token.expression != "/":
            return tuple(heads), True
        if token.slash:
            heads.append(_expression(part))
            part = []
        else:
            part.append(token)
    return (*heads, _expression(part)), False


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        char = text[at]
        if text.startswith("**", at):
            at += 3 if text.startswith("/", at + 2) else 2
            yield _Token(_ANY_DEPTH if at < len(text) else _ANYTHING, slash=True)
            continue
        if char == "[":
            expression, at = _class(text, at)
            yield _Token(expression, slash=re.fullmatch(expression, "/") is not None)
            continue
        at += 1
        if char == "*":
            yield _Token(_WITHIN)
        elif char == "?":
            yield _Token("[^/]")
        elif char == "\\":
            if at == len(text):
                raise PatternError(text, "nothing follows the backslash")
            yield _Token(re.escape(text[at]), slash=text[at] == "/")
            at += 1
        else:
            yield _Token(re.escape(char), fixed=True, slash=char == "/")


def _class(text: str, start: int) -> tuple[str, int]:
    """Return the expression of a class in brackets and where it ends."""
    at = start + 1
    negated = text.startswith("^", at)
    at += negated
    members = list[str]()
    while not (members and text.startswith("]", at)):
        low, at = _member(text, at)
        high = low
        if text.startswith("-", at):
            high, at = _member(text, at + 1)
        if high < low:
            raise PatternError(text, f"the range {low}-{high} is empty")
        members.append(f"{re.escape(low)}-{re.escape(high)}" if high != low else re.escape(low))
    return f"[{'^' * negated}{''.join(members)}]", at + 1


def _member(text: str, at: int) -> tuple[str, int]:
    """Return one character of a class; there has to be something behind it."""
    if text[at : at + 1] in ("", "-", "]"):
        raise PatternError(text, "a class in brackets is not complete")
    at += text[at] == "\\"
    if at + 1 >= len(text):
        raise PatternError(text, "the bracket is never closed")
    return text[at], at + 1


def _cleaned(pattern: str) -> tuple[bool, str]:
    mark, text = _split_mark(pattern)
    return bool(mark), clean(text) if text else ""


def _split_mark(pattern: str) -> tuple[str, str]:
    return ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)


def _text(path: bytes | str) -> str:
    if isinstance(path, bytes):
        path = path.decode("utf-8", "surrogateescape")
    path = path.strip("/")
    return "" if path == "." else path
