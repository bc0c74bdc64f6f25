"""WWW-Authenticate: the challenges of RFC 7235, section 4.1 and appendix C.

One header may hold several challenges, and both challenges and the parameters of one challenge are
separated by commas; so a word belongs to a new challenge exactly when no `=` with a value follows
it. What cannot be read ends the list: the challenges before it count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from wherry.base.values import dataclass, field

_SPACE = re.compile(r"[ \t]*")
_SEPARATORS = re.compile(r"[ \t,]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN68 = re.compile(r"[0-9A-Za-z._~+/-]+=*(?=[ \t]*(?:,|$))")
_PARAMETER = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*"
    r"(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))"
)
_ESCAPE = re.compile(r"\\(.)")
_MOST_PARAMETERS = 32


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate: `scheme` and the names of `parameters` are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Read all values of WWW-Authenticate; never raises."""
    return tuple(found for header in headers for found in _parse(header))


def _parse(header: str) -> list[Challenge]:
    found: list[Challenge] = []
    position = _skip(_SEPARATORS, header, 0)
    while match := _TOKEN.match(header, position):
        scheme = match.group().lower()
        position = _skip(_SPACE, header, match.end())
        parameters, position = _parameters(header, position)
        found.append(Challenge(scheme, parameters))
    return found


def _parameters(header: str, position: int) -> tuple[dict[str, str], int]:
    """Read the parameters at `position`; returns them and where the next challenge begins."""
    parameters: dict[str, str] = {}
    while match := _PARAMETER.match(header, position):
        name, quoted, word = match.groups()
        value = word if quoted is None else _ESCAPE.sub(r"\1", quoted)
        if len(parameters) < _MOST_PARAMETERS:
            parameters.setdefault(name.lower(), value)
        position = _skip(_SEPARATORS, header, match.end())
    if not parameters and (opaque := _opaque(header, position)):
        position = opaque.end()
    return parameters, _skip(_SEPARATORS, header, position)


def _opaque(header: str, position: int) -> re.Match[str] | None:
    """Match a token68, as of Negotiate; a bare word after a comma is the next scheme instead."""
    if position == 0 or header[position - 1] not in " \t":
        return None
    return None if "," in _gap(header, position) else _TOKEN68.match(header, position)


def _gap(header: str, position: int) -> str:
    start = position
    while start > 0 and header[start - 1] in " \t,":
        start -= 1
    return header[start:position]


def _skip(pattern: re.Pattern[str], header: str, position: int) -> int:
    match = pattern.match(header, position)
    return match.end() if match else position
