"""What SIGHUP does to the options: the file is read again, and what can be applied is. Pure.

Nothing changes when anything is wrong. A setting that only a start can apply keeps its value, and
is named until the engine is restarted or the file says again what the engine has.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wherry.base.values import dataclass
from wherry.daemon.configuration.flags import parse
from wherry.daemon.configuration.loading import from_arguments
from wherry.daemon.configuration.options import Options
from wherry.daemon.configuration.setting import Setting
from wherry.daemon.configuration.table import TABLE

_SHARED: Final = Counter(setting.into for setting in TABLE)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload came to: the options from now on, and keys of what changed in the file.

    applied: is in `options`. waiting: is not, and needs a restart.
    """

    options: Options
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def reload(options: Options, words: Sequence[str]) -> Reloaded:
    """Read the file of a command line again; raises ConfigurationError, and nothing has changed."""
    return merge(options, from_arguments(parse(words)))


def merge(old: Options, new: Options) -> Reloaded:
    """Return the old options with what a running engine can take over of the new ones."""
    # Empty is empty: an option of TLS that was not there before is not one that has changed.
    changed = [
        one
        for one in TABLE
        if one.acts and (_value(old, one) or None) != (_value(new, one) or None)
    ]
    options = dataclasses.replace(old, notes=new.notes)
    for setting in changed:
        if setting.reloads:
            options = _put(options, setting.into.split("."), _value(new, setting))
    return Reloaded(
        options,
        _names(one for one in changed if one.reloads),
        _names(one for one in changed if not one.reloads),
    )


def _names(settings: Iterable[Setting]) -> tuple[str, ...]:
    """Return keys; of those that make one value together, the key that they stand in."""
    keys = [
        one.key if _SHARED[one.into] == 1 else ".".join(one.path[:-1]) for one in settings
    ]  # fmt: skip
    return tuple(dict.fromkeys(keys))


def _value(options: Any, setting: Setting) -> Any:
    """Return a setting's value; where there is nothing that would have it, its absence."""
    value = options
    for name in setting.into.split("."):
        if value is None:
            return None
        value = getattr(value, name)
    return value is not None if dataclasses.is_dataclass(value) else value


def _put(owner: Any, path: Sequence[str], value: Any) -> Any:
    name, *rest = path
    below = _put(getattr(owner, name), rest, value) if rest else value
    return dataclasses.replace(owner, **{name: below})
