"""Environment variables and labels, from flags and from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.cli.errors import UsageError


def variables(files: Iterable[str], flags: Iterable[str], own: Mapping[str, str]) -> list[str]:
    """Return `NAME=value` entries; a bare NAME takes the caller's value, or is left out."""
    found = [entry for path in files for entry in _of_file(path, own)]
    for text in flags:
        if not text or text.startswith("="):
            raise UsageError(f"invalid environment variable: {text}")
        found += _resolve(text, own)
    return found


def labels(files: Iterable[str], flags: Iterable[str]) -> dict[str, str]:
    """Return labels; flags win over files."""
    found = {}
    for path in files:
        for line in _lines(path):
            name, _, value = line.partition("=")
            found[name.strip()] = value
    return found | pairs(flags)


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Read `key=value` entries; a missing value is empty."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        found[name] = value
    return found


def _of_file(path: str, own: Mapping[str, str]) -> list[str]:
    found = []
    for line in _lines(path):
        name = line.partition("=")[0]
        if not name:
            raise UsageError(
                f"invalid environment file ({path}): no variable name on line '{line}'"
            )
        if " " in name or "\t" in name:
            raise UsageError(
                f"invalid environment file ({path}): variable '{name}' contains whitespaces"
            )
        found += _resolve(line, own)
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
        raise UsageError(f"env file {path} contains invalid utf8 bytes") from error
    return [line for line in lines if line and not line.startswith("#")]
