"""A document, key by key: every value is looked at by the form that the table gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wherry.base.configuration.document import Document
from wherry.base.configuration.problems import Path
from wherry.base.configuration.values import Place, shown
from wherry.base.values import dataclass, field
from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table import BY_KEY, OUTER, TABLE

# What a key was called in Dockers of old.
_RENAMED: Final = {"graph": "data-root", "iptables-backend": "firewall-backend"}


@dataclass(slots=True)
class Found:
    """What a document says of each setting; those that it leaves out are missing."""

    document: Document
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def complain(self, key: str, message: str) -> None:
        """Note that something is wrong with a setting."""
        self.document.complain(BY_KEY[key].path, message)

    def called(self, key: str) -> str:
        """Return what the user calls a setting: its flag if that was given, else its key."""
        return self.document.flag_of(BY_KEY[key].path) or key


def read(document: Document) -> Found:
    """Read every key; `document.problems` has what is wrong."""
    found = Found(document)
    _read_table(found, document.data, ())
    return found


def _read_table(found: Found, table: Mapping[str, Any], outside: Path) -> None:
    for name, value in table.items():
        path = (*outside, name)
        key = ".".join(map(str, path))
        setting = BY_KEY.get(key)
        if setting is not None and setting.path == path:
            _take(found, setting, Place(found.document, path), value)
        elif key not in OUTER:
            found.document.complain(path, f"unknown key{_hint(key, outside)}")
        elif isinstance(value, dict):
            _read_table(found, value, path)
        elif not _is_empty(value):
            found.document.complain(path, f"an object is wanted, {{ }}, not {shown(value)}")


def _take(found: Found, setting: Setting, place: Place, value: Any) -> None:
    if _is_empty(value):
        return  # as if the key were not there
    taken = setting.form.read(place, value)
    if taken is None:
        return
    if setting.acts:
        found.values[setting.key] = taken
    elif not setting.allows(taken):
        place.complain(f"{shown(value)} is not supported: {setting.reason}")
    elif taken:
        problem = found.document.problem(place.path, f"changes nothing: {setting.reason}")
        found.notes.append(str(problem))


def _is_empty(value: Any) -> bool:
    """Tell whether dockerd would take a value for none: its files often have all keys."""
    return value is None or (not value and not isinstance(value, bool))


def _hint(key: str, outside: Path) -> str:
    if key in _RENAMED:
        return f': it is called "{_RENAMED[key]}"'
    for setting in TABLE:
        if f"--{key}" in setting.flags or key in (setting.path[-1], setting.key):
            return f": {_written(setting)}"
    # Only for those who mistype.
    import difflib  # noqa: PLC0415

    start = "".join(f"{part}." for part in outside)
    known = {k.removeprefix(start).split(".")[0] for k in BY_KEY if k.startswith(start)}
    close = difflib.get_close_matches(key.removeprefix(start), known, 1)
    return f': did you mean "{close[0]}"?' if close else ": leave it out"


def _written(setting: Setting) -> str:
    *outside, name = setting.path
    words = f'write "{name}"'
    return words + (f' inside of "{".".join(outside)}"' if outside else "")
