"""Environment variables and labels, from flags and from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.cli.errors import UsageError


def variables(files: Iterable[str], flags: Iterable[str], own: Mapping[str, str]) -> list[str]:
    """Return `NAME=value` entries; a bare NAME takes the caller's value, or is left out."""
    found = [entry for path in files for line in _lines(path) for entry in _resolve(line, own)]
    for text in flags:
        found += _resolve(variable(text), own)
    return found


def variable(text: str) -> str:
    """Check one `NAME=value` or `NAME`."""
    if not text or text.startswith("="):
        raise UsageError(f"invalid environment variable: {text}")
    return text


def labels(files: Iterable[str], flags: Iterable[str]) -> dict[str, str]:
    """Return labels; flags win over files."""
    return pairs(line for path in files for line in _lines(path)) | pairs(flags)


def label(text: str) -> str:
    """Check one `key=value` or `key`."""
    if not text.partition("=")[0]:
        raise UsageError(f"invalid label '{text}': empty name")
    return text


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Read `key=value` entries; a missing value is empty."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        found[name] = value
    return found


def _resolve(text: str, own: Mapping[str, str]) -> list[str]:
    if "=" in text:
        return [text]
    return [f"{text}={own[text]}"] if text in own else []


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.rstrip("\r\n").lstrip() for line in file]
    except OSError as error:
        raise UsageError(f"open {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"invalid env file ({path}): invalid utf8 bytes") from error
    found = [line for line in lines if line and not line.startswith("#")]
    for line in found:
        name = line.partition("=")[0]
        if not name:
            raise UsageError(f"invalid env file ({path}): no variable name on line '{line}'")
        if " " in name or "\t" in name:
            raise UsageError(f"invalid env file ({path}): variable '{name}' contains whitespaces")
    return found
