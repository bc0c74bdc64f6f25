"""Where an instruction announces documents that stand in the lines after it.

    RUN <<EOF            COPY <<-"a.txt" <<b.txt /dest/            RUN 3<<EOF cat

Only ADD, COPY and RUN have them, also behind ONBUILD, and never in the exec form. A word announces
one if it is `<<` or `<<-` (tabs at the beginning of lines go), with a number before it at most, and
a delimiter behind it. A quote in the delimiter means that nothing in the document is expanded.

The escape is always the backslash, as the shell would have it.
"""

from __future__ import annotations

import re
from typing import Final

from wherry.build.dockerfile.arguments import read_json
from wherry.build.dockerfile.flags import split
from wherry.build.dockerfile.instructions import Heredoc
from wherry.build.dockerfile.words import ExpansionError, Mode, expand_words

_KEYWORDS: Final = frozenset({"add", "copy", "run"})
_OPENING: Final = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)")
_AS_WRITTEN: Final = Mode(raw_quotes=True, raw_escapes=True, keep_unset=True)
_WITH_QUOTES: Final = Mode(raw_quotes=True, keep_unset=True)
_WITHOUT_QUOTES: Final = Mode(keep_unset=True)
_LONGEST_NUMBER: Final = 9
_LEADING_TABS: Final = re.compile(r"^\t+", re.MULTILINE)


def announced(line: str, escape: str) -> list[Heredoc]:
    """Return the heredocs of a logical line, without their content.

    Raises `GrammarError` for a JSON array that holds anything but strings.
    """
    if "<<" not in line or not _may_have(line, escape):
        return []
    try:
        words = expand_words(line, _unset, mode=_AS_WRITTEN)
    except ExpansionError:
        # No shell would accept it either; the instruction will tell.
        return []
    return [found for word in words if (found := opening(word))]


def opening(word: str) -> Heredoc | None:
    """Return the heredoc that a word announces."""
    match = _OPENING.fullmatch(word)
    if match is None or not match[3] or len(match[1]) > _LONGEST_NUMBER:
        return None
    try:
        names = expand_words(match[3], _unset, mode=_WITHOUT_QUOTES)
        written = "".join(expand_words(match[3], _unset, mode=_WITH_QUOTES))
    except ExpansionError:
        return None
    if len(names) != 1:
        return None
    return Heredoc(
        names[0],
        "",
        expand=_quotes(names[0]) == _quotes(written),
        strip_tabs=match[2] == "-",
        descriptor=int(match[1] or "0"),
    )


def without_tabs(content: str) -> str:
    """Return a document for `<<-`."""
    return _LEADING_TABS.sub("", content)


def _may_have(line: str, escape: str) -> bool:
    parts = split(line, escape)
    if parts.keyword.lower() == "onbuild":
        parts = split(parts.rest, escape)
    return parts.keyword.lower() in _KEYWORDS and read_json(parts.rest) is None


def _quotes(text: str) -> int:
    return text.count("'") + text.count('"')


def _unset(_: str) -> None:
    return None
