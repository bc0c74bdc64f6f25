"""Directives for the parser: comments `# name=value` before everything else in a file.

    # syntax=docker/dockerfile:1       a frontend; ours is always the same one
    # escape=`                         ` or \\
    # check=skip=RULE,RULE;error=true  which checks are left out, and whether what is found is fatal

The first line that is none of these, be it blank, ends them. A first line `#!...` is passed over.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wherry.build.dockerfile.blanks import BLANKS
from wherry.build.dockerfile.errors import DockerfileError, GrammarError, quoted
from wherry.build.dockerfile.instructions import Directives, Place

_DIRECTIVE: Final = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*", re.ASCII)
_INTERPRETER: Final = "#!"
_ESCAPES: Final = ("\\", "`")
_MOST_OPTIONS: Final = 3
# What Go's strconv.ParseBool takes.
BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def read_directives(lines: Sequence[str], name: str) -> tuple[Directives, int]:
    """Return the directives of a file, and how many lines they take. Raises `DockerfileError`."""
    directives = Directives()
    seen: set[str] = set()
    taken = 1 if lines and lines[0].startswith(_INTERPRETER) else 0
    while taken < len(lines) and (match := _DIRECTIVE.fullmatch(lines[taken].strip(BLANKS))):
        key = match[1].lower()
        if key not in _READERS:
            break
        taken += 1
        place = Place(taken, taken)
        if key in seen:
            problem = f"only one {key} parser directive can be used"
            raise DockerfileError(problem, place, lines, name)
        seen.add(key)
        try:
            directives = _READERS[key](directives, match[2])
        except GrammarError as error:
            raise DockerfileError(str(error), place, lines, name) from None
    return directives, taken


def _syntax(directives: Directives, value: str) -> Directives:
    return dataclasses.replace(directives, syntax=value.partition(" ")[0])


def _escape(directives: Directives, value: str) -> Directives:
    if value not in _ESCAPES:
        raise GrammarError(f"invalid escape token '{value}' does not match ` or \\")
    return dataclasses.replace(directives, escape=value)


def _check(directives: Directives, value: str) -> Directives:
    for option in value.partition(" ")[0].split(";", maxsplit=_MOST_OPTIONS - 1):
        name, equals, text = option.partition("=")
        names = frozenset(one.strip(BLANKS) for one in text.split(","))
        if equals and name == "skip":
            directives = dataclasses.replace(directives, skip=names)
        elif equals and name == "experimental":
            directives = dataclasses.replace(directives, experimental=names)
        elif equals and name == "error":
            if text not in BOOLEANS:
                raise GrammarError(
                    f"failed to parse check options: failed to parse check option {quoted(option)}:"
                    " it is true or false"
                )
            directives = dataclasses.replace(directives, check_fails=BOOLEANS[text])
        else:
            shown = quoted(name if equals else option)
            raise GrammarError(f"failed to parse check options: invalid check option {shown}")
    return directives


_READERS: Final[Mapping[str, Callable[[Directives, str], Directives]]] = {
    "syntax": _syntax,
    "escape": _escape,
    "check": _check,
}
