"""What counts as a blank: Go's `unicode.IsSpace`.

Python's own `isspace` and `split()` also take the separators U+001C to U+001F, which Dockerfiles
may hold as data.
"""

from __future__ import annotations

import re
from typing import Final

BLANKS: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# Words of an instruction are parted by these alone.
_BETWEEN: Final = re.compile(r"[\t\v\f\r ]+")


def split_first(text: str) -> tuple[str, str]:
    """Return the first word and what follows the blanks after it, "" where there is nothing."""
    first, *rest = _BETWEEN.split(text, maxsplit=1)
    return first, "".join(rest)


def split_all(text: str) -> list[str]:
    """Return the words; quotes mean nothing."""
    return [word for word in _BETWEEN.split(text) if word]
