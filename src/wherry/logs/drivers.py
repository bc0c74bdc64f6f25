"""Which log drivers there are, and what their options mean: pure.

Output is kept in the engine's own files whatever the driver is called (docs/decisions/0002):
`local` is `json-file` with other defaults, and `none` forbids to read what attached clients follow.
`compress` only changes how Docker's own files look: it is taken and changes nothing. What `labels`,
`env` and `tag` choose is made when it is asked for (`details`). Words of refusals are dockerd's
(moby daemon/logger).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from wherry.base.errors import InvalidError
from wherry.logs import details
from wherry.logs.writer import LogOptions

JSON_FILE: Final = "json-file"
LOCAL: Final = "local"
NONE: Final = "none"
DRIVERS: Final = (JSON_FILE, LOCAL, NONE)

_ROTATION: Final = frozenset({"max-size", "max-file", "compress"})
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    JSON_FILE: _ROTATION | {"labels", "labels-regex", "env", "env-regex", "tag"},
    LOCAL: _ROTATION,
}
# What every driver takes, and what is for a cache that is not needed: all drivers can be read.
_COMMON: Final = frozenset({"mode", "max-buffer-size"})
_CACHE: Final = "cache-"
_MODES: Final = ("", "blocking", "non-blocking")
_BOOLEANS: Final = ("1", "t", "true", "0", "f", "false")
_LOCAL_SIZE, _LOCAL_FILES = 20 << 20, 5
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.IGNORECASE | re.ASCII)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def check(driver: str, options: Mapping[str, str]) -> None:
    """Refuse a driver that is not there, and options that it does not have or that make no sense.

    Raises InvalidError, in dockerd's words.
    """
    if driver == NONE:
        return
    if driver not in DRIVERS:
        raise InvalidError(
            f"logger: no log driver named '{driver}' is registered: there are {', '.join(DRIVERS)}"
        )
    for key in options:
        if key not in _KEYS[driver] | _COMMON and not key.startswith(_CACHE):
            raise InvalidError(f"unknown log opt '{key}' for {driver} log driver")
    _check_mode(options)
    details.check(options)
    rotation(driver, options)


def _check_mode(options: Mapping[str, str]) -> None:
    mode = options.get("mode", "")
    if mode not in _MODES:
        raise InvalidError(f"logger: logging mode not supported: {mode}")
    if "max-buffer-size" in options:
        if mode != "non-blocking":
            raise InvalidError(
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
            )
        _size("max-buffer-size", options["max-buffer-size"], 1024)
    if options.get("compress", "true").lower() not in _BOOLEANS:
        raise InvalidError(f"invalid log opt compress={options['compress']}: true or false")


def rotation(driver: str, options: Mapping[str, str]) -> LogOptions:
    """Return how output files are rotated. Raises InvalidError.

    `json-file` is kept whole unless `max-size` is given, and counts in powers of 1000, as dockerd;
    `local` in powers of 1024. What `none` keeps is for attached clients alone, which may be slow.
    """
    if driver == NONE:
        return LogOptions()
    local = driver == LOCAL
    size = _LOCAL_SIZE if local else 0
    if "max-size" in options and options["max-size"] not in ("-1", "0"):
        size = _size("max-size", options["max-size"], 1024 if local else 1000)
    files = _files(options["max-file"]) if "max-file" in options else _LOCAL_FILES if local else 1
    return LogOptions(size, files)


def _size(key: str, text: str, base: int) -> int:
    match = _SIZE.fullmatch(text)
    if match is None or len(text) > 32:
        raise InvalidError(f"invalid log opt {key}={text}: a size such as 10m")
    return int(float(match[1]) * base ** _POWERS[match[2].lower()])


def _files(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise InvalidError(f"invalid log opt max-file={text}: a number")
    if int(text) < 1:
        raise InvalidError("max-file cannot be less than 1")
    return int(text)
