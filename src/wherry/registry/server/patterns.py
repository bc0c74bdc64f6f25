"""Patterns of names in settings: `*` is any run of characters, everything else is itself."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Patterns:
    """Several patterns as one; none of them matches nothing."""

    def __init__(self, patterns: Iterable[str]) -> None:
        parts = [".*".join(map(re.escape, one.split("*"))) for one in patterns]
        self._expression = re.compile("|".join(f"(?:{part})" for part in parts)) if parts else None

    def match(self, name: str) -> bool:
        """Tell whether any pattern is the whole of `name`."""
        return self._expression is not None and self._expression.fullmatch(name) is not None
