"""Sizes, CPUs, durations and points in time, as docker writes them."""

from __future__ import annotations

from wherry.cli.errors import UsageError

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_DURATIONS = {
    "ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000,
    "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
}  # fmt: skip


def size(text: str) -> int:
    """Read a size in bytes: `64m`, `1.5g`, `2GiB`, `512`."""
    lowered = text.strip().lower()
    digits = lowered.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = lowered[len(digits) :].strip()
    if unit not in ("", "b"):
        unit = unit.removesuffix("b").removesuffix("i")
    try:
        number = float(digits)
    except ValueError as error:
        raise UsageError(f"invalid size: '{text}'") from error
    if unit not in _UNITS or number < 0:
        raise UsageError(f"invalid suffix: '{unit}'" if number >= 0 else f"invalid size: '{text}'")
    return int(number * _UNITS[unit])


def swap(text: str) -> int:
    """Read `--memory-swap`: a size, or -1 for no limit."""
    return -1 if text == "-1" else size(text)


def cpus(text: str) -> int:
    """Read `--cpus` as billionths of a CPU."""
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isdecimal():
        raise UsageError(f"failed to parse {text} as a rational number")
    if len(fraction.rstrip("0")) > 9:
        raise UsageError("value is too precise")
    return int(whole or "0") * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


def duration(text: str) -> int:
    """Read Go's durations (`1m30s`, `500ms`) as nanoseconds."""
    if text == "0":
        return 0
    total, number, unit = 0.0, "", ""
    for character in f"{text}0":
        if character.isdecimal() or character == ".":
            if unit:
                total += _part(text, number, unit)
                number, unit = "", ""
            number += character
        else:
            unit += character
    if number != "0" or not text:
        raise UsageError(f'time: missing unit in duration "{text}"')
    return int(total)


def _part(text: str, number: str, unit: str) -> float:
    if unit not in _DURATIONS:
        word = "unknown unit" if number else "invalid duration"
        about = f'"{unit}" in duration "{text}"' if number else f'"{text}"'
        raise UsageError(f"time: {word} {about}")
    try:
        return float(number) * _DURATIONS[unit]
    except ValueError as error:
        raise UsageError(f'time: invalid duration "{text}"') from error


def moment(text: str, now: float) -> str:
    """Turn `--since` and `--until` into what the API takes: seconds, with a fraction.

    A duration counts back from `now`; RFC 3339 and dates are points in time (local where no zone
    is given); a number is taken as it is.
    """
    if not text or text.replace(".", "", 1).isdecimal():
        return text
    try:
        return f"{now - duration(text) / 1e9:.9f}"
    except UsageError:
        pass
    from datetime import datetime  # noqa: PLC0415 - only for points in time

    seconds, nanoseconds = _split_fraction(text)
    try:
        return f"{int(datetime.fromisoformat(seconds).timestamp())}.{nanoseconds}"
    except ValueError as error:
        raise UsageError(f'failed to parse value as time or duration: "{text}"') from error


def _split_fraction(text: str) -> tuple[str, str]:
    before, dot, after = text.partition(".")
    digits = after[: len(after) - len(after.lstrip("0123456789"))] if dot else ""
    return before + after[len(digits) :], digits.ljust(9, "0")[:9]
