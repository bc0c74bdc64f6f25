"""A table of the file while it is read: its keys by kind, and the tables inside it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from wherry.base.configuration.values import Kind, Place, shown
from wherry.base.values import dataclass, field

Keys = Mapping[str, Kind[Any]]


@dataclass(slots=True)
class Table:
    """A table of the file while it is read; `keys` and `tables` are what it may have."""

    place: Place
    data: Mapping[str, Any]
    keys: Keys
    tables: tuple[str, ...] = ()
    _values: dict[str, Any] = field(default_factory=dict)

    def read(self) -> dict[str, Any]:
        """Return what the table has, by key; complains of keys that nobody knows."""
        for key, value in self.data.items():
            if kind := self.keys.get(key):
                found = kind(self.place.below(key), value)
                if found is not None:
                    self._values[key] = found
            elif key not in self.tables:
                self._unknown(key)
        return self._values

    def _unknown(self, key: str) -> None:
        known = [*self.keys, *self.tables]
        close = difflib.get_close_matches(key, known, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"known are {', '.join(known)}"
        self.place.below(key).complain(f"unknown key: {hint}")

    def lacks(self, key: str, why: str) -> bool:
        """Complain when the table has no such key."""
        if key in self.data:
            return key not in self._values
        self.place.complain(f"{key} is missing: {why}")
        return True

    def table(self, name: str, keys: Keys, tables: tuple[str, ...] = ()) -> Table:
        """Return a table inside this one; an empty one when it is not there."""
        place, value = self.place.below(name), self.data.get(name, {})
        if isinstance(value, dict):
            return Table(place, value, keys, tables)
        place.complain(f"a table is wanted, [{name}], not {shown(value)}")
        return Table(place, {}, keys, tables)

    def array(self, name: str, keys: Keys) -> dict[int, Table]:
        """Return the tables of an array inside this one, by their index."""
        place, value = self.place.below(name), self.data.get(name, [])
        if isinstance(value, dict):
            place.complain(f"tables are wanted: write [[{name}]] with two brackets")
            return {}
        if not isinstance(value, list):
            place.complain(f"tables are wanted, [[{name}]], not {shown(value)}")
            return {}
        found = {}
        for index, element in enumerate(value):
            if isinstance(element, dict):
                found[index] = Table(place.below(index), element, keys)
            else:
                place.below(index).complain(f"a table is wanted, not {shown(element)}")
        return found
