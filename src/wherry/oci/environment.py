"""Environments as lists of `NAME=value`, as configurations hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

# Where programs are looked for when an image does not say.
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def merge(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Replace in `first` what `second` sets, append what is new; a bare name removes."""
    merged = list(first)
    places = {entry.partition("=")[0]: index for index, entry in enumerate(merged)}
    for entry in second:
        name = entry.partition("=")[0]
        if name in places:
            merged[places[name]] = entry
        else:
            places[name] = len(merged)
            merged.append(entry)
    return [entry for entry in merged if "=" in entry]


def mapping(entries: Iterable[str]) -> dict[str, str]:
    """Return the variables by name; the last of one name counts."""
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}
