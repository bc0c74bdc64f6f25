"""The query of a request, decoded once, and read only by those who need it. Pure."""

from __future__ import annotations

from urllib.parse import parse_qsl

from wherry.base.errors import InvalidError

_MOST = 200


class QueryError(InvalidError):
    """The query of a request cannot be read."""

    def __init__(self) -> None:
        super().__init__(f"the query is no UTF-8, or has more than {_MOST} parameters")


class Query:
    """Parameters; one may be there several times. Reading them raises QueryError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pairs: list[tuple[str, str]] | None = None if text else []

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for key, value in self._read() if key == name]

    def first(self, name: str) -> str:
        """Return the first value of a parameter, "" when it is not there."""
        return next((value for key, value in self._read() if key == name), "")

    def has(self, name: str) -> bool:
        """Tell whether a parameter is there, with a value or without."""
        return any(key == name for key, _ in self._read())

    def _read(self) -> list[tuple[str, str]]:
        if self._pairs is None:
            try:
                self._pairs = parse_qsl(self._text, True, errors="strict", max_num_fields=_MOST)
            except ValueError:
                raise QueryError from None
        return self._pairs
